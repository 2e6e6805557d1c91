"""A service's pool of connections."""

import asyncpg
from asyncpg.pool import PoolConnectionProxy


def create_pool(dsn: str, *, name: str, min_size: int, max_size: int) -> asyncpg.Pool:
    """Await it, or enter it, to open it. `name` is what the server shows of its connections.

    A transaction left open is rolled back when its connection comes back; nothing else of a session is undone, which would
    be a second round trip behind every query. Whoever locks or sets something for a whole session undoes it.
    """
    return asyncpg.create_pool(
        dsn, min_size=min_size, max_size=max_size, reset=_as_it_is, server_settings={"application_name": name}
    )


async def _as_it_is(_: PoolConnectionProxy | asyncpg.Connection) -> None: ...
