"""What every service checks before it calls itself ready: its database, its tables, its consumers, Kafka."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import asyncpg

from chassis.consumers.progress import STANDSTILL_SECONDS
from chassis.postgres.migrate import missing
from chassis.runtime.background import failing
from chassis.runtime.health import Health
from chassis.runtime.outages import outages

ANSWER_SECONDS = 3.0
"""A check that takes longer has failed: whoever asks waits for about as long."""


def check_database(health: Health, pool: asyncpg.Pool, components: Mapping[str, Path]) -> None:
    """The database answers, takes writes, and has every migration that this code comes with."""
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
            lacking = await missing(pool, components)
        migrated = not lacking
        return f"not applied: {', '.join(lacking)}" if lacking else None

    health.add("database", database)
    health.add("migrations", migrations)


def check_kafka(health: Health, *, serves: bool) -> None:
    """Kafka has been reached by this process, and is not away.

    `serves`: whether the process also answers HTTP requests, which it does without Kafka once it has been reached.
    """

    async def reached() -> str | None:
        return None if "kafka" in outages.seen else "was never reached"

    async def away() -> str | None:
        seconds = outages.since(STANDSTILL_SECONDS if not serves else 0).get("kafka")
        return None if seconds is None else f"has been away for {seconds} s"

    health.add("kafka", reached)
    (health.watch if serves else health.add)("kafka away", away)


def watch_tasks(health: Health) -> None:
    """Background tasks that have failed for a while are shown; the process stays ready."""

    async def tasks() -> str | None:
        found = failing(STANDSTILL_SECONDS)
        return "; ".join(f"{task}: {error}" for task, error in found.items()) or None

    health.watch("tasks", tasks)
