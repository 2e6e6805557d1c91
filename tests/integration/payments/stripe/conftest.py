"""Payments with a stand-in for Stripe: the complete service for each test, or the provider alone on one database for a file."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
from integration.payments.stack import Shop, Stack, opened, running

from chassis.postgres.pool import create_pool
from support.databases import ServiceDatabase, Template
from support.stripe.server import StripeServer, stripe_server


@pytest.fixture
async def server() -> AsyncIterator[StripeServer]:
    async with stripe_server() as server:
        yield server


@pytest.fixture
async def stripe(server: StripeServer) -> AsyncIterator[StripeServer]:
    """Every request and answer agrees with Stripe's document."""
    yield server
    assert server.problems == []


@pytest.fixture
async def stack(database: ServiceDatabase, stripe: StripeServer) -> AsyncIterator[Stack]:
    async with running(database, stripe.url) as stack:
        yield stack


@pytest.fixture
async def shop(stack: Stack) -> Shop:
    return await opened(stack, test_clock=False)


@pytest.fixture(scope="module")
async def provider_tables(tables: Template) -> AsyncIterator[ServiceDatabase]:
    """For tests of the provider alone: each test has its own merchant."""
    async with tables.copied() as database:
        yield database


@pytest.fixture(scope="module")
async def pool(provider_tables: ServiceDatabase) -> AsyncIterator[asyncpg.Pool]:
    async with create_pool(provider_tables.url, name="test", min_size=1, max_size=20) as pool:
        yield pool
