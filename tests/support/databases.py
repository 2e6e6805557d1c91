"""Fresh databases on the session's server."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import asyncpg

from portalctl.local.databases import Database, Role, create, drop, url_of


@dataclass(frozen=True)
class ServiceDatabase:
    """A service's database: `url` is for the service's role, `owner_url` for migrations, `admin_url` for a superuser."""

    url: str
    owner_url: str
    admin_url: str


@asynccontextmanager
async def fresh_database(postgres_url: str, service: str = "test") -> AsyncIterator[ServiceDatabase]:
    """An empty database with its own roles; both are dropped at the end, even with open connections."""
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


@dataclass(frozen=True)
class Template:
    """A database that is copied for each test, which takes half the time of creating its tables. Nothing is connected to it.

    Copying files takes half the time of writing each block to the log, because the server of the tests does not sync.
    """

    postgres_url: str
    original: ServiceDatabase

    @asynccontextmanager
    async def copied(self) -> AsyncIterator[ServiceDatabase]:
        """A copy for the same roles. It is dropped at the end, even with open connections."""
        original = urlsplit(self.original.admin_url).path.lstrip("/")
        name = f"{original}_{secrets.token_hex(4)}"
        urls = (self.original.url, self.original.owner_url, self.original.admin_url)
        owner, service = (urlsplit(url).username for url in (self.original.owner_url, self.original.url))
        admin = await asyncpg.connect(self.postgres_url)
        try:
            await admin.execute(f"CREATE DATABASE {name} TEMPLATE {original} OWNER {owner} STRATEGY FILE_COPY")
            await admin.execute(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC")
            await admin.execute(f"GRANT CONNECT, TEMPORARY ON DATABASE {name} TO {service}")
            yield ServiceDatabase(*(urlsplit(url)._replace(path=f"/{name}").geturl() for url in urls))
        finally:
            await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            await admin.close()


@asynccontextmanager
async def away(database: ServiceDatabase) -> AsyncIterator[None]:
    """Close all connections to the database and refuse new ones during the block."""
    server, name = database.admin_url.rsplit("/", 1)
    admin = await asyncpg.connect(f"{server}/postgres")
    try:
        await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        await admin.execute("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = $1", name)
        yield
    finally:
        await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        await admin.close()
