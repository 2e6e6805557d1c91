"""docs/by-hand.md is run as printed, on existing PostgreSQL and Kafka servers."""

import asyncio
import json
import os
import re
import stat
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import asyncpg
import psutil
import pytest
from aiokafka import AIOKafkaConsumer

from billing_contracts.envelope import Envelope
from chassis.kafka_access import KafkaAccess
from portalctl import topics
from portalctl.local.databases import Database, Role, drop, url_of
from portalctl.local.postgres import binaries
from portalctl.local.services import SERVICES
from support.processes import process

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "by-hand.md").read_text()
NAMES = [kind.name for kind in SERVICES]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def exported(text: str) -> list[str]:
    return re.findall(r"^export (\w+)=", text, re.MULTILINE)


@pytest.fixture
async def administrator(postgres_url: str) -> AsyncIterator[str]:
    """The URL of an administrator who is no superuser. The page's databases and roles do not exist; they are dropped after it."""
    connection = await asyncpg.connect(postgres_url)
    packages = [kind.package for kind in SERVICES]
    try:
        there = await connection.fetch("SELECT datname FROM pg_database WHERE datname = ANY($1)", packages)
        assert there == [], "they are not this test's: they may not be dropped"
        await connection.execute("CREATE ROLE by_hand LOGIN CREATEROLE CREATEDB PASSWORD 'only-for-tests'")
        yield url_of(postgres_url, "postgres", Role("by_hand", "only-for-tests"))
        for package in packages:
            await drop(postgres_url, Database(package, Role(f"{package}_owner", ""), Role(package, "")))
        await connection.execute("DROP ROLE by_hand")
    finally:
        await connection.close()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """What the page started and did not stop, because the test failed, is ended."""
    yield tmp_path
    for file in tmp_path.glob("*.pid"):
        with suppress(psutil.NoSuchProcess):
            started = psutil.Process(int(file.read_text()))
            if started.cwd() == str(tmp_path):
                started.kill()


async def first_event(kafka: str, merchant_id: str) -> Envelope:
    """Of the merchant on billing.subscriptions."""
    consumer = AIOKafkaConsumer("billing.subscriptions", bootstrap_servers=kafka, auto_offset_reset="earliest")
    async with consumer, asyncio.timeout(30):
        async for record in consumer:
            if record.key.decode().startswith(merchant_id):
                return Envelope.model_validate_json(record.value)
    raise AssertionError("unreachable")


@pytest.mark.timeout(400)
async def test_the_page_runs_as_printed(administrator: str, postgres_url: str, kafka_bootstrap: str, folder: Path) -> None:
    [commands] = blocks("sh")
    settings = {
        "PATH": os.pathsep.join([str(ROOT / ".venv" / "bin"), str(binaries()), os.environ["PATH"]]),
        "PORTAL_POSTGRES_URL": administrator,
        "KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap,
    }
    assert exported(commands) == list(settings)
    (folder / "page.bash").write_text("".join(blocks("bash")))
    command = ("bash", "-euo", "pipefail", "page.bash")
    async with process(*command, env=settings, cwd=folder, stdout=PIPE, stderr=PIPE) as running:
        out, err = await running.communicate()
    logs = {name: [json.loads(line) for line in (folder / f"{name}.log").read_text().splitlines()] for name in NAMES}
    assert running.returncode == 0, f"{out.decode()}\n{err.decode()}\n{logs}"

    printed = out.decode()
    ready = r'^\{"status":"(?:ready|degraded)".*\} http://127\.0\.0\.1:\d+/health/ready$'
    assert len(re.findall(ready, printed, re.MULTILINE)) == 5
    assert await topics.diff(KafkaAccess(kafka_bootstrap)) == []
    merchant = json.loads((folder / "merchant.json").read_text())
    assert merchant["api_key"].startswith("sk_test_")
    assert (await first_event(kafka_bootstrap, merchant["id"])).type == "billing.subscriptions.MerchantConfigured.v1"
    for name in NAMES:
        events = [line["event"] for line in logs[name]]
        starts = 2 if name == "subscriptions" else 1
        assert events.count("service.started") == events.count("service.stopped") == starts

    for file in (*folder.glob("*.env"), folder / ".portal" / "secrets.json", folder / "merchant.json"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    private = re.findall(r'"d": "([^"]+)"', (folder / "subscriptions.env").read_text())
    secrets = [
        merchant["api_key"],
        *private,
        *json.loads((folder / ".portal" / "secrets.json").read_text())["passwords"].values(),
    ]
    shown = printed.replace((folder / "merchant.json").read_text(), "") + err.decode()
    shown += "".join((folder / f"{name}.log").read_text() for name in NAMES)
    assert [secret for secret in secrets if secret in shown] == []
    await may_do_little(postgres_url)


async def may_do_little(postgres_url: str) -> None:
    """The service's role owns nothing, creates nothing, and changes no event."""
    connection = await asyncpg.connect(url_of(postgres_url, "subscriptions"))
    try:
        role = await connection.fetchrow("SELECT * FROM pg_roles WHERE rolname = 'subscriptions'")
        assert role
        assert not any(role[right] for right in ("rolsuper", "rolcreaterole", "rolcreatedb", "rolbypassrls", "rolreplication"))
        owned = "SELECT count(*) FROM pg_class WHERE relowner = 'subscriptions'::regrole"
        assert await connection.fetchval(owned) == 0
        may = await connection.fetchrow(
            """
            SELECT has_schema_privilege('subscriptions', 'public', 'CREATE') AS "create",
                   has_table_privilege('subscriptions', 'events', 'UPDATE, DELETE, TRUNCATE') AS change,
                   has_table_privilege('subscriptions', 'events', 'INSERT') AS append
            """
        )
        assert may
        assert dict(may) == {"create": False, "change": False, "append": True}
        elsewhere = "SELECT has_database_privilege('payments', 'subscriptions', 'CONNECT')"
        assert not await connection.fetchval(elsewhere)
    finally:
        await connection.close()
