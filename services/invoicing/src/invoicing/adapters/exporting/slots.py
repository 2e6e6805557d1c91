"""One running export per customer, whichever process runs it: the table `running_exports`."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from uuid import UUID, uuid4

import asyncpg

LEASE_SECONDS = 60
_RENEW_SECONDS = 20


class Slots:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._leaving: set[asyncio.Task[None]] = set()

    async def take(self, merchant_id: UUID, customer_id: UUID) -> "Slot | None":
        """None while another export of the customer's is running."""
        holder = uuid4()
        taken = await self._pool.fetchval(
            """
            INSERT INTO running_exports AS running (merchant_id, customer_id, holder, leased_until)
            VALUES ($1, $2, $3, now() + make_interval(secs => $4))
            ON CONFLICT (merchant_id, customer_id) DO UPDATE
            SET holder = excluded.holder, leased_until = excluded.leased_until WHERE running.leased_until < now()
            RETURNING true
            """,
            merchant_id,
            customer_id,
            holder,
            LEASE_SECONDS,
        )
        return Slot(self._pool, self._leaving, (merchant_id, customer_id, holder)) if taken else None


class Slot:
    def __init__(self, pool: asyncpg.Pool, leaving: set[asyncio.Task[None]], name: tuple[UUID, UUID, UUID]) -> None:
        self._pool, self._leaving, self._name = pool, leaving, name

    async def hold(self, stream: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
        """The stream, with the place held until it has ended, however it ends."""
        renewed = time.monotonic()
        try:
            async with aclosing(stream):
                async for chunk in stream:
                    yield chunk
                    if time.monotonic() - renewed > _RENEW_SECONDS:
                        await self._renew()
                        renewed = time.monotonic()
        finally:
            # in a task of its own: whoever hangs up cancels this one, wherever it awaits
            leaving = asyncio.create_task(self._leave())
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)
            await asyncio.shield(leaving)

    async def _leave(self) -> None:
        sql = "DELETE FROM running_exports WHERE merchant_id = $1 AND customer_id = $2 AND holder = $3"
        await self._pool.execute(sql, *self._name)

    async def _renew(self) -> None:
        sql = """
            UPDATE running_exports SET leased_until = now() + make_interval(secs => $4)
            WHERE merchant_id = $1 AND customer_id = $2 AND holder = $3
        """
        await self._pool.execute(sql, *self._name, LEASE_SECONDS)
