"""Servers for the whole session, started when the first test asks for them."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, settings

from support import servers
from support.databases import ServiceDatabase, fresh_database

# No test is judged by how long it takes: the machine may be busy.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.fixture(scope="session")
async def postgres_url() -> AsyncIterator[str]:
    """A superuser's URL; for tables use `database`, or `support.databases.fresh_database` for several."""
    async with servers.postgres() as url:
        yield url


@pytest.fixture(scope="session")
async def kafka_bootstrap() -> AsyncIterator[str]:
    """Bootstrap servers without any topic: create your own, with names of your own."""
    async with servers.kafka() as bootstrap:
        yield bootstrap


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[ServiceDatabase]:
    """A fresh, empty database for this test alone."""
    async with fresh_database(postgres_url) as database:
        yield database
