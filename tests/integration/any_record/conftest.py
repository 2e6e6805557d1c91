"""The consumers of all services, each on its own database."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from chassis.postgres.migrate import CHASSIS, migrate
from chassis.postgres.pool import create_pool
from support.databases import fresh_database

SERVICES = Path(__file__).parents[3] / "services"
SOURCES = {
    "subscriptions": SERVICES / "subscriptions/src/subscriptions",
    "payments": SERVICES / "payments/src/payments",
    "invoicing": SERVICES / "invoicing/src/invoicing",
    "portal_gateway": SERVICES / "portal-gateway/src/portal_gateway",
}


@pytest.fixture(scope="session")
async def urls(postgres_url: str) -> AsyncIterator[dict[str, str]]:
    """A pool for each service's migrated database."""
    async with AsyncExitStack() as closing:
        database_urls = {}
        for name, source in SOURCES.items():
            database = await closing.enter_async_context(fresh_database(postgres_url, "any"))
            owner = await asyncpg.connect(database.owner_url)
            await migrate(owner, {"chassis": CHASSIS, name: source / "migrations"}, urlsplit(database.url).username or "")
            await owner.close()
            database_urls[name] = database.url
        yield database_urls


@pytest.fixture(scope="session")
async def pools(urls: dict[str, str]) -> AsyncIterator[dict[str, asyncpg.Pool]]:
    """By service."""
    async with AsyncExitStack() as closing:
        yield {
            name: await closing.enter_async_context(create_pool(url, name="test", min_size=1, max_size=10))
            for name, url in urls.items()
        }
