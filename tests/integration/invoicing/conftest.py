from collections.abc import AsyncIterator, Iterator

import pytest
from integration.invoicing.stack import Shop, Stack, running

from invoicing.adapters.document.renderer import Renderer
from support.databases import fresh_database
from support.invoicing.pdf_documents import logos


@pytest.fixture(scope="session")
async def stack(postgres_url: str) -> AsyncIterator[Stack]:
    """One service for all of these tests: each has a merchant of its own."""
    async with fresh_database(postgres_url, "invoicing") as database, running(database) as stack:
        yield stack


@pytest.fixture(scope="session")
def render() -> Iterator[Renderer]:
    renderer = Renderer(concurrency=2, logos=logos)
    yield renderer
    renderer.close()


@pytest.fixture
async def shop(stack: Stack) -> Shop:
    """A merchant that the service knows."""
    shop = Shop()
    await stack.deliver(shop.configured())
    return shop
