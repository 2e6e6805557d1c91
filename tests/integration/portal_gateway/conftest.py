"""One gateway for all tests of this folder; each test has its own merchant."""

from collections.abc import AsyncIterator

import pytest

from support.databases import fresh_database
from support.portal_gateway.gateway import Gateway, Merchant, gateway_on


@pytest.fixture(scope="session")
async def the_gateway(postgres_url: str) -> AsyncIterator[Gateway]:
    async with fresh_database(postgres_url, "portal_gateway") as database, gateway_on(database) as gateway:
        yield gateway


@pytest.fixture
async def gateway(the_gateway: Gateway) -> Gateway:
    the_gateway.owners.answers.clear()
    the_gateway.owners.requests.clear()
    await the_gateway.pool.execute("DELETE FROM use_of_limit")
    return the_gateway


@pytest.fixture
async def merchant(gateway: Gateway) -> Merchant:
    return await gateway.merchant()
