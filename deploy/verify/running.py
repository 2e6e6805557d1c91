"""One verification: the cut, the snapshots, the topics, the verdicts."""

import time
from contextlib import AsyncExitStack
from dataclasses import dataclass

import asyncpg

from portalctl.local.errors import StackError
from verify.capture import open_database, take_all
from verify.card_leaks import leaking_files
from verify.consistent_cut import Progress, make_cut
from verify.invariants import Verdict, judge
from verify.recorded_state import RecordedState
from verify.sources import Sources
from verify.topics import read_all, reading


@dataclass(frozen=True)
class Result:
    verdicts: list[Verdict]
    events: int
    records: int
    seconds: float

    @property
    def clean(self) -> bool:
        return all(verdict.holds for verdict in self.verdicts)


async def verify(sources: Sources, *, patience: float, progress: Progress) -> Result:
    """Raises StackError and KafkaError if a server cannot be reached or makes no progress within `patience` seconds."""
    began = time.monotonic()
    try:
        recorded = await observe(sources, patience, progress)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise StackError(f"a database could not be read: {error}") from error
    progress("judging")
    verdicts = judge(recorded)
    events = sum(len(snapshot.events) for snapshot in recorded.snapshots.values())
    return Result(verdicts, events, len(recorded.records), time.monotonic() - began)


async def observe(sources: Sources, patience: float, progress: Progress) -> RecordedState:
    async with AsyncExitStack() as closing:
        connections: dict[str, asyncpg.Connection] = {}
        for name, url in sources.databases.items():
            try:
                connections[name] = await open_database(url, own=sources.own)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
                raise StackError(f"the database {name} cannot be reached: {error or type(error).__name__}") from error
            closing.push_async_callback(connections[name].close)
        kafka = await closing.enter_async_context(reading(sources.kafka))
        cut = await make_cut(connections, kafka, patience, progress)
        progress("reading the databases")
        snapshots = await take_all(connections)
        progress("reading the topics")
        topics = await read_all(kafka, sources.kafka, cut.ends, patience)
    files = list(leaking_files(sources.logs)) if sources.logs else []
    return RecordedState(cut, snapshots, topics.records, [*topics.leaks, *files], topics.undecodable)
