"""Wakes the streams of a customer whose view may have changed: at once when this process changed it, by PostgreSQL's
notifications when another one did, and by looking every second.

One connection listens for the whole process. It is opened when the first browser watches.
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

CHANNEL = "customer_view"
POLL_SECONDS = 1.0
"""How late a change is seen when a notification was lost."""

Who = tuple[UUID, UUID]


class _BrowserSignal:
    def __init__(self, stopping: asyncio.Event) -> None:
        self._rung, self._stopping = asyncio.Event(), stopping
        self.replaced = False

    def ring(self) -> None:
        self._rung.set()

    async def wait(self, seconds: float) -> None:
        await wait_for_event(self._rung, seconds)
        self._rung.clear()

    @property
    def closing(self) -> bool:
        return self.replaced or self._stopping.is_set()

    def replace(self) -> None:
        self.replaced = True
        self.ring()


class ViewNotifier:
    """All the bells of one process: at most `per_session` for a session, of which a further one replaces the oldest."""

    def __init__(self, pool: asyncpg.Pool, stopping: asyncio.Event, per_session: int) -> None:
        self._pool, self._stopping, self._per_session = pool, stopping, per_session
        self._of_session: dict[UUID, list[_BrowserSignal]] = defaultdict(list)
        self._bells: dict[Who, set[_BrowserSignal]] = defaultdict(set)
        self._seen: dict[Who, int] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._notices = ChangeNotifications(pool, CHANNEL)

    def changed(self, whose: AbstractSet[Who]) -> None:
        """Call it after the commit."""
        self._ring(*whose)
        self._notices.send(whose)

    @contextlib.contextmanager
    def of(self, merchant_id: UUID, customer_id: UUID, session_id: UUID) -> Iterator[_BrowserSignal]:
        if not self._tasks:
            watching = repeat("live", self._watch, self._stopping, backoff=Backoff(POLL_SECONDS))
            self._tasks = [asyncio.create_task(watching), asyncio.create_task(self._end())]
        who, bell = (merchant_id, customer_id), _BrowserSignal(self._stopping)
        self._bells[who].add(bell)
        same = self._of_session[session_id]
        same.append(bell)
        for oldest in same[: -self._per_session]:
            oldest.replace()
        try:
            yield bell
        finally:
            same.remove(bell)
            if not same:
                self._of_session.pop(session_id, None)
            self._bells[who].discard(bell)
            if not self._bells[who]:
                del self._bells[who]
                self._seen.pop(who, None)

    async def close(self) -> None:
        await self._notices.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _end(self) -> None:
        await self._stopping.wait()
        self._ring(*self._bells)

    def _ring(self, *whose: Who) -> None:
        for who in whose:
            for bell in self._bells.get(who, ()):
                bell.ring()

    async def _watch(self) -> None:
        """Listens on one connection for as long as that lasts."""
        async with self._pool.acquire() as connection:
            await connection.add_listener(CHANNEL, self._heard)
            try:
                while not self._stopping.is_set():
                    await self._look(connection)
                    await asyncio.sleep(POLL_SECONDS)
            finally:
                with contextlib.suppress(Exception):
                    await connection.remove_listener(CHANNEL, self._heard)

    def _heard(self, _: object, pid: int, __: str, payload: object) -> None:
        """What is no notice is passed over: the next look finds what changed. Of our own changes we know already."""
        if self._notices.sent(pid):
            return
        with contextlib.suppress(ValueError, TypeError):
            self._ring(*((UUID(merchant), UUID(customer)) for merchant, customer in json.loads(str(payload))))

    async def _look(self, connection: asyncpg.pool.PoolConnectionProxy) -> None:
        watched = list(self._bells)
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
            who = row["merchant_id"], row["customer_id"]
            if self._seen.get(who) != row["revision"]:
                self._seen[who] = row["revision"]
                self._ring(who)
