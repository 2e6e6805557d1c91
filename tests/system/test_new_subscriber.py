"""The steps for a new subscriber in contracts/README.md, on the whole system."""

import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from portalctl.local.postgres import PostgresServer
from portalctl.local.programs import Child, start
from support.ports import free_port
from support.server_folders import server_folder
from support.subscriber_environment import make, printed, printed_commands, printed_installation, running
from support.system_stack import Shop, Stack, eventually, shop

MARCH = datetime(2024, 3, 20, tzinfo=UTC)


@pytest.mark.timeout(300)
async def test_a_subscriber_sees_each_cancellation_despite_a_database_outage(a_shop: Shop, tmp_path: Path) -> None:
    newcomer = make(tmp_path / "venv")
    newcomer.install(*printed_installation())
    (tmp_path / "subscriber.py").write_text(printed("python")[0])
    environment = {"KAFKA_BOOTSTRAP_SERVERS": a_shop.stack.state["kafka"]["bootstrap_servers"]}
    for words in printed_commands():
        process = newcomer.run(*words, cwd=tmp_path, env=environment)
        assert process.returncode == 0, process.stderr

    lucia, luis = await a_shop.customer(), await a_shop.customer()
    command = (newcomer.faststream, "run", "subscriber:app")
    async with running(*command, cwd=tmp_path, env=newcomer.environment(**environment)) as it:
        async with lucia.portal() as visit:
            await visit.sees(lambda page: bool(page["subscriptions"]))
            assert (await visit.cancel(feedback="unused")).status_code == 202
        await it.until(lambda: it.printed(f"{lucia.id} will leave on 2024-02-10: unused") == 1)
        with closing(sqlite3.connect(tmp_path / "churn.db", isolation_level=None)) as database:
            database.execute("BEGIN EXCLUSIVE")
            async with luis.portal() as visit:
                await visit.sees(lambda page: bool(page["subscriptions"]))
                assert (await visit.cancel()).status_code == 202
            await a_shop.clock(MARCH)
            await it.until(lambda: sum("database is locked" in line for line in it.errors) >= 2)
            database.execute("ROLLBACK")
        await it.until(lambda: bool(it.printed(f"{luis.id} left on 2024-02-10")))
        await it.until(lambda: bool(it.printed(f"{lucia.id} left on 2024-02-10: unused")))
        assert await it.stop() == 0
    with closing(sqlite3.connect(tmp_path / "churn.db")) as database:
        rows = database.execute("SELECT customer, feedback FROM leavers WHERE customer IN (?, ?)", (lucia.id, luis.id))
        assert sorted(rows) == sorted([(lucia.id, "unused")] * 2 + [(luis.id, None)] * 2)


def with_postgresql() -> str:
    """The printed subscriber, with the printed variant in place of its handler."""
    subscriber, variant, *_ = printed("python")
    return re.sub(r"^churn = .*?(?=^broker = )", lambda _: variant, subscriber, flags=re.DOTALL | re.MULTILINE)


class OwnDatabase:
    """The subscriber's own PostgreSQL, which can be stopped and started."""

    def __init__(self, folder: Path) -> None:
        self.server = PostgresServer(folder, free_port(), "only-for-tests", folder / "postgres.log", {"fsync": "off"})
        self.child: Child | None = None

    async def start(self) -> None:
        await self.server.prepare()
        self.child = await start(self.server.program())

    async def stop(self) -> None:
        if self.child:
            await self.child.stop()

    async def cancelled_customers(self) -> list[str]:
        connection = await asyncpg.connect(self.server.url, ssl=False)
        try:
            return [row["customer"] for row in await connection.fetch("SELECT customer FROM leavers")]
        except asyncpg.UndefinedTableError:
            return []
        finally:
            await connection.close()


@asynccontextmanager
async def own_database() -> AsyncIterator[OwnDatabase]:
    with server_folder() as folder:
        database = OwnDatabase(folder)
        try:
            await database.start()
            yield database
        finally:
            await database.stop()


@pytest.mark.timeout(300)
async def test_a_subscriber_misses_nothing_while_its_postgresql_is_stopped(stack: Stack, tmp_path: Path) -> None:
    newcomer = make(tmp_path / "venv")
    newcomer.install(*printed_installation(), "./contracts[faststream,postgres]")
    (tmp_path / "subscriber.py").write_text(with_postgresql())
    command = (newcomer.faststream, "run", "subscriber:app")
    async with own_database() as database, shop(stack, cancel_mode="immediately") as sells:
        kafka = stack.state["kafka"]["bootstrap_servers"]
        environment = {"KAFKA_BOOTSTRAP_SERVERS": kafka, "DATABASE_URL": database.server.url}
        for words in printed_commands():
            process = newcomer.run(*words, cwd=tmp_path, env=environment)
            assert process.returncode == 0, process.stderr
        customers = [await sells.customer() for _ in range(3)]

        async def cancel(number: int) -> None:
            async with customers[number].portal() as visit:
                await visit.sees(lambda page: bool(page["subscriptions"]))
                assert (await visit.cancel(feedback="unused")).status_code == 202

        async def ours() -> list[str]:
            """Those of this test's customers who have a row."""
            return [id for id in await database.cancelled_customers() if id in [each.id for each in customers]]

        async with running(*command, cwd=tmp_path, env=newcomer.environment(**environment)) as it:
            await cancel(0)
            await eventually(ours, lambda customer_ids: customer_ids == [customers[0].id], seconds=60)
            await database.stop()
            await cancel(1)
            await it.until(lambda: sum("subscriber.effect_failed" in line for line in it.errors) >= 2)
            await database.start()
            await eventually(ours, lambda customer_ids: len(customer_ids) == 2, seconds=60)
            await database.stop()
            await cancel(2)
        # The subscriber was killed while the database was away.
        async with running(*command, cwd=tmp_path, env=newcomer.environment(**environment)) as it:
            await it.until(lambda: sum("subscriber.effect_failed" in line for line in it.errors) >= 2)
            await database.start()
            await eventually(ours, lambda customer_ids: len(customer_ids) >= 3, seconds=60)
            assert await it.stop() == 0
        assert sorted(await ours()) == sorted(each.id for each in customers)
