import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from integration.payments.stack import Stack

from payments.adapters.sandbox.behaviour import Mode, behave
from payments.adapters.sandbox.challenges import Challenges
from payments.adapters.sandbox.ledger import LedgerPool
from payments.adapters.sandbox.provider import Sandbox, ledger
from payments.adapters.sandbox.vault import Vault
from payments.application.charges import (
    ChargeOrder,
    NeedsCustomer,
    NoAnswer,
    Pending,
    Refused,
    SetupRefused,
    Taken,
    UnknownChallenge,
    UnknownCharge,
    UnknownToken,
)
from payments.application.provider_ports import Provider
from payments.domain.card_input import CardEntry
from payments.domain.shapes import FailureCode
from support.payments.provider_suite import MerchantClockSuite

ONCE, ALWAYS, THEN_POOR, THEN_DECLINED = "4000002500003155", "4000002760003184", "4000008260003178", "4000008400001629"


class TestSandbox(MerchantClockSuite):
    @pytest.fixture
    async def books(self, stack: Stack) -> AsyncIterator[LedgerPool]:
        books = LedgerPool(stack.database.url)
        yield books
        await books.close()

    @pytest.fixture
    def provider(self, books: LedgerPool) -> Sandbox:
        self.vault, self.merchant, self.customer = Vault(books), uuid4(), uuid4()
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

    async def waiting(self, provider: Sandbox, number: str) -> ChargeOrder:
        """A charge with this card, on session, that waits for the customer."""
        order = replace(self.order(await self.saved(provider, number)), on_session=True)
        assert await provider.charge(order) == await provider.status(order) == NeedsCustomer()
        return order

    async def secret(self, provider: Sandbox, order: ChargeOrder) -> str:
        challenge = await provider.challenge(order)
        assert challenge
        return challenge.secret

    @pytest.mark.parametrize("number", [ONCE, ALWAYS, THEN_POOR, THEN_DECLINED])
    async def test_off_session_the_bank_asks_for_the_customer(self, provider: Sandbox, number: str) -> None:
        order = self.order(await self.saved(provider, number))
        refused = await provider.charge(order)
        assert isinstance(refused, Refused)
        assert refused.code is FailureCode.AUTHENTICATION_REQUIRED
        assert await provider.challenge(order) is None

    @pytest.mark.parametrize(
        ("number", "code"),
        [
            (ONCE, None),
            (ALWAYS, None),
            (THEN_POOR, FailureCode.INSUFFICIENT_FUNDS),
            (THEN_DECLINED, FailureCode.CARD_DECLINED),
        ],
    )
    async def test_an_approved_charge_gets_the_cards_outcome(
        self, provider: Sandbox, books: LedgerPool, number: str, code: FailureCode | None
    ) -> None:
        order = await self.waiting(provider, number)
        secret = await self.secret(provider, order)
        for _ in range(2):
            await Challenges(books).approve(self.merchant, order.charge_id, secret)
        outcome = await provider.status(order)
        assert await provider.charge(order) == outcome
        assert (outcome.code if isinstance(outcome, Refused) else None) == code
        assert await provider.challenge(order) is None

    @pytest.mark.parametrize(("number", "passes"), [(ONCE, True), (ALWAYS, False)])
    async def test_after_an_approval_later_charges_pass_where_once_is_enough(
        self, provider: Sandbox, books: LedgerPool, number: str, passes: bool
    ) -> None:
        order = await self.waiting(provider, number)
        await Challenges(books).approve(self.merchant, order.charge_id, await self.secret(provider, order))
        later = await provider.charge(replace(order, charge_id=uuid4(), on_session=False))
        assert isinstance(later, Taken) is passes

    async def test_a_rejected_charge_takes_nothing_afterwards(self, provider: Sandbox, books: LedgerPool) -> None:
        order = await self.waiting(provider, ONCE)
        secret = await self.secret(provider, order)
        await Challenges(books).reject(self.merchant, order.charge_id, secret)
        await Challenges(books).approve(self.merchant, order.charge_id, secret)
        refused = await provider.status(order)
        assert isinstance(refused, Refused)
        assert refused.code is FailureCode.AUTHENTICATION_FAILED
        assert isinstance(await provider.charge(replace(order, charge_id=uuid4(), on_session=False)), Refused)

    async def test_a_cancelled_charge_does_not_wait_any_more(self, provider: Sandbox, books: LedgerPool) -> None:
        order = await self.waiting(provider, ALWAYS)
        secret = await self.secret(provider, order)
        assert isinstance(await provider.cancel(order), Refused)
        await Challenges(books).approve(self.merchant, order.charge_id, secret)
        assert isinstance(await provider.status(order), Refused)

    async def test_a_challenge_is_answered_with_the_secret_given_last(self, provider: Sandbox, books: LedgerPool) -> None:
        order = await self.waiting(provider, ALWAYS)
        first, last = await self.secret(provider, order), await self.secret(provider, order)
        for merchant, charge, secret in (
            (uuid4(), order.charge_id, last),
            (self.merchant, uuid4(), last),
            (self.merchant, order.charge_id, first),
            (self.merchant, order.charge_id, ""),
        ):
            for answer in (Challenges(books).approve, Challenges(books).reject):
                with pytest.raises(UnknownChallenge):
                    await answer(merchant, charge, secret)
        assert await provider.status(order) == NeedsCustomer()

    async def test_answers_that_arrive_together_have_one_outcome(self, provider: Sandbox, books: LedgerPool) -> None:
        order = await self.waiting(provider, ALWAYS)
        secret, challenges = await self.secret(provider, order), Challenges(books)
        answers = (challenges.approve, challenges.reject)
        await asyncio.gather(*(answer(self.merchant, order.charge_id, secret) for answer in answers), provider.cancel(order))
        outcome = await provider.status(order)
        assert isinstance(outcome, Taken | Refused)
        assert await provider.cancel(order) == outcome

    @pytest.mark.parametrize(("number", "asks"), [(ONCE, True), (ALWAYS, False), ("4242424242424242", False)])
    async def test_the_bank_asks_once_when_a_card_is_entered(self, books: LedgerPool, number: str, asks: bool) -> None:
        created = await Vault(books).tokenise(self.merchant, uuid4(), CardEntry(number, 12, 2030, "123"))
        assert created.asks is asks

    async def test_a_card_that_was_approved_when_it_was_entered_is_charged_without_a_question(
        self, provider: Sandbox, books: LedgerPool
    ) -> None:
        setup, vault = uuid4(), Vault(books)
        token = (await vault.tokenise(self.merchant, setup, CardEntry(ONCE, 12, 2030, "123"))).token
        await vault.answer(self.merchant, setup, token, approved=True)
        method = await provider.save(self.merchant, self.customer, setup, token)
        assert isinstance(await provider.charge(self.order(method)), Taken)

    async def test_a_card_that_was_rejected_when_it_was_entered_is_not_saved(self, provider: Sandbox, books: LedgerPool) -> None:
        setup, vault = uuid4(), Vault(books)
        token = (await vault.tokenise(self.merchant, setup, CardEntry(ONCE, 12, 2030, "123"))).token
        await vault.answer(self.merchant, setup, token, approved=False)
        with pytest.raises(SetupRefused) as refused:
            await provider.save(self.merchant, self.customer, setup, token)
        assert refused.value.code is FailureCode.AUTHENTICATION_FAILED

    async def test_an_answer_is_for_the_token_of_this_merchant_and_set_up(self, books: LedgerPool) -> None:
        setup, vault = uuid4(), Vault(books)
        token = (await vault.tokenise(self.merchant, setup, CardEntry(ONCE, 12, 2030, "123"))).token
        for merchant, of, answered in ((uuid4(), setup, token), (self.merchant, uuid4(), token), (self.merchant, setup, "x")):
            with pytest.raises(UnknownToken):
                await vault.answer(merchant, of, answered, approved=True)
