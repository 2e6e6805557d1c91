"""A process of subscriptions with its credentials in files, and requests to it that do not stop."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import asyncpg
import httpx

from chassis.kafka_access import KafkaAccess
from chassis.service.kafka_settings import kafka_variables
from support.databases import ServiceDatabase
from support.http_client import http_client
from support.ports import free_port
from support.processes import exit_code, process, python
from support.service import OPERATOR, common_settings

MERCHANT = {
    "name": "Shop",
    "legal": {"name": "Shop Ltd", "address": "1 Main Street", "tax_id": "12-345"},
    "locale": "en",
    "time_zone": "UTC",
}


class RunningService:
    def __init__(self, folder: Path, http: httpx.AsyncClient, admin: str, send: Callable[[signal.Signals], None]) -> None:
        self.http, self.send = http, send
        self._files, self._log, self._admin = folder / "files", folder / "log", admin
        self.statuses: list[int | str] = []

    def logged(self, event: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self._log.read_text().split("\n")[:-1] if line.startswith("{")]
        return [line for line in lines if line["event"] == event]

    async def until_logged(self, event: str, count: int) -> dict[str, Any]:
        async with asyncio.timeout(60):
            while len(self.logged(event)) < count:
                await asyncio.sleep(0.1)
        return self.logged(event)[-1]

    async def until_sent(self, count: int) -> None:
        """Wait until the relay has sent so many messages since the process started."""
        async with asyncio.timeout(60):
            while True:
                metrics = (await self.http.get(f"{self._admin}/metrics")).text
                sent = next((line for line in metrics.splitlines() if line.startswith("relay_messages_sent_total{")), "0")
                if float(sent.split()[-1]) >= count:
                    return
                await asyncio.sleep(0.1)

    async def register(self) -> int | str:
        try:
            return (await self.http.post("/v1/merchants", json=MERCHANT)).status_code
        except httpx.TransportError as error:
            return repr(error)

    async def request_continuously(self) -> None:
        while True:
            self.statuses.append(await self.register())
            await asyncio.sleep(0.05)

    def write(self, **values: str) -> None:
        for name, value in values.items():
            (self._files / f"{name}.new").write_text(value)
            (self._files / f"{name}.new").replace(self._files / name)


@asynccontextmanager
async def running_service(folder: Path, settings: dict[str, str]) -> AsyncIterator[RunningService]:
    headers, url = {"authorization": f"Bearer {OPERATOR}"}, f"http://127.0.0.1:{settings['HTTP_PORT']}"
    admin = f"http://127.0.0.1:{settings['ADMIN_PORT']}"
    with (folder / "log").open("w") as output:
        async with (
            process(*python("-m", "subscriptions"), env=settings, stderr=output.fileno()) as started,
            http_client(base_url=url, headers=headers, timeout=60) as http,
        ):
            service = RunningService(folder, http, admin, started.send_signal)
            await service.until_logged("service.started", 1)
            await service.until_logged("relay.started", 1)
            requests = asyncio.create_task(service.request_continuously())
            try:
                yield service
            finally:
                requests.cancel()
                await asyncio.gather(requests, return_exceptions=True)


async def set_password(database: ServiceDatabase, password: str) -> str:
    """Change the password of the service's role. Returns the new URL."""
    parts = urlsplit(database.url)
    administrator = await asyncpg.connect(database.admin_url)
    try:
        await administrator.execute(f"ALTER ROLE {parts.username} PASSWORD '{password}'")
    finally:
        await administrator.close()
    return with_password(database.url, password)


def with_password(url: str, password: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=f"{parts.username}:{quote(password)}@{parts.netloc.rpartition('@')[2]}").geturl()


@asynccontextmanager
async def with_files(database: ServiceDatabase, kafka: KafkaAccess, folder: Path) -> AsyncIterator[RunningService]:
    """The service on these servers, with the names of both users and their passwords in files."""
    (folder / "files").mkdir()
    settings = {name.upper(): str(value) for name, value in common_settings(database, "subscriptions").items()}
    settings |= {"DATABASE_OWNER_URL": database.owner_url, **kafka_variables(kafka), "PATH": os.environ["PATH"]}
    settings |= {"HTTP_PORT": str(free_port()), "ADMIN_PORT": str(free_port())}
    assert await exit_code(*python("-m", "subscriptions", "migrate"), env=settings) == 0
    for name in ("DATABASE_URL", "KAFKA_USERNAME", "KAFKA_PASSWORD"):
        (folder / "files" / name).write_text(settings.pop(name))
        settings[f"{name}_FILE"] = str(folder / "files" / name)
    async with running_service(folder, settings) as service:
        yield service
