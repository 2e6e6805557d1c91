"""Pays one open invoice with a card that is used for this payment only. The provider forgets the card afterwards."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import UUID, uuid4

from chassis.eventsourcing.context import Context
from chassis.eventsourcing.event_store import Answer, EventStore, IdempotencyKey
from chassis.eventsourcing.multi_stream_handler import MultiStreamHandler, StreamDecisions
from payments.application.aggregates import Payments, Wallets
from payments.application.authentication import Looks
from payments.application.card_change import SetUpOver, TooManyDeclines, opened, saved
from payments.application.card_setup import SetUp
from payments.application.dues import confirmation
from payments.application.pay_now import PAYMENTS_PER_DAY_MAX, AmountChanged, StartedCharge, TooManyPayments
from payments.application.ports import (
    Clock,
    Collections,
    OpenedAuthentications,
    OpenInvoices,
    Rows,
    SetUps,
)
from payments.application.provider_ports import Provider
from payments.application.queue_ports import OneTimeMethod, OneTimeMethods
from payments.domain.dues import DueList
from payments.domain.payment import commands
from payments.domain.payment.refusals import ChargeRunning, NothingOwed
from payments.domain.shapes import Method, Money
from payments.domain.wallet.commands import ConfirmOneTimePayment


@dataclass(frozen=True, slots=True)
class Opening:
    """An opening of the card page to pay one invoice."""

    customer_id: UUID
    invoice_id: UUID
    session: str | None
    locale: str
    colour: str | None


@dataclass(frozen=True, slots=True)
class OneTimeRequest:
    """The confirmation of a payer on the card page."""

    customer_id: UUID
    """The customer of the invoice, who may be another person than the payer."""
    invoice_id: UUID
    setup_id: UUID
    session: str | None
    token: str
    total: Money
    """The total that was shown."""


@dataclass(frozen=True, slots=True)
class OneTimePayment:
    store: EventStore
    wallets: Wallets
    payments: Payments
    rows: Rows
    setups: SetUps
    invoices: OpenInvoices
    collections: Collections
    clock: Clock
    methods: OneTimeMethods
    authentications: OpenedAuthentications
    provider: Provider
    provider_timeout_seconds: float
    """Seconds that the provider may take to read a card while the payer waits."""

    async def open(self, merchant_id: UUID, opening: Opening) -> SetUp:
        """Open the card page for the amount that is due. Raises NothingOwed."""
        listed = await self._listed(merchant_id, opening.customer_id, opening.invoice_id)
        looks = opening.session, opening.locale, opening.colour
        return await self.setups.begin(merchant_id, opening.customer_id, *looks, listed.due, pays_invoice=opening.invoice_id)

    async def confirm(
        self, context: Context, request: OneTimeRequest, key: IdempotencyKey | None, answer: Callable[[StartedCharge], Answer]
    ) -> Answer:
        """Start one charge of the invoice only: not of periods that begin once it is paid. It may wait until the payer has
        answered their bank.

        Raises SetUpOver, NothingOwed, AmountChanged, ChargeRunning, TooManyDeclines, TooManyPayments, and the provider's
        UnknownToken, SetupRefused and NoAnswer: then nothing is charged.
        """
        merchant_id = context.merchant_id
        if seconds := await self.setups.blocked_for(merchant_id, request.customer_id, request.invoice_id):
            raise TooManyDeclines(seconds)
        await self._check(merchant_id, request)
        if await self.collections.running(merchant_id, request.customer_id, request.invoice_id):
            raise ChargeRunning
        card = request.customer_id, request.setup_id, request.token
        method = await saved(self.provider, self.provider_timeout_seconds, merchant_id, *card)
        # Committed before the charge, so that a crash between the two leaves no card at the provider.
        await self.methods.keep(OneTimeMethod(merchant_id, request.customer_id, request.invoice_id, method.id, method.provider))
        payment = self.payments.stream(merchant_id, request.invoice_id)
        wallet = self.wallets.stream(merchant_id, request.customer_id)

        async def command(decisions: StreamDecisions) -> Answer:
            return answer(await self._decide(merchant_id, request, method, decisions))

        return await MultiStreamHandler(self.store).handle(context, [payment, wallet], command, key=key)

    async def authenticate(self, merchant_id: UUID, customer_id: UUID, charge_id: UUID, looks: Looks) -> SetUp:
        """An opening of the page on which the payer confirms the charge at their bank, to be stored by the caller.

        Raises SetUpOver unless the same session has begun the charge.
        """
        if not await self.authentications.opened(merchant_id, customer_id, charge_id, looks.session):
            raise SetUpOver
        return SetUp(uuid4(), merchant_id, customer_id, looks.session, looks.locale, looks.colour, ())

    async def _check(self, merchant_id: UUID, request: OneTimeRequest) -> tuple[DueList, SetUp]:
        """The charge, which must be the one that was shown, and the set-up in which it was."""
        setup = await self.setups.open(request.setup_id)
        setup = opened(setup, merchant_id, request.customer_id, request.session, pays_invoice=request.invoice_id)
        listed = await self._listed(merchant_id, request.customer_id, request.invoice_id)
        if listed.due[0].amount != request.total:
            raise AmountChanged(listed)
        if seconds := await self.collections.paying_blocked_for(merchant_id, request.invoice_id, PAYMENTS_PER_DAY_MAX):
            raise TooManyPayments(seconds)
        return listed, setup

    async def _listed(self, merchant_id: UUID, customer_id: UUID, invoice_id: UUID) -> DueList:
        """The invoice alone. Raises NothingOwed."""
        owed = [each for each in await self.invoices.due(merchant_id, customer_id) if each.invoice_id == invoice_id]
        if not owed:
            raise NothingOwed
        return DueList(await self.clock.now(merchant_id), tuple(owed))

    async def _decide(
        self, merchant_id: UUID, request: OneTimeRequest, method: Method, decisions: StreamDecisions
    ) -> StartedCharge:
        # Read after the streams: a concurrent payment is seen here, or causes a version conflict.
        listed, setup = await self._check(merchant_id, request)
        confirmed = confirmation(listed.at, listed.due, method.id)
        assert confirmed is not None, "an open invoice belongs to a subscription"
        confirm = ConfirmOneTimePayment(request.customer_id, request.invoice_id, method, confirmed, listed.at)
        decisions.decide(self.wallets, request.customer_id, confirm)
        pay = commands.PayNow(method, confirmed.consent, listed.at, on_session=True)
        paying = decisions.decide(self.payments, request.invoice_id, pay)
        charge = paying.state.open
        assert charge is not None, "a payment that is not refused begins a charge"
        decisions.write(self.rows.setup_used(merchant_id, request.setup_id))
        # Only the session with this row can open the page for the bank's question.
        decisions.write(self.rows.authentication_opened(replace(setup, id=uuid4()), charge.id))
        decisions.write(self.rows.payment_requested(paying.stream, request.customer_id, charge.id))
        decisions.write(self.rows.one_time_method_charged(merchant_id, method.id))
        return StartedCharge(paying.stream, paying.version, charge, confirmed, listed)
