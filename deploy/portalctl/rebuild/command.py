"""One rebuild: read beside the live projection, compare at the same offsets, and replace in one transaction."""

import asyncio
import hashlib
import inspect
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg
from aiokafka import TopicPartition

from chassis.postgres.connection import Connection
from portal_gateway.adapters.storage.view_projector import recompose
from portal_gateway.adapters.view_notifier import CHANNEL
from portalctl.local.databases import connect
from portalctl.local.errors import StackError
from portalctl.rebuild import owned, shadow
from portalctl.rebuild.reading import RebuildProgress, ShadowReader, live_offsets, same_logs
from portalctl.rebuild.shadow import ShadowComparison
from portalctl.rebuild.targets import MERCHANTS, RebuildTarget
from verify.capture import open_database
from verify.sources import Sources
from verify.topics import reading

FENCE_SECONDS = 10.0
"""Longer than a consumer needs from loading a document to its commit."""
_CONNECT_SECONDS = 30
_VIEWS_AT_ONCE = 500
_PAIRS_MAX = 80
"""Customers per notification: PostgreSQL limits a payload to less than 8,000 bytes."""

Confirm = Callable[[ShadowComparison], bool]
Customers = set[tuple[UUID, UUID]]


@dataclass
class Outcome:
    comparison: ShadowComparison
    failures: list[str] = field(default_factory=list)
    """Records that cannot be folded and are not in the live group's quarantine. They prevent the switch."""
    switched: bool = False
    views: int = 0
    """Customers of whom the page was composed again."""


class _Undone(Exception):
    """Rolls back a transaction that only compared."""


class Rebuild:
    """One projection of one database. Every method raises StackError."""

    def __init__(self, sources: Sources, target: RebuildTarget, *, patience: float, fence_seconds: float = FENCE_SECONDS) -> None:
        self._sources, self._target, self._patience = sources, target, patience
        self._fence_seconds = fence_seconds

    async def run(self, *, restart: bool, most: int, confirm: Confirm, progress: RebuildProgress) -> Outcome:
        """Build and compare; replace the differing documents if `confirm` returns True for the comparison."""
        async with self._opened() as (live, beside):
            target = self._target
            await shadow.create(live, target)
            if restart or not await self._can_continue(live):
                await self._begin(live)
            reader = await self._reader(beside)
            if reader is not None:
                await reader.read_to(live, progress)
                if await shadow.quarantine_changed(live, target):
                    await self._begin(live)
                    await reader.read_to(live, progress)
            outcome = Outcome(await self._compared(live, reader, most), await shadow.failures(live, target))
            if outcome.comparison.count and not outcome.failures and confirm(outcome.comparison):
                outcome = await self._switch(live, reader, most, outcome)
            await shadow.drop(live, target)
            return outcome

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[tuple[Connection, Connection]]:
        url = self._sources.databases[self._target.database]
        async with AsyncExitStack() as self._closing:
            connections = []
            for _ in range(2):
                try:
                    connection = await connect(url, own=self._sources.own, timeout=_CONNECT_SECONDS)
                except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
                    why = error or type(error).__name__
                    raise StackError(f"the database {self._target.database} cannot be reached: {why}") from error
                self._closing.push_async_callback(connection.close)
                await connection.execute("SET transaction_timeout = 0")
                connections.append(connection)
            live, beside = connections
            await beside.execute(f"SET search_path = {self._target.schema}")
            yield live, beside

    async def _reader(self, beside: Connection) -> ShadowReader | None:
        if not self._target.topics:
            return None
        consumer = await self._closing.enter_async_context(reading(self._sources.kafka, self._target.topics))
        return ShadowReader(self._target, beside, consumer, self._sources.kafka, self._patience)

    async def _can_continue(self, live: Connection) -> bool:
        """Whether what an earlier call left was read by the same rules from the same logs."""
        if self._target.consumer is None:
            return False
        digest = await live.fetchval(f"SELECT digest FROM {self._target.schema}.rules")
        if digest != _digest(self._target) or await shadow.quarantine_changed(live, self._target):
            return False
        return await same_logs(live, self._target)

    async def _begin(self, live: Connection) -> None:
        await shadow.empty(live, self._target)
        if self._target.consumer is not None:
            await live.execute(f"INSERT INTO {self._target.schema}.rules VALUES ($1)", _digest(self._target))

    @asynccontextmanager
    async def _same_offsets(self, live: Connection, reader: ShadowReader | None) -> AsyncIterator[None]:
        """A transaction in which no consumer writes projections, and in which both have read the same records."""
        async with live.transaction():
            await shadow.lock_live(live)
            if reader is not None:
                await reader.read_to(live)
                if await shadow.quarantine_changed(live, self._target):
                    raise StackError("an operator has just settled a record in quarantine: run the command again")
            elif self._target.name == MERCHANTS:
                await owned.build_merchants(live, self._target)
            yield

    async def _compared(self, live: Connection, reader: ShadowReader | None, most: int) -> ShadowComparison:
        try:
            async with self._same_offsets(live, reader):
                comparison = await shadow.compare(live, self._target, most)
                raise _Undone
        except _Undone:
            return comparison

    async def _switch(self, live: Connection, reader: ShadowReader | None, most: int, before: Outcome) -> Outcome:
        rewound: dict[TopicPartition, int] = {}
        if reader is not None:  # the answer may have taken long, and consumers wait inside of the transaction
            await reader.read_to(live)
        async with self._same_offsets(live, reader):
            comparison = await shadow.compare(live, self._target, most)
            if failures := await shadow.failures(live, self._target):
                return Outcome(before.comparison, failures)
            customers = await shadow.replace_differing(live, self._target)
            if self._target.database == "portal_gateway":
                await _compose(live, customers)
            if reader is not None:
                rewound = await self._rewind(live)
        if rewound:
            try:
                await asyncio.sleep(self._fence_seconds)
            finally:
                await self._restore(live, rewound)
        return Outcome(comparison, switched=True, views=len(customers) if self._target.database == "portal_gateway" else 0)

    async def _rewind(self, live: Connection) -> dict[TopicPartition, int]:
        """Move the live group back by one record: a batch that loaded documents before the switch then fails its compare-and-set,
        and is read again. Handled records have no second effect."""
        assert self._target.consumer is not None
        offsets = {each: next for each, next in (await live_offsets(live, self._target)).items() if next > 0}
        for each in offsets:
            await live.execute(
                """
                UPDATE public.offsets SET next = next - 1, target = least(target, next - 1)
                WHERE consumer_group = $1 AND topic = $2 AND partition = $3
                """,
                self._target.consumer.group,
                *each,
            )
        return offsets

    async def _restore(self, live: Connection, offsets: dict[TopicPartition, int]) -> None:
        """Move partitions forward again that have had no new record since."""
        assert self._target.consumer is not None
        for each, next in offsets.items():
            await live.execute(
                """
                UPDATE public.offsets SET next = $4, target = least(target, $4)
                WHERE consumer_group = $1 AND topic = $2 AND partition = $3 AND next = $4 - 1
                """,
                self._target.consumer.group,
                *each,
                next,
            )


async def rebuild_views(
    sources: Sources, target: RebuildTarget, *, most: int, confirm: Confirm, progress: RebuildProgress
) -> Outcome:
    """The composed views of customers. Each view is one row, so 500 customers share a transaction."""
    async with AsyncExitStack() as closing:
        reader = await open_database(sources.databases[target.database], own=sources.own)
        closing.push_async_callback(reader.close)
        views = await owned.differing_views(reader, most, progress)
        if not views.comparison.count or not confirm(views.comparison):
            return Outcome(views.comparison)
        # The reader converts JSON, which the code of the service does itself.
        writer = await connect(sources.databases[target.database], own=sources.own, timeout=_CONNECT_SECONDS)
        closing.push_async_callback(writer.close)
        customers = sorted(views.customers)
        for first in range(0, len(customers), _VIEWS_AT_ONCE):
            chunk = set(customers[first : first + _VIEWS_AT_ONCE])
            async with writer.transaction():
                await writer.execute("SET LOCAL transaction_timeout = 0; SET LOCAL lock_timeout = '10s'")
                await owned.forget_views(writer, chunk)
                await _compose(writer, chunk)
        return Outcome(views.comparison, switched=True, views=len(customers))


async def _compose(connection: Connection, customers: Customers) -> None:
    """Compose the customers' pages in the caller's transaction; its commit notifies open pages."""
    pairs = sorted(customers)
    for first in range(0, len(pairs), _VIEWS_AT_ONCE):
        await recompose(connection, set(pairs[first : first + _VIEWS_AT_ONCE]))
    for first in range(0, len(pairs), _PAIRS_MAX):
        payload = json.dumps([[str(merchant), str(customer)] for merchant, customer in pairs[first : first + _PAIRS_MAX]])
        await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, payload)


def _digest(target: RebuildTarget) -> str:
    """Of the module that has the rules of the projection: other rules cannot continue a rebuild."""
    assert target.rules is not None
    module = inspect.getmodule(target.rules.fold)
    source = inspect.getsource(module) if module else ""
    return hashlib.sha256(source.encode()).hexdigest()
