"""A migrated database for each test."""

from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import asyncpg
import pytest

from chassis.postgres.migrate import CHASSIS, migrate
from chassis.postgres.pool import create_pool
from support.databases import ServiceDatabase


@pytest.fixture
async def pool(database: ServiceDatabase) -> AsyncIterator[asyncpg.Pool]:
    owner = await asyncpg.connect(database.owner_url)
    try:
        await migrate(owner, {"chassis": CHASSIS}, urlsplit(database.url).username or "")
    finally:
        await owner.close()
    async with create_pool(database.url, name="test", min_size=1, max_size=10) as pool:
        yield pool
