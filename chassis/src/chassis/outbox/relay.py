"""The relay sends all events of the store to Kafka, in each stream's order. One relay per service is active at a time.

After a change of leadership some messages can be repeated. None is skipped, and first appearances are in order.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial

import asyncpg
import structlog
from prometheus_client import Counter, Gauge

from billing_contracts.watermarks import TOPIC as WATERMARKS
from chassis.eventsourcing.event_store import Message
from chassis.kafka_access import KafkaAccess
from chassis.outbox.commit_signals import CommitSignals
from chassis.outbox.cursor import (
    Ends,
    Page,
    RelayPosition,
    RelayProgress,
    longest_writer,
    move_cursor,
    read_cursor,
    read_page,
    read_progress,
    store_ends,
)
from chassis.outbox.leader_lock import Session, SessionLost, leadership
from chassis.outbox.producer import Publisher
from chassis.postgres.connect import CONNECT_SECONDS, connect
from chassis.postgres.pool import COMMAND_SECONDS
from chassis.runtime.background import repeat
from chassis.runtime.faults import Backoff
from chassis.runtime.outages import outages
from chassis.runtime.wait import wait_for_event, woken_by

log = structlog.get_logger()

PAGE_SIZE = 1000
POLL_SECONDS = 2.0
"""Time between two reads without a commit signal."""
HELD_BACK_SECONDS = 0.005
"""Pause before the first new read of events that an open transaction holds back. The pause doubles up to the maximum."""
HELD_BACK_SECONDS_MAX = 0.25
GATHER_SECONDS = 0.005
"""Least time between two pages that are not full, so that more events share the cost of a batch. Sending a page takes about as
long on an idle machine, and longer on a busy one.
"""
WATERMARK_SECONDS = 5.0
MEASURE_SECONDS = 5.0
"""Time between measurements of the lag while this process does not relay, or has not reached Kafka."""
STUCK_SECONDS = 10.0
"""The cursor is reported as stuck when it has not moved for so long although events are unsent."""

LAG = Gauge(
    "relay_lag_seconds",
    "Age of the oldest committed event that is not on Kafka; with several processes, use the minimum",
    ["service"],
)
CURSOR_AGE = Gauge("relay_cursor_age_seconds", "Time for which the cursor has not moved although events are unsent", ["service"])
SENT = Counter("relay_messages_sent", "Messages acknowledged by Kafka", ["service"])
FAILURES = Counter("relay_failures", "Failures after which the relay restarted", ["service"])


class Relay:
    def __init__(self, service: str, dsn: str, kafka: KafkaAccess, commits: CommitSignals | None = None) -> None:
        self._service, self._dsn, self._kafka = service, dsn, kafka
        self._commits = commits or CommitSignals()
        self._relaying = False

    async def run(self, stop: asyncio.Event) -> None:
        """Relay whenever this process holds the lock, until `stop`."""
        for counter in (FAILURES, SENT):
            counter.labels(self._service)  # exported as 0 from the start
        LAG.labels(self._service).set_function(partial(seconds_since, datetime.now(UTC)))
        CURSOR_AGE.labels(self._service)
        backoff = Backoff(first=0.1, longest=5.0)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(repeat("relay.lag", self._measure, stop))
            await repeat("relay", partial(self._lead, stop), stop, dependency="kafka", proves=False, backoff=backoff)

    async def _lead(self, stop: asyncio.Event) -> None:
        """Wait for the lock, then relay until `stop` or a failure."""
        try:
            async with (
                self._reader() as reader,
                Publisher(self._kafka) as publisher,
                # The lock comes last: its session ends after a few seconds without a heartbeat, and a process that cannot reach
                # Kafka does not keep the others from relaying.
                leadership(self._dsn, f"{self._service}.relay", stop) as session,
            ):
                if session is not None:
                    await self._relay(Leadership(self._service, session, reader, publisher, self._commits), stop)
        except Exception:
            FAILURES.labels(self._service).inc()
            raise

    async def _relay(self, leadership: "Leadership", stop: asyncio.Event) -> None:
        self._relaying = True
        outages.worked("kafka")
        log.info("relay.started")
        try:
            await leadership.run(stop)
        finally:
            self._relaying = False

    @asynccontextmanager
    async def _reader(self) -> AsyncIterator[asyncpg.Connection]:
        connection = await connect(
            self._dsn,
            timeout=CONNECT_SECONDS,
            command_timeout=COMMAND_SECONDS,
            server_settings={"application_name": f"{self._service}.relay.reader"},
        )
        try:
            yield connection
        finally:
            connection.terminate()

    async def _measure(self) -> float:
        """Measure the lag from the tables while this process does not relay: Kafka is away, or another process is the leader."""
        if self._relaying:
            return MEASURE_SECONDS
        connection = await connect(self._dsn, timeout=CONNECT_SECONDS, command_timeout=COMMAND_SECONDS)
        try:
            cursor, _ = await read_cursor(connection)
            update_gauges(self._service, await read_progress(connection, cursor))
        finally:
            connection.terminate()
        return MEASURE_SECONDS


class Leadership:
    """The time of one leader. It ends with `stop` or with the first failure."""

    def __init__(
        self, service: str, session: Session, reader: asyncpg.Connection, publisher: Publisher, commits: CommitSignals
    ) -> None:
        self._service, self._session, self._reader, self._publisher = service, session, reader, publisher
        self._commits = commits
        self._cursor = RelayPosition(0, 0, 0)
        self._ends: Ends = {}

    async def run(self, stop: asyncio.Event) -> None:
        self._cursor, self._ends = await self._session.run(read_cursor)
        events_committed, states_committed = self._commits.event(), self._commits.event()
        await self._commits.listen(self._reader)
        async with asyncio.TaskGroup() as tasks:
            loops = (self._session.heartbeat(), self._relay_states(states_committed), self._publish_watermarks())
            background = [tasks.create_task(loop) for loop in loops]
            async with woken_by(stop, events_committed):
                with self._commits.relaying():
                    await self._relay_events(events_committed, stop)
            for task in background:
                task.cancel()

    async def _relay_events(self, committed: asyncio.Event, stop: asyncio.Event) -> None:
        held_back = Backoff(HELD_BACK_SECONDS, HELD_BACK_SECONDS_MAX)
        page = await self._read(self._cursor, committed)
        while not stop.is_set():
            if page.messages:
                held_back.reset()
                page, _ = await asyncio.gather(self._next_page(page, committed), self._send_events(page))
                continue
            if page.held_back and not committed.is_set():
                await held_back.wait(stop)
            else:
                await wait_for_event(committed, POLL_SECONDS)
            page = await self._read(page.last, committed)

    async def _read(self, after: RelayPosition, committed: asyncio.Event) -> Page:
        committed.clear()
        return await read_page(self._reader, after, PAGE_SIZE)

    async def _next_page(self, page: Page, committed: asyncio.Event) -> Page:
        """Read the page after one that is being sent. Returns an empty one, without a query, if there was no commit signal."""
        full = len(page.messages) == PAGE_SIZE
        if not full:
            await asyncio.sleep(GATHER_SECONDS)
        return await self._read(page.last, committed) if full or committed.is_set() else Page((), page.last, page.held_back)

    async def _send_events(self, page: Page) -> None:
        await self._send(page.messages)
        await self._session.run(partial(self._move_cursor, page.last))

    async def _move_cursor(self, to: RelayPosition, connection: asyncpg.Connection) -> None:
        if not await move_cursor(connection, to, self._ends):
            raise SessionLost("another relay moved the cursor")
        self._cursor = to

    async def _relay_states(self, committed: asyncio.Event) -> None:
        """Send the rows of the outbox table in the order of their positions (see outbox_statement), then delete them."""
        while True:
            committed.clear()
            rows = await self._session.run(_unsent_states)
            if not rows:
                await asyncio.sleep(GATHER_SECONDS)
                await wait_for_event(committed, POLL_SECONDS)
                continue
            await self._send([Message(row["topic"], row["key"], row["value"], json.loads(row["headers"])) for row in rows])
            await self._session.run(partial(store_ends, ends=self._ends))
            await self._session.run(partial(_delete_states, [row["position"] for row in rows]))

    async def _publish_watermarks(self) -> None:
        while True:
            progress = await self._session.run(lambda connection: read_progress(connection, self._cursor))
            outages.worked("postgres")
            age_seconds = update_gauges(self._service, progress)
            if (instant := progress.complete_until) is not None:
                value = {"service": self._service, "instant": instant.isoformat(), "ends": self._ends}
                await self._publisher.send([Message(WATERMARKS, self._service.encode(), json.dumps(value).encode())])
                outages.worked("kafka")
            if age_seconds > STUCK_SECONDS and (suppressed := outages.sparingly("relay.cursor_stuck")) is not None:
                writer = await self._session.run(longest_writer)
                log.warning("relay.cursor_stuck", seconds=age_seconds, longest_writer=writer, suppressed=suppressed)
            await asyncio.sleep(WATERMARK_SECONDS)

    async def _send(self, messages: Sequence[Message]) -> None:
        for topic, partitions in (await self._publisher.send(messages)).items():
            self._ends.setdefault(topic, {}).update(partitions)
        SENT.labels(self._service).inc(len(messages))


async def _unsent_states(connection: asyncpg.Connection) -> list[asyncpg.Record]:
    return await connection.fetch("SELECT position, topic, key, value, headers FROM outbox ORDER BY position LIMIT $1", PAGE_SIZE)


async def _delete_states(positions: list[int], connection: asyncpg.Connection) -> None:
    await connection.execute("DELETE FROM outbox WHERE position = ANY($1::bigint[])", positions)


def update_gauges(service: str, progress: RelayProgress) -> float:
    """Set the gauges. Returns the seconds for which the cursor has not moved although events are unsent."""
    age_seconds = (progress.now - progress.stuck_since).total_seconds() if progress.stuck_since else 0.0
    CURSOR_AGE.labels(service).set(age_seconds)
    LAG.labels(service).set_function(partial(seconds_since, progress.complete_until or progress.oldest_unsent))
    return age_seconds


def seconds_since(instant: datetime) -> float:
    return (datetime.now(UTC) - instant).total_seconds()
