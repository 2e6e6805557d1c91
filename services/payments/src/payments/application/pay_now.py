"""Pays one open invoice now with a card on file: stores the confirmation and starts one charge."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from chassis.eventsourcing.context import Context
from chassis.eventsourcing.event_store import Answer, EventStore, IdempotencyKey
from chassis.eventsourcing.multi_stream_handler import MultiStreamHandler, StreamDecisions
from chassis.eventsourcing.stream import Stream
from payments.application.aggregates import Payments, Wallets
from payments.application.dues import Dues, confirmation
from payments.application.ports import Collections, Rows
from payments.domain.confirmation import Confirmation
from payments.domain.dues import DueList, totals
from payments.domain.payment import commands
from payments.domain.payment.events import Charge
from payments.domain.payment.refusals import NothingOwed
from payments.domain.shapes import Money
from payments.domain.wallet.commands import ConfirmPayment
from payments.domain.wallet.refusals import NoSuchPaymentMethod

PAYMENTS_PER_DAY_MAX = 5
"""Payments of one invoice on request within 24 hours, by the wall clock."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The data that was shown before the confirmation. A field that is None was not shown, and is not compared."""

    total: Money | None = None
    """For the invoice and the begun periods that follow from it."""
    charges: frozenset[UUID] | None = None
    """The invoices of these charges."""
    effect: str | None = None


@dataclass(frozen=True, slots=True)
class PayNowRequest:
    customer_id: UUID
    invoice_id: UUID
    method_id: UUID | None
    """None: the default."""
    shown: Shown
    on_session: bool = False
    """Whether the customer is present and can confirm the charge at their bank."""


@dataclass(frozen=True, slots=True)
class StartedCharge:
    """A charge that has started, and its confirmation."""

    payment: Stream
    version: int
    charge: Charge
    confirmation: Confirmation
    listed: DueList


class AmountChanged(Exception):
    """The amount, the charges or the effect are not the ones that were shown."""

    def __init__(self, listed: DueList) -> None:
        super().__init__()
        self.listed = listed


class TooManyPayments(Exception):
    def __init__(self, seconds: int) -> None:
        super().__init__()
        self.seconds = seconds
        """Until the invoice can be paid with a card on file again."""


@dataclass(frozen=True, slots=True)
class ImmediatePayment:
    store: EventStore
    wallets: Wallets
    payments: Payments
    rows: Rows
    dues: Dues
    collections: Collections

    async def confirm(
        self, context: Context, request: PayNowRequest, key: IdempotencyKey | None, answer: Callable[[StartedCharge], Answer]
    ) -> Answer:
        """Start one charge. Raises NothingOwed, AmountChanged, TooManyPayments, NoSuchPaymentMethod and ChargeRunning:
        then nothing has changed.
        """
        wallet = self.wallets.stream(context.merchant_id, request.customer_id)
        payment = self.payments.stream(context.merchant_id, request.invoice_id)

        async def command(decisions: StreamDecisions) -> Answer:
            return answer(await self.decide(context.merchant_id, request, decisions))

        return await MultiStreamHandler(self.store).handle(context, [payment, wallet], command, key=key)

    async def decide(self, merchant_id: UUID, request: PayNowRequest, decisions: StreamDecisions) -> StartedCharge:
        """Add the confirmation and the charge to the decisions. Raises the same as confirm."""
        invoice_id = request.invoice_id
        # Read after the streams: a concurrent payment is seen here, or causes a version conflict.
        listed = (await self.dues.of(merchant_id, request.customer_id)).of(invoice_id)
        if not listed.due:
            raise NothingOwed
        check_shown(request.shown, listed)
        wallet = decisions.state(self.wallets, request.customer_id)
        method = wallet.method(request.method_id) if wallet else None
        confirmed = confirmation(listed.at, listed.due, method.id if method else None)
        if method is None or confirmed is None:
            raise NoSuchPaymentMethod
        confirm = ConfirmPayment(invoice_id, method.id, confirmed, listed.at)
        decisions.decide(self.wallets, request.customer_id, confirm)
        pay = commands.PayNow(method, confirmed.consent, listed.at, request.on_session)
        paying = decisions.decide(self.payments, invoice_id, pay)
        if seconds := await self.collections.paying_blocked_for(merchant_id, invoice_id, PAYMENTS_PER_DAY_MAX):
            raise TooManyPayments(seconds)
        charge = paying.state.open
        assert charge is not None, "a payment that is not refused begins a charge"
        decisions.write(self.rows.payment_requested(paying.stream, request.customer_id, charge.id))
        return StartedCharge(paying.stream, paying.version, charge, confirmed, listed)


def check_shown(shown: Shown, listed: DueList) -> None:
    """Raises AmountChanged."""
    paid = listed.due[0]
    now = Shown(totals(listed.due)[0], frozenset(each.invoice_id for each in listed.due), paid.effect)
    if shown.total not in (None, now.total) or shown.charges not in (None, now.charges):
        raise AmountChanged(listed)
    if None not in (shown.effect, now.effect) and shown.effect != now.effect:
        raise AmountChanged(listed)
