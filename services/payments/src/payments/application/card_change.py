"""Changes a customer's card: it is stored, made the default and charged for the confirmed invoices in one write set."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chassis.eventsourcing.aggregate import Outcome
from chassis.eventsourcing.context import Context
from chassis.eventsourcing.event_store import Answer, EventStore, IdempotencyKey
from chassis.eventsourcing.multi_stream_handler import MultiStreamHandler, StreamDecisions
from payments.application.aggregates import Payments, Wallets
from payments.application.card_setup import Purpose, SetUp
from payments.application.charges import NoAnswer
from payments.application.dues import Dues, confirmation
from payments.application.ports import Rows, SetUps
from payments.application.provider_ports import Provider
from payments.domain.dues import Due, DueList, totals
from payments.domain.payment.commands import TryAgain
from payments.domain.shapes import Method, Money
from payments.domain.wallet.commands import UseMethod


@dataclass(frozen=True, slots=True)
class CardChangeRequest:
    """The confirmation of a customer on the card page."""

    customer_id: UUID
    setup_id: UUID
    session: str | None
    token: str
    charge_invoices: tuple[UUID, ...]
    """Begun periods too, by the ids that their invoices will have."""
    totals: tuple[Money, ...] | None = None
    """The totals that were shown, by currency. None: those that the set-up stores."""


class SetUpOver(Exception):
    """The set-up is unknown for this customer and session, or has ended."""


class DueChanged(Exception):
    """The charges are not the ones that the customer saw."""

    def __init__(self, listed: DueList) -> None:
        super().__init__()
        self.listed = listed


class TooManyDeclines(Exception):
    def __init__(self, seconds: int) -> None:
        super().__init__()
        self.seconds = seconds
        """Until the customer can try another card."""


@dataclass(frozen=True, slots=True)
class CardChange:
    store: EventStore
    wallets: Wallets
    payments: Payments
    rows: Rows
    setups: SetUps
    dues: Dues
    provider: Provider
    provider_timeout_seconds: float
    """Seconds that the provider may take to save a card while the customer waits."""

    async def confirm(self, context: Context, request: CardChangeRequest, key: IdempotencyKey | None) -> Answer:
        """Make the card the default, and start or agree a charge for each confirmed invoice.

        While another charge for the invoice is open, the new card is only agreed, and charged if that one fails.
        Confirmed periods that have begun are charged as soon as they are entered.
        Raises SetUpOver, DueChanged, TooManyDeclines, and the provider's UnknownToken, SetupRefused and NoAnswer:
        then nothing has changed, and the old card stays the default.
        """
        if seconds := await self.setups.blocked_for(context.merchant_id, request.customer_id):
            raise TooManyDeclines(seconds)
        await self._check_shown(context.merchant_id, request)
        typed = context.merchant_id, request.customer_id, request.setup_id, request.token
        method = await saved(self.provider, self.provider_timeout_seconds, *typed)
        wallet = self.wallets.stream(context.merchant_id, request.customer_id)
        payments = [self.payments.stream(context.merchant_id, id) for id in dict.fromkeys(request.charge_invoices)]

        async def command(decisions: StreamDecisions) -> Answer:
            return await self._decide(context.merchant_id, request, method, decisions)

        return await MultiStreamHandler(self.store).handle(context, [wallet, *payments], command, key=key)

    async def _check_shown(self, merchant_id: UUID, request: CardChangeRequest) -> tuple[DueList, tuple[Due, ...]]:
        """All charges that are due, which must be the ones shown, and those to start. Raises SetUpOver, DueChanged."""
        setup = opened(await self.setups.open(request.setup_id), merchant_id, request.customer_id, request.session)
        listed = await self.dues.of(merchant_id, request.customer_id)
        chosen = listed.chosen(request.charge_invoices)
        if listed.due != setup.due or chosen is None:
            raise DueChanged(listed)
        if request.totals is not None and set(request.totals) != set(totals(chosen)):
            raise DueChanged(listed)
        return listed, chosen

    async def _decide(self, merchant_id: UUID, request: CardChangeRequest, method: Method, decisions: StreamDecisions) -> Answer:
        # Read after the streams: another request that used the set-up is seen here, or causes a version conflict.
        listed, chosen = await self._check_shown(merchant_id, request)
        invoices = tuple(each.invoice_id for each in chosen if each.number is not None)
        confirmed = confirmation(listed.at, chosen, method.id)
        consent = confirmed.consent if confirmed else None
        use = UseMethod(request.customer_id, method, listed.at, invoices, confirmed)
        changed = decisions.decide(self.wallets, request.customer_id, use)
        decisions.write(self.rows.setup_used(merchant_id, request.setup_id))
        charges: list[dict[str, object]] = []
        for invoice_id in invoices:
            outcome = decisions.decide(self.payments, invoice_id, TryAgain(method, listed.at, consent))
            if outcome.state.open and outcome.state.open.method != method:
                decisions.write(self.rows.charge_agreed(outcome.stream, request.customer_id, method, consent))
            charges.append({"invoice_id": str(invoice_id), "aggregate": outcome.stream.name, "version": outcome.version})
        return outcome_of(changed, method, charges)


def opened(
    setup: SetUp | None,
    merchant_id: UUID,
    customer_id: UUID,
    session: str | None,
    *,
    purpose: Purpose = "default",
    pays_invoice: UUID | None = None,
) -> SetUp:
    """The set-up, if it is open for this customer, session, purpose and invoice. Raises SetUpOver."""
    if setup is None or (setup.merchant_id, setup.customer_id) != (merchant_id, customer_id):
        raise SetUpOver
    if (setup.session, setup.purpose, setup.pays_invoice) != (session, purpose, pays_invoice):
        raise SetUpOver
    return setup


async def saved(
    provider: Provider, timeout_seconds: float, merchant_id: UUID, customer_id: UUID, setup_id: UUID, token: str
) -> Method:
    """The card that the token stands for. Raises UnknownToken, SetupRefused and NoAnswer."""
    try:
        async with asyncio.timeout(timeout_seconds):
            return await provider.save(merchant_id, customer_id, setup_id, token)
    except TimeoutError:
        raise NoAnswer from None


def outcome_of(changed: Outcome[Any, Any], method: Method, charges: Sequence[dict[str, object]]) -> Answer:
    body = {"aggregate": changed.stream.name, "version": changed.version, "payment_method": method_json(method)}
    return Answer(200, body | {"charges": list(charges)})


def method_json(method: Method) -> dict[str, object]:
    return {
        "id": str(method.id),
        "brand": method.brand.value,
        "last4": method.last4,
        "exp_month": method.exp_month,
        "exp_year": method.exp_year,
    }
