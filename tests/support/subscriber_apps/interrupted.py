"""A subscriber that stops at the point named by INTERRUPT, so that a test can kill it there; run by `faststream run`."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from faststream import FastStream
from faststream.kafka import KafkaBroker

from billing_contracts.records import Erased
from billing_contracts.subscriptions import SubscriptionCancelled, SubscriptionStarted
from billing_subscriber.handler import Handler
from billing_subscriber.kafka import subscribe
from billing_subscriber.records import Received
from billing_subscriber.stores.sqlite import SqliteStore, SqliteUnit

INTERRUPT = os.environ.get("INTERRUPT", "")
SECONDS = float(os.environ.get("SECONDS", "600"))


handled: list[int] = []
"""The effect's calls in this process."""


async def stand_still(where: str) -> None:
    if handled and where == INTERRUPT:
        print(f"standing {where}", flush=True)
        await asyncio.sleep(SECONDS)


class Store(SqliteStore):
    @asynccontextmanager
    async def unit(self, group: str) -> AsyncIterator[SqliteUnit]:
        async with super().unit(group) as unit:
            yield unit
            await stand_still("before the commit")
        await stand_still("after the commit")


SCHEMA = "CREATE TABLE IF NOT EXISTS noted (sequence INTEGER, kind TEXT)"
handler = Handler(os.environ["GROUP"], Store("interrupted.db", SCHEMA))


@handler.on(SubscriptionCancelled)
async def cancelled(event: Received[SubscriptionCancelled], db: sqlite3.Connection) -> None:
    if str(event.envelope.merchantid) == os.environ["MERCHANT"]:
        db.execute("INSERT INTO noted VALUES (?, 'cancelled')", (event.envelope.sequence,))
        print(f"effect {event.envelope.sequence}", flush=True)
        handled.append(event.envelope.sequence)
        await stand_still("in the effect")


if os.environ.get("STARTED"):

    @handler.on(SubscriptionStarted)
    async def started(event: Received[SubscriptionStarted], db: sqlite3.Connection) -> None:
        if str(event.envelope.merchantid) == os.environ["MERCHANT"]:
            db.execute("INSERT INTO noted VALUES (?, 'started')", (event.envelope.sequence,))


@handler.on_erased
async def erased(customer: Erased, db: sqlite3.Connection) -> None:
    db.execute("INSERT INTO noted VALUES (0, ?)", (str(customer.id),))


@handler.on_rebuild
async def rebuild(db: sqlite3.Connection) -> None:
    db.execute("DELETE FROM noted")


broker = KafkaBroker(os.environ["KAFKA_BOOTSTRAP_SERVERS"])
subscription = subscribe(broker, handler, dead_letters=f"{handler.group}.dlq", session_timeout_ms=6000, heartbeat_interval_ms=300)
app = FastStream(broker)
