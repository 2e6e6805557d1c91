from collections.abc import AsyncIterator

import pytest
from integration.payments.bank import Bank
from integration.payments.stack import Shop, Stack, opened, running

from payments.adapters.sandbox.ledger import LedgerPool
from support.databases import ServiceDatabase


@pytest.fixture
async def stack(database: ServiceDatabase) -> AsyncIterator[Stack]:
    async with running(database) as stack:
        yield stack


@pytest.fixture
async def shop(stack: Stack) -> Shop:
    return await opened(stack)


@pytest.fixture
async def bank(shop: Shop, database: ServiceDatabase) -> AsyncIterator[Bank]:
    ledger = LedgerPool(database.url)
    yield Bank(shop, ledger)
    await ledger.close()
