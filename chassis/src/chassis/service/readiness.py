"""The readiness checks of every service: database, migrations, Kafka and background tasks."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import asyncpg

from chassis.consumers.progress import STANDSTILL_SECONDS
from chassis.postgres.migrate import pending_migrations
from chassis.runtime.background import failing_tasks
from chassis.runtime.health import Health
from chassis.runtime.outages import outages

ANSWER_SECONDS = 3.0
"""A check that takes longer has failed. Probes wait for about as long."""


def check_database(health: Health, pool: asyncpg.Pool, components: Mapping[str, Path]) -> None:
    """Check that the database answers, accepts writes, and has every packaged migration."""
    migrated = False

    async def database() -> str | None:
        async with asyncio.timeout(ANSWER_SECONDS):
            read_only: str = await pool.fetchval("SELECT current_setting('transaction_read_only')")
        outages.worked("postgres")
        return "is read-only" if read_only == "on" else None

    async def migrations() -> str | None:
        nonlocal migrated
        if migrated:
            return None
        async with asyncio.timeout(ANSWER_SECONDS):
            pending = await pending_migrations(pool, components)
        migrated = not pending
        return f"not applied: {', '.join(pending)}" if pending else None

    health.add("database", database)
    health.add("migrations", migrations)


def check_kafka(health: Health, *, serves: bool) -> None:
    """Check that this process has reached Kafka, and that Kafka is not away.

    `serves`: whether the process also answers HTTP requests. Then an outage of Kafka only degrades it.
    """

    async def reached() -> str | None:
        return None if "kafka" in outages.seen else "was never reached"

    async def away() -> str | None:
        seconds = outages.since(STANDSTILL_SECONDS if not serves else 0).get("kafka")
        return None if seconds is None else f"has been away for {seconds} s"

    health.add("kafka", reached)
    (health.watch if serves else health.add)("kafka away", away)


def watch_tasks(health: Health) -> None:
    """Report background tasks that have failed for a while. The process stays ready."""

    async def tasks() -> str | None:
        failing = failing_tasks(STANDSTILL_SECONDS)
        return "; ".join(f"{task}: {error}" for task, error in failing.items()) or None

    health.watch("tasks", tasks)
