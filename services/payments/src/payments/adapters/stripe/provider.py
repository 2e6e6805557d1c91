"""Stripe behind the provider port."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from payments.adapters.stripe.books import StripeBooks
from payments.adapters.stripe.cards import StripeCards
from payments.adapters.stripe.charges import StripeCharges
from payments.adapters.stripe.connections import StripeConnections
from payments.adapters.stripe.disputes import StripeDisputes
from payments.adapters.stripe.refunds import StripeRefunds
from payments.application.card_setup import ProviderFields
from payments.application.charges import Challenge, ChargeOrder, DisputeReport, Outcome, RefundOrder, RefundOutcome, Status
from payments.domain.shapes import Method


class StripeProvider:
    def __init__(self, connections: StripeConnections, books: StripeBooks) -> None:
        self._cards = StripeCards(connections, books)
        self._charges = StripeCharges(connections, books)
        self._refunds = StripeRefunds(connections, books)
        self._disputes = StripeDisputes(connections, books)

    async def open(self, merchant_id: UUID, customer_id: UUID, setup_id: UUID) -> ProviderFields:
        return await self._cards.open(merchant_id, customer_id, setup_id)

    async def save(self, merchant_id: UUID, customer_id: UUID, setup_id: UUID, token: str) -> Method:
        return await self._cards.save(merchant_id, customer_id, setup_id, token)

    async def attach(self, merchant_id: UUID, customer_id: UUID, token: str, at: datetime, zone: str) -> Method:
        """Stripe's clock decides whether the card has expired."""
        return await self._cards.attach(merchant_id, customer_id, token)

    async def imported(self, merchant_id: UUID, customer_id: UUID, token: str, *, keep: bool) -> Method:
        return await self._cards.imported(merchant_id, customer_id, token, keep=keep)

    async def read(self, merchant_id: UUID, customer_id: UUID, method_id: UUID) -> Method | None:
        return await self._cards.read(merchant_id, customer_id, method_id)

    async def forget(self, merchant_id: UUID, customer_id: UUID, method_id: UUID) -> None:
        await self._cards.forget(merchant_id, customer_id, method_id)

    async def charge(self, order: ChargeOrder) -> Outcome:
        return await self._charges.charge(order)

    async def status(self, order: ChargeOrder) -> Status:
        return await self._charges.status(order)

    async def cancel(self, order: ChargeOrder) -> Status:
        return await self._charges.cancel(order)

    async def challenge(self, order: ChargeOrder) -> Challenge | None:
        return await self._charges.challenge(order)

    async def refund(self, order: RefundOrder) -> RefundOutcome:
        return await self._refunds.refund(order)

    async def disputes(self, order: ChargeOrder) -> Sequence[DisputeReport]:
        return await self._disputes.disputes(order)
