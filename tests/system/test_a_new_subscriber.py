"""The path of a new subscriber, as contracts/README.md prints it, on the whole system."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from support.newcomer import make, printed, printed_commands, printed_installation, running
from support.portal import Shop

MARCH = datetime(2024, 3, 20, tzinfo=UTC)


@pytest.mark.timeout(300)
async def test_a_new_subscriber_sees_each_cancellation_also_after_its_database_was_away(a_shop: Shop, tmp_path: Path) -> None:
    newcomer = make(tmp_path / "venv")
    newcomer.install(*printed_installation())
    (tmp_path / "subscriber.py").write_text(printed("python")[0])
    environment = {"KAFKA_BOOTSTRAP_SERVERS": a_shop.stack.state["kafka"]["bootstrap_servers"]}
    for words in printed_commands():
        made = newcomer.run(*words, cwd=tmp_path, env=environment)
        assert made.returncode == 0, made.stderr

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
