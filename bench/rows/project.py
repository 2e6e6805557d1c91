"""Projection of the same events into the same documents, many per transaction and one per transaction."""

from asyncio import Event
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

from bench.databases import migrated
from bench.events import TYPE, record, renewals
from bench.measuring import Figures, Line, Row, Target
from bench.servers import running
from bench.usage import Meter, Processes, here
from billing_contracts.envelope import Envelope, EventData
from chassis.consumers.batch_processor import BatchProcessor
from chassis.consumers.consumer import Consumer
from chassis.consumers.group_member import MAX_RECORDS
from chassis.decoding import RawRecord
from chassis.postgres.connection import Connection
from chassis.postgres.pool import create_pool
from chassis.projections.projection import Document, Projection

STREAMS: Final = 4_000
EACH: Final = 5
SINGLE: Final = 3_000
"""Events that are projected one by one: a few seconds of work."""


class Renewed(EventData):
    """The fields of a renewal that the bench's consumer reads."""

    current_period: dict[str, str]


def fold(document: Document | None, envelope: Envelope) -> Document:
    renewals_so_far = (document or {"renewals": 0})["renewals"]
    return {"renewals": renewals_so_far + 1, "current_period": envelope.data["current_period"], "status": "active"}


def decode(envelope: Envelope) -> EventData:
    return Renewed.model_validate(envelope.data)


TOGETHER: Final = f"{MAX_RECORDS} at once"
CONSUMER: Final = Consumer(
    group="bench.views",
    topics=("billing.subscriptions",),
    decode=decode,
    projections=(Projection("subscription", frozenset({TYPE}), fold),),
)


async def settled(_: Connection, __: Sequence[RawRecord]) -> None:
    """Store no offsets; the row `consume` measures them."""


@asynccontextmanager
async def opened() -> AsyncIterator[Row]:
    async with (
        running() as servers,
        migrated(servers) as database,
        create_pool(database.url, name="bench", min_size=2, max_size=2) as pool,
    ):
        processor, processes = BatchProcessor(CONSUMER, pool, Event()), {**here(), **servers.only("postgres")}
        yield Row(
            [
                partial(project, processor, processes, TOGETHER, STREAMS * EACH, MAX_RECORDS),
                partial(project, processor, processes, "one by one", SINGLE, 1),
            ],
            [
                Line(
                    f"events, {MAX_RECORDS} in a transaction ÷ one in a transaction",
                    TOGETHER,
                    "one by one",
                    target=Target(at_least=8),
                )
            ],
        )


async def project(processor: BatchProcessor, processes: Processes, name: str, events: int, at_once: int) -> Figures:
    records = [record(envelope) for envelope in renewals(events // EACH, EACH)]
    meter = Meter(processes)
    for start in range(0, len(records), at_once):
        await processor.handle(records[start : start + at_once], settled)
    return meter.rate(name, len(records))
