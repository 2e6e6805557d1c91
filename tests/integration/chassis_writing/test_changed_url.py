"""After a change of the database's URL, each connection is replaced when it is next needed."""

import asyncio
from typing import Any

from chassis.postgres.coalescing import PinnedConnection
from chassis.postgres.pool import create_pool, use_dsn
from support.databases import ServiceDatabase

USER = "SELECT current_user"


async def user_of(connection: Any) -> str:
    return str(await connection.fetchval(USER))


async def test_pooled_and_pinned_connections_use_the_new_url(service: ServiceDatabase) -> None:
    async with create_pool(service.url, name="test", min_size=1, max_size=3) as pool:
        pinned = PinnedConnection(pool)
        old = {await pool.fetchval(USER), await pinned.run(user_of)}
        use_dsn(pool, service.owner_url)
        new = {await pool.fetchval(USER), await pinned.run(user_of)}
        assert new == {f"{user}_owner" for user in old}
        await pinned.close()


async def test_a_statement_that_runs_during_the_change_completes(service: ServiceDatabase) -> None:
    async with create_pool(service.url, name="test", min_size=1, max_size=3) as pool, pool.acquire() as connection:
        running = asyncio.create_task(connection.fetchval("SELECT 1 FROM pg_sleep(0.2)"))
        await asyncio.sleep(0)
        use_dsn(pool, service.owner_url)
        assert await pool.fetchval("SELECT 2") == 2
        assert await running == 1


async def test_a_url_that_does_not_work_is_an_error_of_new_connections_only(service: ServiceDatabase) -> None:
    async with create_pool(service.url, name="test", min_size=1, max_size=3) as pool:
        async with pool.acquire() as connection:
            use_dsn(pool, service.url.replace("postgresql://", "postgresql://stranger_"))
            assert await connection.fetchval("SELECT 1") == 1
        use_dsn(pool, service.url)
        assert await pool.fetchval("SELECT 1") == 1
