"""One verification: the cut, the snapshots, the topics, the verdicts. Memory holds one part of the data at a time."""

import time
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass

import asyncpg

from portalctl.local.errors import StackError
from verify.capture import open_database, take_all
from verify.card_leaks import leaking_files
from verify.consistent_cut import Progress, make_cut
from verify.invariants import Judgement, Verdict
from verify.rows import Cut
from verify.sources import Sources
from verify.spool import Spool
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
    with closing(Spool()) as spool:
        try:
            cut = await observe(sources, spool, patience, progress)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            raise StackError(f"a database could not be read: {error}") from error
        judgement = Judgement()
        for number, part in enumerate(spool.parts(cut), 1):
            progress(f"judging part {number}")
            judgement.add(part)
        return Result(judgement.verdicts(), spool.events, spool.records, time.monotonic() - began)


async def observe(sources: Sources, spool: Spool, patience: float, progress: Progress) -> Cut:
    async with AsyncExitStack() as stack:
        connections: dict[str, asyncpg.Connection] = {}
        for name, url in sources.databases.items():
            try:
                connections[name] = await open_database(url, own=sources.own)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
                raise StackError(f"the database {name} cannot be reached: {error or type(error).__name__}") from error
            stack.push_async_callback(connections[name].close)
        kafka = await stack.enter_async_context(reading(sources.kafka))
        cut = await make_cut(connections, kafka, patience, progress)
        progress("reading the databases")
        await take_all(connections, spool)
        progress("reading the topics")
        await read_all(kafka, sources.kafka, cut.ends, spool, patience)
    spool.other_leaks += leaking_files(sources.logs) if sources.logs else ()
    return cut
