"""One database and one stand-in for all tests of a file: each test has its own merchant."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

import payments
from chassis.postgres.pool import create_pool
from support.databases import ServiceDatabase, fresh_database
from support.service import migrate_service
from support.stripe.server import StripeServer, stripe_server


@pytest.fixture(scope="module")
async def stripe_tables(postgres_url: str) -> AsyncIterator[ServiceDatabase]:
    async with fresh_database(postgres_url) as database:
        await migrate_service(database, "payments", payments)
        yield database


@pytest.fixture(scope="module")
async def pool(stripe_tables: ServiceDatabase) -> AsyncIterator[asyncpg.Pool]:
    async with create_pool(stripe_tables.url, name="test", min_size=1, max_size=20) as pool:
        yield pool


@pytest.fixture
async def server() -> AsyncIterator[StripeServer]:
    async with stripe_server() as server:
        yield server
