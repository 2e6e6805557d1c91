"""A service reports that it is not ready, with the reason, while tables are missing or Kafka was never reached."""

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx
import pytest
from integration.processes.test_stopping import environment

from chassis.kafka_access import KafkaAccess
from chassis.postgres.migrate import CHASSIS
from support.consumer_events import until
from support.databases import ServiceDatabase
from support.http_client import http_client

NOWHERE = "127.0.0.1:9"
PACKAGES = {
    "subscriptions": "subscriptions",
    "payments": "payments",
    "invoicing": "invoicing",
    "portal-gateway": "portal_gateway",
}


class Process:
    def __init__(self, settings: dict[str, str], lines: list[dict[str, Any]]) -> None:
        self._http, self.lines = http_client(timeout=10), lines
        self._api, self._admin = (f"http://127.0.0.1:{settings[name]}" for name in ("HTTP_PORT", "ADMIN_PORT"))

    async def get(self, path: str) -> httpx.Response | None:
        origin = self._api if path.startswith("/v1/") else self._admin
        try:
            return await self._http.get(origin + path)
        except httpx.TransportError:
            return None

    async def ready(self) -> tuple[int, dict[str, Any]]:
        answer = await self.get("/health/ready")
        return (answer.status_code, answer.json()) if answer else (0, {})

    async def metric(self, name: str) -> float | None:
        answer = await self.get("/metrics")
        match = re.search(rf"^{name}(?:{{.*}})? ([0-9.e+-]+)$", answer.text if answer else "", re.MULTILINE)
        return float(match[1]) if match else None

    async def close(self) -> None:
        await self._http.aclose()


@asynccontextmanager
async def running(service: str, settings: dict[str, str], *words: str) -> AsyncIterator[Process]:
    command = [sys.executable, "-m", PACKAGES[service], *words]
    process = await asyncio.create_subprocess_exec(*command, env=settings, stderr=asyncio.subprocess.PIPE)
    lines: list[dict[str, Any]] = []
    assert process.stderr is not None
    reading = asyncio.create_task(_read(process.stderr, lines))
    it = Process(settings, lines)
    try:
        async with asyncio.timeout(90):
            while await it.get("/health/live") is None:
                assert process.returncode is None, lines
                await asyncio.sleep(0.1)
        yield it
        assert process.returncode is None, lines
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await reading
        await it.close()


async def _read(stream: asyncio.StreamReader, lines: list[dict[str, Any]]) -> None:
    async for line in stream:
        if line.startswith(b"{"):
            lines.append(json.loads(line))
            if lines[-1]["level"] == "error":
                sys.stdout.write(line.decode())  # pytest shows it when the test fails


async def migrate(service: str, settings: dict[str, str]) -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", PACKAGES[service], "migrate", env=settings)
    assert await process.wait() == 0


def complaints(lines: list[dict[str, Any]]) -> list[str]:
    """Apart from refusals, which tell of a caller and not of the process."""
    ours = [line for line in lines if line["logger"] != "security"]
    return [line["event"] for line in ours if line["level"] not in ("info", "debug")]


@pytest.mark.parametrize("service", ["payments", "portal-gateway"])
async def test_without_migrations_it_is_not_ready_and_names_them(database: ServiceDatabase, service: str) -> None:
    settings = environment(service, database, NOWHERE)
    packaged = [f"chassis/{file.name}" for file in sorted(CHASSIS.glob("*.sql"))]
    async with running(service, settings, "serve", "--role", "http") as it:
        status, report = await it.ready()
        assert status == 503
        assert report["failures"]["migrations"].startswith(f"not applied: {', '.join(packaged)}, {service}/0001_")
        await migrate(service, settings)
        _, report = await it.ready()
        assert "migrations" not in report.get("failures", {})


async def test_a_single_missing_migration_is_named(database: ServiceDatabase) -> None:
    settings = environment("payments", database, NOWHERE)
    await migrate("payments", settings)
    last = sorted(CHASSIS.glob("*.sql"))[-1].name
    owner = await asyncpg.connect(database.owner_url)
    await owner.execute("DELETE FROM migrations WHERE component = 'chassis' AND file = $1", last)
    await owner.close()
    async with running("payments", settings, "serve", "--role", "http") as it:
        assert (await it.ready()) == (503, {"status": "failing", "failures": {"migrations": f"not applied: chassis/{last}"}})


async def test_without_kafka_it_serves_and_its_lag_is_the_age_of_the_oldest_unsent_event(
    database: ServiceDatabase,
) -> None:
    settings = environment("payments", database, NOWHERE)
    await migrate("payments", settings)
    owner = await asyncpg.connect(database.owner_url)
    await owner.execute(
        """
        INSERT INTO events
            (epoch, merchant_id, stream, version, event_id, name, schema, body, topic, headers, value, recorded_at)
        SELECT 1, gen_random_uuid(), 'lamp-1', 1, gen_random_uuid(), 'lit', 1, '{}', 'billing.payments', '{}', '',
            now() - interval '1 hour'
        """
    )
    await owner.close()
    async with running("payments", settings) as it:

        async def lags() -> bool:
            return 3600 <= (await it.metric("relay_lag_seconds") or 0) < 3900

        await until(lags)
        assert (await it.metric("consumer_standstill_seconds") or 0) > 0
        status, report = await it.ready()
        assert (status, report["failures"]["kafka"]) == (503, "was never reached")
        served = await it.get("/v1/customers/00000000-0000-4000-8000-000000000000/payment-methods")
        assert served is not None
        assert served.status_code == 401
        await asyncio.sleep(10)
        assert complaints(it.lines) == ["dependency.away"]
        assert it.lines[-1]["logger"]


async def test_a_process_of_role_http_does_not_need_kafka(database: ServiceDatabase) -> None:
    settings = environment("payments", database, NOWHERE)
    await migrate("payments", settings)
    async with running("payments", settings, "serve", "--role", "http") as it:
        assert await it.ready() == (200, {"status": "ready"})


async def test_without_postgresql_it_starts_logs_once_and_becomes_ready_later(
    database: ServiceDatabase, kafka_bootstrap: str
) -> None:
    from portalctl import topics

    await topics.apply(KafkaAccess(kafka_bootstrap))
    settings = environment("payments", database, kafka_bootstrap)
    await migrate("payments", settings)
    admin = await asyncpg.connect(database.admin_url.rsplit("/", 1)[0] + "/postgres")
    name = database.admin_url.rsplit("/", 1)[1]
    try:
        await admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        async with running("payments", settings) as it:
            status, report = await it.ready()
            assert status == 503
            assert "no connection to the database" in report["failures"]["database"]
            await asyncio.sleep(8)
            assert complaints(it.lines) == ["dependency.away"]
            await admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')

            async def ready() -> bool:
                return (await it.ready())[0] == 200

            async def is_logged() -> bool:
                return "dependency.back" in [line["event"] for line in it.lines]

            await until(ready, 60)
            await until(is_logged, 60)
            assert complaints(it.lines) == ["dependency.away"]
    finally:
        await admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        await admin.close()
