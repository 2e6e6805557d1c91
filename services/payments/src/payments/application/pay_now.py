"""Paying one open invoice now, with a card on file: what was confirmed is stored, and one charge begins."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol
from uuid import UUID

from chassis.eventsourcing.command_handler import ATTEMPTS, decide, rehydrate
from chassis.eventsourcing.context import Context
from chassis.eventsourcing.event_store import Answer, EventStore, IdempotencyKey, Statement, VersionConflict, WriteSet
from chassis.eventsourcing.stream import Stream
from payments.application.aggregates import PAYMENT, WALLET
from payments.application.dues import Dues, Listed, confirmation, totals
from payments.domain.confirmation import Confirmation
from payments.domain.payment import commands
from payments.domain.payment.events import Charge
from payments.domain.refusals import NoSuchPaymentMethod, NothingOwed
from payments.domain.shapes import Money
from payments.domain.wallet.commands import ConfirmPayment

MOST_A_DAY = 5
"""Payments of one invoice that can be asked for within 24 hours, by the wall clock."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What was shown before it was confirmed. What is None was not shown, and not compared."""

    total: Money | None = None
    """Of the invoice and the begun periods that follow from it."""
    charges: frozenset[UUID] | None = None
    """Their invoices."""
    effect: str | None = None


@dataclass(frozen=True, slots=True)
class PayNowRequest:
    customer_id: UUID
    invoice_id: UUID
    method_id: UUID | None
    """None: the default."""
    shown: Shown


@dataclass(frozen=True, slots=True)
class Begun:
    """A charge that has begun, and what was confirmed for it."""

    payment: Stream
    version: int
    charge: Charge
    confirmation: Confirmation
    listed: Listed


class AmountChanged(Exception):
    """Another amount would be charged, or something else would follow, than was shown."""

    def __init__(self, listed: Listed) -> None:
        super().__init__()
        self.listed = listed


class TooManyPayments(Exception):
    def __init__(self, seconds: int) -> None:
        super().__init__()
        self.seconds = seconds
        """Until the invoice can be paid with a card on file again."""


class Collections(Protocol):
    async def customer_of(self, merchant_id: UUID, invoice_id: UUID) -> UUID | None:
        """None for an invoice that this merchant has not issued."""
        ...

    async def running(self, merchant_id: UUID, customer_id: UUID, invoice_id: UUID) -> bool:
        """Whether a charge for the invoice has no outcome yet."""
        ...

    async def paying_blocked_for(self, merchant_id: UUID, invoice_id: UUID, most: int) -> int:
        """Seconds until this invoice can be paid so again; 0 when it can now."""
        ...


@dataclass(frozen=True, slots=True)
class PayNow:
    store: EventStore
    dues: Dues
    collections: Collections

    async def confirm(
        self, context: Context, asked: PayNowRequest, key: IdempotencyKey | None, answer: Callable[[Begun], Answer]
    ) -> Answer:
        """Begins one charge. Raises NothingOwed, AmountChanged, TooManyPayments, and the refusals NoSuchPaymentMethod
        and ChargeRunning: then nothing has changed.
        """
        for _ in range(ATTEMPTS):
            write_set, begun = await self._decided(context, asked)
            told = answer(begun)
            try:
                await self.store.write(replace(write_set, answer=(key, told) if key else None))
            except VersionConflict:
                continue
            return told
        raise VersionConflict(f"payment-{asked.invoice_id}")

    async def _decided(self, context: Context, asked: PayNowRequest) -> tuple[WriteSet, Begun]:
        merchant_id, invoice_id = context.merchant_id, asked.invoice_id
        wallet, payment = WALLET.stream(merchant_id, asked.customer_id), PAYMENT.stream(merchant_id, invoice_id)
        stored = await self.store.read_many([wallet, payment])
        # After the streams: a payment that was asked for meanwhile has moved one of them, or is seen here.
        listed = (await self.dues.of(merchant_id, asked.customer_id)).of(invoice_id)
        if not listed.due:
            raise NothingOwed
        agrees(asked.shown, listed)
        past = rehydrate(WALLET, wallet, stored[wallet])
        method = past.state.method(asked.method_id) if past.state else None
        confirmed = confirmation(listed.at, listed.due, method.id if method else None)
        if method is None or confirmed is None:
            raise NoSuchPaymentMethod
        _, agreeing = decide(WALLET, context, past, ConfirmPayment(invoice_id, method.id, confirmed, listed.at))
        pay = commands.PayNow(method, confirmed.consent, listed.at)
        paying, charging = decide(PAYMENT, context, rehydrate(PAYMENT, payment, stored[payment]), pay)
        if seconds := await self.collections.paying_blocked_for(merchant_id, invoice_id, MOST_A_DAY):
            raise TooManyPayments(seconds)
        charge = paying.state.open
        assert charge is not None, "a payment that is not refused begins a charge"
        asking = Statement(
            "INSERT INTO asked_payment (merchant_id, invoice_id, customer_id, charge_id) VALUES ($1, $2, $3, $4)",
            (merchant_id, invoice_id, asked.customer_id, charge.id),
        )
        written = WriteSet(
            (*agreeing.appends, *charging.appends), statements=(*agreeing.statements, *charging.statements, asking)
        )
        return written, Begun(payment, paying.version, charge, confirmed, listed)


def agrees(shown: Shown, listed: Listed) -> None:
    """Raises AmountChanged."""
    paid = listed.due[0]
    now = Shown(totals(listed.due)[0], frozenset(each.invoice_id for each in listed.due), paid.effect)
    if shown.total not in (None, now.total) or shown.charges not in (None, now.charges):
        raise AmountChanged(listed)
    if None not in (shown.effect, now.effect) and shown.effect != now.effect:
        raise AmountChanged(listed)
