"""The sandbox provider's database, reached over connections of its own, as if it stood elsewhere."""

import asyncio

import asyncpg

from chassis.postgres.pool import create_pool


class LedgerPool:
    """Opens its connections when they are first needed."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._opening = asyncio.Lock()
        self._pool: asyncpg.Pool | None = None

    async def pool(self) -> asyncpg.Pool:
        async with self._opening:
            if self._pool is None:
                self._pool = await create_pool(self._dsn, name="sandbox-provider", min_size=1, max_size=4)
            return self._pool

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()
