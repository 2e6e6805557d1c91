import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
from integration.payments.stack import Stack

from payments.adapters.sandbox.behaviour import Mode, behave
from payments.adapters.sandbox.ledger import LedgerPool
from payments.adapters.sandbox.provider import Sandbox, ledger
from payments.adapters.sandbox.vault import Vault
from payments.application.charges import NoAnswer, Pending, Taken, UnknownCharge
from payments.application.ports import Provider
from payments.domain.card_input import CardEntry
from support.databases import ServiceDatabase
from support.payments.provider_suite import ProviderSuite


class TestSandbox(ProviderSuite):
    @pytest.fixture
    async def books(self, stack: Stack, database: ServiceDatabase) -> AsyncIterator[LedgerPool]:
        books = LedgerPool(database.url)
        yield books
        await books.close()

    @pytest.fixture
    def provider(self, books: LedgerPool) -> Sandbox:
        self.vault = Vault(books)
        return Sandbox(books)

    async def token(self, provider: Provider, setup_id: UUID, number: str, month: int = 12, year: int = 2025) -> str:
        created = await self.vault.tokenise(self.merchant, setup_id, CardEntry(number, month, year, "123"))
        return created.token

    async def act(self, books: LedgerPool, mode: Mode, seconds: float = 0.2) -> None:
        await behave(books, self.merchant, self.customer, mode, seconds)

    async def test_hanging_it_has_done_nothing(self, provider: Sandbox, books: LedgerPool) -> None:
        order = self.order(await self.saved(provider))
        await self.act(books, "hang")
        with pytest.raises(NoAnswer):
            await provider.charge(order)
        with pytest.raises(NoAnswer):
            await provider.status(order)
        await self.act(books, "normal")
        assert isinstance(await provider.status(order), UnknownCharge)

    async def test_losing_its_answer_it_has_charged(self, provider: Sandbox, books: LedgerPool) -> None:
        order = self.order(await self.saved(provider))
        await self.act(books, "lose")
        with pytest.raises(NoAnswer):
            await provider.charge(order)
        assert isinstance(await provider.status(order), Taken)

    async def test_a_late_answer_is_not_given_early(self, provider: Sandbox, books: LedgerPool) -> None:
        order = self.order(await self.saved(provider))
        await self.act(books, "late", 3)
        charging = asyncio.create_task(provider.charge(order))
        while isinstance(status := await provider.status(order), UnknownCharge):
            await asyncio.sleep(0.02)
        assert isinstance(status, Pending)
        assert isinstance(await charging, Taken)

    async def test_concurrent_requests_with_one_charge_id_are_one_ledger_row(self, provider: Sandbox, books: LedgerPool) -> None:
        order = self.order(await self.saved(provider))
        await asyncio.gather(*(provider.charge(order) for _ in range(20)))
        charges = (await ledger(books, self.merchant))["charges"]
        assert len([charge for charge in charges if charge["charge_id"] == order.charge_id]) == 1

    async def test_it_keeps_no_number_and_no_code(self, provider: Sandbox, books: LedgerPool) -> None:
        await self.saved(provider)
        pool = await books.pool()
        for table in ("sandbox_method", "sandbox_token"):
            rows = await pool.fetch(f"SELECT {table}::text FROM {table}")
            assert not any("4242424242424242" in row[0] for row in rows)

    async def test_another_customers_behaviour_is_their_own(self, provider: Sandbox, books: LedgerPool) -> None:
        order = self.order(await self.saved(provider))
        await behave(books, self.merchant, uuid4(), "lose", 1)
        assert isinstance(await provider.charge(order), Taken)
