"""Fixtures: a migrated database for each test, and both event stores."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from chassis.event_store.postgres_store import PostgresEventStore
from chassis.eventsourcing.event_store import EventStore
from chassis.eventsourcing.memory_store import MemoryEventStore
from chassis.postgres.pool import create_pool
from support.databases import ServiceDatabase, Template


@asynccontextmanager
async def pool_of(database: ServiceDatabase) -> AsyncIterator[asyncpg.Pool]:
    async with create_pool(database.url, name="test", min_size=1, max_size=40) as pool:
        yield pool


@pytest.fixture
async def service(chassis_tables: Template) -> AsyncIterator[ServiceDatabase]:
    """A database with the tables of the chassis."""
    async with chassis_tables.copied() as database:
        yield database


@pytest.fixture
async def pool(service: ServiceDatabase) -> AsyncIterator[asyncpg.Pool]:
    async with pool_of(service) as pool:
        yield pool


@pytest.fixture
async def postgres_store(pool: asyncpg.Pool) -> AsyncIterator[PostgresEventStore]:
    async with PostgresEventStore(pool) as store:
        yield store


@pytest.fixture(params=["memory", "postgres"])
def store(request: pytest.FixtureRequest) -> EventStore:
    if request.param == "memory":
        return MemoryEventStore()
    event_store: PostgresEventStore = request.getfixturevalue("postgres_store")
    return event_store
