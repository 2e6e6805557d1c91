"""The sandbox provider's tables, used over separate connections, as a remote provider would be."""

import asyncio

import asyncpg

from chassis.postgres.pool import create_pool, use_dsn


class LedgerPool:
    """Opens its connections on first use."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._opening = asyncio.Lock()
        self._pool: asyncpg.Pool | None = None

    async def pool(self) -> asyncpg.Pool:
        async with self._opening:
            if self._pool is None:
                self._pool = await create_pool(self._dsn, name="sandbox-provider", min_size=1, max_size=4)
            return self._pool

    def use(self, dsn: str) -> None:
        """From now on connect with this URL."""
        self._dsn = dsn
        if self._pool is not None:
            use_dsn(self._pool, dsn)

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()
