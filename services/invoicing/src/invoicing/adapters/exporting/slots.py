"""The table `running_exports`: one running export per customer over all processes, and its progress."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import TypeVar
from uuid import UUID, uuid4

import asyncpg

from chassis.runtime.background import survives
from invoicing.application.history import Progress

LEASE_SECONDS = 60
RENEW_AFTER_SECONDS = 0.5

Printed = TypeVar("Printed")


class Slots:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._releases: set[asyncio.Task[None]] = set()

    async def take(self, merchant_id: UUID, customer_id: UUID, total: int) -> "Slot | None":
        """A slot for a file of `total` documents. None while another export of the customer runs."""
        holder = uuid4()
        taken = await self._pool.fetchval(
            """
            INSERT INTO running_exports AS running (merchant_id, customer_id, holder, leased_until, total)
            VALUES ($1, $2, $3, now() + make_interval(secs => $4), $5)
            ON CONFLICT (merchant_id, customer_id) DO UPDATE
            SET holder = excluded.holder, leased_until = excluded.leased_until, done = 0, total = excluded.total
            WHERE running.leased_until < now()
            RETURNING true
            """,
            merchant_id,
            customer_id,
            holder,
            LEASE_SECONDS,
            total,
        )
        return Slot(self._pool, self._releases, (merchant_id, customer_id, holder)) if taken else None

    async def progress(self, merchant_id: UUID, customer_id: UUID) -> Progress | None:
        """None without a running export."""
        sql = "SELECT done, total FROM running_exports WHERE merchant_id = $1 AND customer_id = $2 AND leased_until >= now()"
        row = await self._pool.fetchrow(sql, merchant_id, customer_id)
        return Progress(row["done"], row["total"]) if row else None


class Slot:
    def __init__(self, pool: asyncpg.Pool, releases: set[asyncio.Task[None]], name: tuple[UUID, UUID, UUID]) -> None:
        self._pool, self._releases, self._name = pool, releases, name
        self._done = 0

    def counted(self, render: Callable[[Printed], Awaitable[bytes]]) -> Callable[[Printed], Awaitable[bytes]]:
        """The same function; each rendered document is counted."""

        async def render_and_count(document: Printed) -> bytes:
            pdf = await render(document)
            self._done += 1
            return pdf

        return render_and_count

    async def hold(self, stream: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
        """The stream. While it runs, the lease is renewed and the progress is stored."""
        renewed_at = time.monotonic()
        async with aclosing(stream):
            async for chunk in stream:
                yield chunk
                if time.monotonic() - renewed_at > RENEW_AFTER_SECONDS:
                    await survives("exports", self._renew())
                    renewed_at = time.monotonic()

    async def release(self) -> None:
        """Runs in a separate task: a client that disconnects cancels the current one."""
        task = asyncio.create_task(self._release())
        self._releases.add(task)
        task.add_done_callback(self._releases.discard)
        await asyncio.shield(task)

    async def _release(self) -> None:
        """If this fails, the slot becomes free when its lease ends."""
        sql = "DELETE FROM running_exports WHERE merchant_id = $1 AND customer_id = $2 AND holder = $3"
        await survives("exports", self._pool.execute(sql, *self._name))

    async def _renew(self) -> None:
        sql = """
            UPDATE running_exports SET leased_until = now() + make_interval(secs => $4), done = $5
            WHERE merchant_id = $1 AND customer_id = $2 AND holder = $3
        """
        await self._pool.execute(sql, *self._name, LEASE_SECONDS, self._done)
