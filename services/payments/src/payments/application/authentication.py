"""Lets a customer confirm the payment of an open invoice at their bank: starts a charge on session, and opens the page for it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import UUID, uuid4

from chassis.eventsourcing.context import Context
from chassis.eventsourcing.event_store import Answer, IdempotencyKey
from chassis.eventsourcing.multi_stream_handler import MultiStreamHandler, StreamDecisions
from chassis.eventsourcing.stream import Stream
from payments.application.card_setup import SetUp
from payments.application.pay_now import ImmediatePayment, PayNowRequest
from payments.domain.payment.events import Charge
from payments.domain.payment.payment import Payment
from payments.domain.payment.refusals import ChargeRunning


@dataclass(frozen=True, slots=True)
class Looks:
    """How the page looks, and for which portal session it is opened."""

    session: str | None
    locale: str
    colour: str | None


@dataclass(frozen=True, slots=True)
class BegunAuthentication:
    """A page on which the customer confirms the charge."""

    setup_id: UUID
    payment: Stream
    version: int
    charge: Charge


@dataclass(frozen=True, slots=True)
class BankAuthentication:
    paying: ImmediatePayment

    async def begin(
        self,
        context: Context,
        request: PayNowRequest,
        looks: Looks,
        key: IdempotencyKey | None,
        answer: Callable[[BegunAuthentication], Answer],
    ) -> Answer:
        """Start one charge that may wait for the customer, or open the page again for the one that is under way.

        Raises the same as ImmediatePayment.confirm: then nothing has changed.
        """
        paying, merchant_id, customer_id = self.paying, context.merchant_id, request.customer_id
        wallet = paying.wallets.stream(merchant_id, customer_id)
        payment = paying.payments.stream(merchant_id, request.invoice_id)

        async def command(decisions: StreamDecisions) -> Answer:
            charge, version = await self._charge(merchant_id, request, decisions)
            setup = SetUp(uuid4(), merchant_id, customer_id, looks.session, looks.locale, looks.colour, ())
            decisions.write(paying.rows.authentication_opened(setup, charge.id))
            return answer(BegunAuthentication(setup.id, payment, version, charge))

        return await MultiStreamHandler(paying.store).handle(context, [payment, wallet], command, key=key)

    async def _charge(self, merchant_id: UUID, request: PayNowRequest, decisions: StreamDecisions) -> tuple[Charge, int]:
        payments, invoice_id = self.paying.payments, request.invoice_id
        if charge := open_on_session(decisions.state(payments, invoice_id), request):
            return charge, decisions.version(payments, invoice_id)
        started = await self.paying.decide(merchant_id, replace(request, on_session=True), decisions)
        return started.charge, started.version


def open_on_session(it: Payment | None, request: PayNowRequest) -> Charge | None:
    """The charge that the customer began to confirm earlier. Raises ChargeRunning if it is of another card."""
    if it is None or it.open is None or not it.open.on_session or it.bill.customer_id != request.customer_id:
        return None
    method = it.open.method
    if request.method_id is not None and (method is None or method.id != request.method_id):
        raise ChargeRunning
    return it.open
