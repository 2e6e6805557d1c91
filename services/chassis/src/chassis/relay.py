"""From the event store to Kafka: everything, in each stream's order, and only by one relay of the service at a time.

A relay that takes over may send a run of messages again; none is left out, and none appears for the first time out of order.
"""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

import asyncpg
import structlog
from prometheus_client import Counter, Gauge

from billing_contracts.watermarks import TOPIC as WATERMARKS
from chassis.faults import Backoff
from chassis.postgres.bell import listen
from chassis.postgres.cursor import (
    Ends,
    Page,
    Position,
    keep_ends,
    longest_writer,
    move_cursor,
    read_cursor,
    read_page,
    read_progress,
)
from chassis.postgres.sole import Session, SessionLost, sole
from chassis.publisher import Publisher
from chassis.resting import rest
from chassis.store import Message

log = structlog.get_logger()

PAGE = 1000
POLL = 0.25
"""Seconds after which it looks for itself, when nobody has told it that there is something."""
WATERMARK_EVERY = 5.0
LATE = 10.0
"""Seconds for which the cursor may stand still before the log says who may be holding it up."""

LAG = Gauge(
    "relay_lag_seconds",
    "Age of the last instant until which all that was committed is on Kafka; of several processes the least counts",
    ["service"],
)
CURSOR_AGE = Gauge("relay_cursor_age_seconds", "For how long the cursor has stood still although events wait", ["service"])
SENT = Counter("relay_messages_sent", "Messages acknowledged by Kafka", ["service"])
FAILURES = Counter("relay_failures", "Times that the relay had to begin again", ["service"])


class Relay:
    def __init__(self, service: str, dsn: str, bootstrap: str) -> None:
        self._service, self._dsn, self._bootstrap = service, dsn, bootstrap

    async def run(self, stop: asyncio.Event) -> None:
        """Relays whenever it is this process' turn, until `stop`; survives whatever passes by itself."""
        backoff = Backoff(first=0.1, longest=5.0)
        FAILURES.labels(self._service)  # shown from the start
        while not stop.is_set():
            try:
                await self._turn(stop, backoff)
            except Exception as error:
                FAILURES.labels(self._service).inc()
                log.warning("relay begins again", error=repr(error))
                await backoff.wait(stop)

    async def _turn(self, stop: asyncio.Event, backoff: Backoff) -> None:
        async with sole(self._dsn, f"{self._service}.relay", stop) as session:
            if session is None:
                return
            reader = await asyncpg.connect(self._dsn, server_settings={"application_name": f"{self._service}.relay.reader"})
            try:
                async with Publisher(self._bootstrap) as publisher:
                    log.info("relay has its turn")
                    backoff.reset()
                    await Turn(self._service, session, reader, publisher).run(stop)
            finally:
                reader.terminate()


class Turn:
    """One holder's time: ends with `stop`, or with the first thing that goes wrong."""

    def __init__(self, service: str, session: Session, reader: asyncpg.Connection, publisher: Publisher) -> None:
        self._service, self._session, self._reader, self._publisher = service, session, reader, publisher
        self._cursor = Position(0, 0, 0)
        self._ends: Ends = {}

    async def run(self, stop: asyncio.Event) -> None:
        self._cursor, self._ends = await self._session.run(read_cursor)
        bells = asyncio.Event(), asyncio.Event()
        await listen(self._reader, bells)
        async with asyncio.TaskGroup() as tasks:
            attendants = (self._session.beat(), self._states(bells[1]), self._watermarks())
            attending = [tasks.create_task(attendant) for attendant in attendants]
            await self._events(bells[0], stop)
            for task in attending:
                task.cancel()

    async def _events(self, bell: asyncio.Event, stop: asyncio.Event) -> None:
        page, sent = Page((), self._cursor), self._cursor
        while not stop.is_set():
            # What waits was committed while the page before it was on its way: it does not wait for the cursor as well.
            following, _, _ = await asyncio.gather(
                read_page(self._reader, page.last, PAGE), self._send(page.messages), self._move(sent)
            )
            if sent == page.last == following.last:
                await rest(bell, POLL)
                bell.clear()
            page, sent = following, page.last
        await self._move(sent)

    async def _move(self, to: Position) -> None:
        if to != self._cursor:
            await self._session.run(partial(self._move_on, to))

    async def _move_on(self, to: Position, connection: asyncpg.Connection) -> None:
        if not await move_cursor(connection, to, self._ends):
            raise SessionLost("another relay moved the cursor")
        self._cursor = to

    async def _states(self, bell: asyncio.Event) -> None:
        """A row is deleted once it has been sent. Positions follow the locks of what the rows describe, and so the commits."""
        while True:
            rows = await self._session.run(_waiting_states)
            if not rows:
                await rest(bell, POLL)
                bell.clear()
                continue
            await self._send([Message(row["topic"], row["key"], row["value"], json.loads(row["headers"])) for row in rows])
            await self._session.run(partial(keep_ends, ends=self._ends))
            await self._session.run(partial(_forget_states, [row["position"] for row in rows]))

    async def _watermarks(self) -> None:
        while True:
            progress = await self._session.run(lambda connection: read_progress(connection, self._cursor))
            age = (progress.now - progress.waits_since).total_seconds() if progress.waits_since else 0.0
            CURSOR_AGE.labels(self._service).set(age)
            if (instant := progress.complete_until) is not None:
                LAG.labels(self._service).set_function(partial(seconds_since, instant))
                value = {"service": self._service, "instant": instant.isoformat(), "ends": self._ends}
                await self._publisher.send([Message(WATERMARKS, self._service.encode(), json.dumps(value).encode())])
            if age > LATE:
                writer = await self._session.run(longest_writer)
                log.warning("the relay's cursor stands still", seconds=age, longest_writer=writer)
            await asyncio.sleep(WATERMARK_EVERY)

    async def _send(self, messages: Sequence[Message]) -> None:
        for topic, partitions in (await self._publisher.send(messages)).items():
            self._ends.setdefault(topic, {}).update(partitions)
        SENT.labels(self._service).inc(len(messages))


async def _waiting_states(connection: asyncpg.Connection) -> list[asyncpg.Record]:
    return await connection.fetch("SELECT position, topic, key, value, headers FROM outbox ORDER BY position LIMIT $1", PAGE)


async def _forget_states(positions: list[int], connection: asyncpg.Connection) -> None:
    await connection.execute("DELETE FROM outbox WHERE position = ANY($1::bigint[])", positions)


def seconds_since(instant: datetime) -> float:
    return (datetime.now(UTC) - instant).total_seconds()
