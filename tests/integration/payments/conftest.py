from collections.abc import AsyncIterator

import pytest
from integration.payments.bank import Bank
from integration.payments.stack import Shop, Stack, opened, running

import payments
from payments.adapters.sandbox.ledger import LedgerPool
from support.databases import ServiceDatabase, Template, fresh_database
from support.service import migrate_service


@pytest.fixture(scope="session")
async def tables(postgres_url: str) -> AsyncIterator[Template]:
    """The service's tables without rows."""
    async with fresh_database(postgres_url, "payments") as database:
        await migrate_service(database, "payments", payments)
        yield Template(postgres_url, database)


@pytest.fixture
async def database(tables: Template) -> AsyncIterator[ServiceDatabase]:
    """A database for this test alone."""
    async with tables.copied() as database:
        yield database


@pytest.fixture(scope="session")
async def the_stack(tables: Template) -> AsyncIterator[Stack]:
    async with tables.copied() as database, running(database) as stack:
        yield stack


@pytest.fixture
def stack(the_stack: Stack) -> Stack:
    """One service with the sandbox for all tests: each has its own merchant."""
    return the_stack


@pytest.fixture
async def shop(stack: Stack) -> Shop:
    return await opened(stack)


@pytest.fixture
async def bank(shop: Shop) -> AsyncIterator[Bank]:
    ledger = LedgerPool(shop.stack.database.url)
    yield Bank(shop, ledger)
    await ledger.close()
