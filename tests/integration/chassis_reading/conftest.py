"""A migrated database for each test."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from chassis.postgres.pool import create_pool
from support.databases import Template


@pytest.fixture
async def pool(chassis_tables: Template) -> AsyncIterator[asyncpg.Pool]:
    async with chassis_tables.copied() as database, create_pool(database.url, name="test", min_size=1, max_size=10) as pool:
        yield pool
