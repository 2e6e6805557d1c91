"""Fresh databases on the session's server."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from portalctl.local.databases import Database, Role, create, drop, url_of


@dataclass(frozen=True)
class ServiceDatabase:
    """As a service finds it: `url` is its own role's, `owner_url` the role's that migrates, `admin_url` a superuser's."""

    url: str
    owner_url: str
    admin_url: str


@asynccontextmanager
async def fresh_database(postgres_url: str, service: str = "test") -> AsyncIterator[ServiceDatabase]:
    """An empty database with roles of its own; all of it is dropped at the end, open connections or not."""
    name = f"{service}_{secrets.token_hex(6)}"
    database = Database(name, Role(f"{name}_owner", secrets.token_hex(8)), Role(name, secrets.token_hex(8)))
    await create(postgres_url, database)
    try:
        yield ServiceDatabase(
            url=url_of(postgres_url, name, database.service),
            owner_url=url_of(postgres_url, name, database.owner),
            admin_url=url_of(postgres_url, name),
        )
    finally:
        await drop(postgres_url, database)


@asynccontextmanager
async def away(database: ServiceDatabase) -> AsyncIterator[None]:
    """No connection to the database is alive, and none can be made."""
    server, name = database.admin_url.rsplit("/", 1)
    admin = await asyncpg.connect(f"{server}/postgres")
    try:
        await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        await admin.execute("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = $1", name)
        yield
    finally:
        await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        await admin.close()
