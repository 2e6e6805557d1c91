from collections.abc import AsyncIterator

import pytest
from integration.payments.stack import Shop, Stack, opened, running

from support.databases import ServiceDatabase


@pytest.fixture
async def stack(database: ServiceDatabase) -> AsyncIterator[Stack]:
    async with running(database) as stack:
        yield stack


@pytest.fixture
async def shop(stack: Stack) -> Shop:
    return await opened(stack)
