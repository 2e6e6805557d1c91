"""The contract of every payment provider. An adapter's tests inherit it and define how a card is saved."""

import asyncio
from abc import ABC, abstractmethod
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from payments.application.charges import (
    ChargeOrder,
    RefundMade,
    RefundOrder,
    RefundRefused,
    Refused,
    SetupRefused,
    Taken,
    UnknownCharge,
    UnknownToken,
)
from payments.application.provider_ports import Provider
from payments.domain.shapes import FailureCode, Method, Money
from support.expiries import CASES, Case

GOOD, REFUSED_WHEN_SAVED, REFUSED_WHEN_CHARGED = "4242424242424242", "4000000000000002", "4000000000000341"


class ProviderSuite(ABC):
    merchant = uuid4()
    customer = uuid4()

    @abstractmethod
    async def token(self, provider: Provider, setup_id: UUID, number: str, month: int = 12, year: int = 2025) -> str:
        """The card page's token for this number and expiry."""

    async def saved(self, provider: Provider, number: str = GOOD, month: int = 12, year: int = 2025) -> Method:
        setup = uuid4()
        token = await self.token(provider, setup, number, month, year)
        return await provider.save(self.merchant, self.customer, setup, token)

    def order(self, method: Method, at: datetime = datetime(2023, 5, 14, tzinfo=UTC), zone: str = "UTC") -> ChargeOrder:
        return ChargeOrder(self.merchant, self.customer, uuid4(), method.id, Money(2999, "USD"), at, zone)

    async def test_a_saved_card_can_be_charged(self, provider: Provider) -> None:
        method = await self.saved(provider)
        assert (method.last4, method.brand.value) == ("4242", "visa")
        assert isinstance(await provider.charge(self.order(method)), Taken)

    async def test_repeated_requests_with_one_charge_id_charge_once(self, provider: Provider) -> None:
        order = self.order(await self.saved(provider))
        outcomes = {await provider.charge(order), await provider.charge(order), await provider.status(order)}
        assert len(outcomes) == 1

    async def test_a_decline_is_final(self, provider: Provider) -> None:
        order = self.order(await self.saved(provider, REFUSED_WHEN_CHARGED))
        first = await provider.charge(order)
        assert isinstance(first, Refused)
        assert first.code is FailureCode.CARD_DECLINED
        assert await provider.charge(order) == await provider.status(order) == first

    async def test_a_charge_that_was_not_requested_is_unknown(self, provider: Provider) -> None:
        assert isinstance(await provider.status(self.order(await self.saved(provider))), UnknownCharge)

    async def test_a_cancelled_charge_never_takes_money(self, provider: Provider) -> None:
        order = self.order(await self.saved(provider))
        assert isinstance(await provider.cancel(order), Refused)
        assert isinstance(await provider.charge(order), Refused)

    async def test_cancelling_a_taken_charge_reports_it_as_taken(self, provider: Provider) -> None:
        order = self.order(await self.saved(provider))
        taken = await provider.charge(order)
        assert await provider.cancel(order) == taken

    async def taken(self, provider: Provider) -> ChargeOrder:
        order = self.order(await self.saved(provider))
        assert isinstance(await provider.charge(order), Taken)
        return order

    async def test_a_repeated_refund_id_is_one_refund(self, provider: Provider) -> None:
        order = await self.taken(provider)
        refund = RefundOrder(order, uuid4(), order.amount)
        first = await provider.refund(refund)
        assert isinstance(first, RefundMade)
        assert await provider.refund(refund) == first
        assert await provider.refund(replace(refund, made_as=first.reference)) == first

    async def test_a_charge_is_refunded_in_parts(self, provider: Provider) -> None:
        order = await self.taken(provider)
        outcomes = [await provider.refund(RefundOrder(order, uuid4(), Money(minor, "USD"))) for minor in (1000, 999, 1000)]
        assert [type(each) for each in outcomes] == [RefundMade] * 3
        assert len({each.reference for each in outcomes if isinstance(each, RefundMade)}) == 3

    async def test_more_than_what_was_taken_is_never_refunded(self, provider: Provider) -> None:
        order = await self.taken(provider)
        assert isinstance(await provider.refund(RefundOrder(order, uuid4(), Money(3000, "USD"))), RefundRefused)
        assert isinstance(await provider.refund(RefundOrder(order, uuid4(), Money(2000, "USD"))), RefundMade)
        assert isinstance(await provider.refund(RefundOrder(order, uuid4(), Money(1000, "USD"))), RefundRefused)
        assert isinstance(await provider.refund(RefundOrder(order, uuid4(), Money(999, "USD"))), RefundMade)

    async def test_refunds_at_once_never_exceed_what_was_taken(self, provider: Provider) -> None:
        order = await self.taken(provider)
        parts = [RefundOrder(order, uuid4(), Money(1000, "USD")) for _ in range(5)]
        outcomes = await asyncio.gather(*map(provider.refund, parts))
        assert sorted(type(each).__name__ for each in outcomes) == ["RefundMade"] * 2 + ["RefundRefused"] * 3

    async def test_a_charge_that_took_nothing_is_not_refunded(self, provider: Provider) -> None:
        declined = self.order(await self.saved(provider, REFUSED_WHEN_CHARGED))
        await provider.charge(declined)
        for order in (declined, replace(declined, charge_id=uuid4())):
            with pytest.raises(LookupError):
                await provider.refund(RefundOrder(order, uuid4(), order.amount))

    async def test_a_charge_that_nobody_contests_has_no_disputes(self, provider: Provider) -> None:
        order = await self.taken(provider)
        assert list(await provider.disputes(order)) == []
        assert list(await provider.disputes(replace(order, charge_id=uuid4()))) == []

    async def test_a_card_can_be_declined_when_it_is_saved(self, provider: Provider) -> None:
        with pytest.raises(SetupRefused) as refused:
            await self.saved(provider, REFUSED_WHEN_SAVED)
        assert refused.value.code is FailureCode.CARD_DECLINED

    async def test_a_repeated_token_saves_one_card(self, provider: Provider) -> None:
        setup = uuid4()
        token = await self.token(provider, setup, GOOD)
        first = await provider.save(self.merchant, self.customer, setup, token)
        assert await provider.save(self.merchant, self.customer, setup, token) == first

    async def test_a_token_is_valid_only_for_its_owner(self, provider: Provider) -> None:
        setup = uuid4()
        token = await self.token(provider, setup, GOOD)
        for merchant, of_setup, text in (
            (uuid4(), setup, token),
            (self.merchant, uuid4(), token),
            (self.merchant, setup, "tok_x"),
        ):
            with pytest.raises(UnknownToken):
                await provider.save(merchant, self.customer, of_setup, text)
        await provider.save(self.merchant, self.customer, setup, token)
        with pytest.raises(UnknownToken):
            await provider.save(self.merchant, uuid4(), setup, token)

    async def test_a_forgotten_card_cannot_be_charged(self, provider: Provider) -> None:
        method = await self.saved(provider)
        await provider.forget(self.merchant, uuid4(), method.id)
        assert isinstance(await provider.charge(self.order(method)), Taken)
        for _ in range(2):
            await provider.forget(self.merchant, self.customer, method.id)
        assert isinstance(await provider.charge(self.order(method)), Refused)

    async def test_a_card_is_read_for_its_customer_until_it_is_forgotten(self, provider: Provider) -> None:
        method = await self.saved(provider)
        assert await provider.read(self.merchant, self.customer, method.id) == method
        assert await provider.read(self.merchant, uuid4(), method.id) is None
        await provider.forget(self.merchant, self.customer, method.id)
        assert await provider.read(self.merchant, self.customer, method.id) is None

    async def test_another_customers_card_cannot_be_charged(self, provider: Provider) -> None:
        order = self.order(await self.saved(provider))
        foreign = ChargeOrder(order.merchant_id, uuid4(), uuid4(), order.method_id, order.amount, order.at, "UTC")
        assert isinstance(await provider.charge(foreign), Refused)


class MerchantClockSuite(ProviderSuite):
    """Providers for which the merchant's clock decides whether a card has expired. For a live one it is their own clock."""

    async def test_an_expired_card_is_not_charged(self, provider: Provider) -> None:
        order = self.order(await self.saved(provider), at=datetime(2999, 1, 1, tzinfo=UTC))
        outcome = await provider.charge(order)
        assert isinstance(outcome, Refused)
        assert outcome.code is FailureCode.EXPIRED_CARD

    @pytest.mark.parametrize("case", CASES)
    async def test_a_card_is_charged_until_its_month_ends_in_the_merchants_zone(self, provider: Provider, case: Case) -> None:
        method = await self.saved(provider, GOOD, case.month, case.year)
        outcome = await provider.charge(self.order(method, case.at, case.zone))
        refused_as = outcome.code if isinstance(outcome, Refused) else None
        assert refused_as == (FailureCode.EXPIRED_CARD if case.state == "expired" else None)
