"""Wakes a customer's streams when the view may have changed.

Three sources: this process (immediately), PostgreSQL notifications of the other processes, and a poll every second. One
connection listens for the whole process; the first stream opens it.
"""

import asyncio
import contextlib
import json
from collections import defaultdict
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from uuid import UUID

import asyncpg

from chassis.projections.change_notifications import ChangeNotifications
from chassis.runtime.background import repeat
from chassis.runtime.faults import Backoff
from chassis.runtime.wait import wait_for_event
from portal_gateway.domain.view import CustomerKey

CHANNEL = "customer_view"
POLL_SECONDS = 1.0
"""The delay of a change if its notification is lost."""


class _StreamSignal:
    def __init__(self, stopping: asyncio.Event) -> None:
        self._changed, self._stopping = asyncio.Event(), stopping
        self.replaced = False

    def notify(self) -> None:
        self._changed.set()

    async def wait(self, seconds: float) -> None:
        await wait_for_event(self._changed, seconds)
        self._changed.clear()

    @property
    def closing(self) -> bool:
        return self.replaced or self._stopping.is_set()

    def replace(self) -> None:
        self.replaced = True
        self.notify()


class ViewNotifier:
    """The signals of all streams of a process. A session has at most `per_session`; a further one replaces its oldest."""

    def __init__(self, pool: asyncpg.Pool, stopping: asyncio.Event, per_session: int) -> None:
        self._pool, self._stopping, self._per_session = pool, stopping, per_session
        self._of_session: dict[UUID, list[_StreamSignal]] = defaultdict(list)
        self._signals: dict[CustomerKey, set[_StreamSignal]] = defaultdict(set)
        self._revisions: dict[CustomerKey, int] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._notifications = ChangeNotifications(pool, CHANNEL)

    def changed(self, customers: AbstractSet[CustomerKey]) -> None:
        """Call it after the commit."""
        self._notify(*customers)
        self._notifications.send(customers)

    @contextlib.contextmanager
    def of(self, merchant_id: UUID, customer_id: UUID, session_id: UUID) -> Iterator[_StreamSignal]:
        """The signal of a new stream."""
        if not self._tasks:
            watching = repeat("live", self._watch, self._stopping, backoff=Backoff(POLL_SECONDS))
            self._tasks = [asyncio.create_task(watching), asyncio.create_task(self._notify_on_stop())]
        customer, signal = (merchant_id, customer_id), _StreamSignal(self._stopping)
        self._signals[customer].add(signal)
        same_session = self._of_session[session_id]
        same_session.append(signal)
        for oldest in same_session[: -self._per_session]:
            oldest.replace()
        try:
            yield signal
        finally:
            same_session.remove(signal)
            if not same_session:
                self._of_session.pop(session_id, None)
            self._signals[customer].discard(signal)
            if not self._signals[customer]:
                del self._signals[customer]
                self._revisions.pop(customer, None)

    async def close(self) -> None:
        await self._notifications.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _notify_on_stop(self) -> None:
        await self._stopping.wait()
        self._notify(*self._signals)

    def _notify(self, *customers: CustomerKey) -> None:
        for customer in customers:
            for signal in self._signals.get(customer, ()):
                signal.notify()

    async def _watch(self) -> None:
        """Listen and poll on one connection until it breaks or the process stops."""
        async with self._pool.acquire() as connection:
            await connection.add_listener(CHANNEL, self._on_notification)
            try:
                while not self._stopping.is_set():
                    await self._poll(connection)
                    await asyncio.sleep(POLL_SECONDS)
            finally:
                with contextlib.suppress(Exception):
                    await connection.remove_listener(CHANNEL, self._on_notification)

    def _on_notification(self, _: object, pid: int, __: str, payload: object) -> None:
        """Ignore malformed payloads, which the next poll makes up for, and this process's own notifications."""
        if self._notifications.sent(pid):
            return
        with contextlib.suppress(ValueError, TypeError):
            self._notify(*((UUID(merchant), UUID(customer)) for merchant, customer in json.loads(str(payload))))

    async def _poll(self, connection: asyncpg.pool.PoolConnectionProxy) -> None:
        watched = list(self._signals)
        rows = await connection.fetch(
            """
            SELECT seen.* FROM unnest($1::uuid[], $2::uuid[]) AS who (merchant_id, customer_id) CROSS JOIN LATERAL (
                SELECT v.merchant_id, v.customer_id, v.revision FROM customer_view v
                WHERE v.merchant_id = who.merchant_id AND v.customer_id = who.customer_id LIMIT 1
            ) AS seen
            """,
            [merchant for merchant, _ in watched],
            [customer for _, customer in watched],
        )
        for row in rows:
            customer = row["merchant_id"], row["customer_id"]
            if self._revisions.get(customer) != row["revision"]:
                self._revisions[customer] = row["revision"]
                self._notify(customer)
