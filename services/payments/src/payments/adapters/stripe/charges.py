"""Charges: an unconfirmed payment intent is created and stored, and only the stored one is confirmed.

An intent can be paid once, so the confirmation has no idempotency key. A key would be forgotten after a day, and would repeat
an error of Stripe's own until then.
"""

from typing import TYPE_CHECKING, Any

import structlog

from payments.adapters.stripe.books import StoredIntent, StripeBooks, StripeMethod
from payments.adapters.stripe.charge_intents import ChargeIntents
from payments.adapters.stripe.connections import StripeConnections
from payments.adapters.stripe.currencies import NotChargeable, to_stripe
from payments.adapters.stripe.errors import Rejected
from payments.adapters.stripe.intents import read_intent, reading
from payments.adapters.stripe.known_methods import known_method
from payments.application.charges import (
    Challenge,
    ChargeOrder,
    NeedsCustomer,
    NoAnswer,
    Outcome,
    Pending,
    Refused,
    Status,
    Taken,
    UnknownCharge,
)
from payments.domain.shapes import FailureCode, Remedy

if TYPE_CHECKING:
    from payments.adapters.stripe.client import StripeApi

log = structlog.get_logger()

_MOVED = "payment_intent_unexpected_state"
"""The intent is not in the state that the request needs: another request has changed it."""
_AMOUNT = frozenset({"amount_too_small", "amount_too_large", "invalid_charge_amount", "amount", "currency"})
_CARD = frozenset({"payment_method", "customer"})
"""The parameters of a card that was removed at Stripe."""

NO_CARD = Refused(FailureCode.PROCESSING_ERROR, None, Remedy.ANOTHER_CARD, "no_such_card")
CANCELLED = Refused(FailureCode.PROCESSING_ERROR)


class StripeCharges:
    def __init__(self, connections: StripeConnections, books: StripeBooks) -> None:
        self._connections, self._books = connections, books
        self._intents = ChargeIntents(connections, books)

    async def charge(self, order: ChargeOrder) -> Outcome:
        known = await self._intents.known(order)
        stored = known or await self._create(order)
        if isinstance(stored, Refused):
            return stored
        api = await self._connections.of(order.merchant_id, stored.mode)
        status = await self._status(api, order, stored) if known else UnknownCharge()
        if isinstance(status, UnknownCharge):
            status = await self._confirm(api, order, stored)
        if isinstance(status, Taken | Refused | NeedsCustomer):
            return status
        raise NoAnswer("no outcome yet")

    async def status(self, order: ChargeOrder) -> Status:
        stored = await self._intents.known(order)
        if stored is None:
            return UnknownCharge()
        if isinstance(stored, Refused):
            return stored
        return await self._status(await self._connections.of(order.merchant_id, stored.mode), order, stored)

    async def cancel(self, order: ChargeOrder) -> Status:
        known = await self._intents.known(order)
        stored = known or await self._books.close_charge(order.merchant_id, order.charge_id, CANCELLED)
        if isinstance(stored, Refused):
            return stored
        return await self._cancel(await self._connections.of(order.merchant_id, stored.mode), order, stored)

    async def challenge(self, order: ChargeOrder) -> Challenge | None:
        stored = await self._books.intent(order.merchant_id, order.charge_id)
        if not order.on_session or not isinstance(stored, StoredIntent):
            return None
        api = await self._connections.of(order.merchant_id, stored.mode)
        intent = await read_intent(api, stored.reference)
        if not isinstance(reading(intent), NeedsCustomer):
            return None
        return Challenge(intent["client_secret"], api.account.publishable_key)

    async def _create(self, order: ChargeOrder) -> StoredIntent | Refused:
        """The charge's intent. Another one, which a lost answer may leave behind, is never confirmed."""
        merchant_id, charge_id = order.merchant_id, order.charge_id
        method = await known_method(self._connections, self._books, merchant_id, order.customer_id, order.method_id)
        if method is None or method.forgotten:
            return await self._books.close_charge(merchant_id, charge_id, NO_CARD)
        try:
            amount = to_stripe(order.amount)
        except NotChargeable as reason:
            return await self._books.close_charge(merchant_id, charge_id, _not_chargeable(order, str(reason)))
        api = await self._connections.of(merchant_id, method.mode)
        try:
            intent = await self._request_intent(api, order, method, amount)
        except Rejected as rejected:
            if {rejected.error.get("param"), rejected.code} & _AMOUNT:
                refused = _not_chargeable(order, rejected.code)
            else:
                refused = Refused(FailureCode.CARD_DECLINED, None, Remedy.ANOTHER_CARD, rejected.code)
            return await self._books.close_charge(merchant_id, charge_id, refused)
        return await self._books.store_intent(merchant_id, charge_id, method.mode, intent["id"])

    async def _request_intent(self, api: "StripeApi", order: ChargeOrder, method: StripeMethod, amount: int) -> dict[str, Any]:
        return await api.keyed(
            f"charge:{order.charge_id}",
            lambda v1, options: v1.payment_intents.create_async(
                {
                    "amount": amount,
                    "currency": order.amount.currency.lower(),
                    "customer": method.customer,
                    "payment_method": method.reference,
                    "payment_method_types": ["card"],
                    "metadata": {"charge_id": str(order.charge_id)},
                },
                options,
            ),
            expects=_AMOUNT | _CARD,
        )

    async def _confirm(self, api: "StripeApi", order: ChargeOrder, stored: StoredIntent) -> Status:
        """Take the money. No card is named: a declined intent has none left, so that a late repetition cannot pay it."""
        try:
            if order.on_session:
                # Stripe's script in the frame shows the bank's question; there is no page to return to.
                intent = await api.ask(
                    lambda v1, options: v1.payment_intents.confirm_async(stored.reference, {"use_stripe_sdk": True}, options),
                    expects={"card_error", _MOVED},
                )
            else:
                intent = await api.ask(
                    lambda v1, options: v1.payment_intents.confirm_async(stored.reference, {"off_session": True}, options),
                    expects={"card_error", _MOVED},
                )
        except Rejected:
            # The error may lack the intent, so its state is read in every case.
            return await self._status(api, order, stored)
        return await self._final(api, order, stored, intent)

    async def _status(self, api: "StripeApi", order: ChargeOrder, stored: StoredIntent) -> Status:
        return await self._final(api, order, stored, await read_intent(api, stored.reference))

    async def _final(self, api: "StripeApi", order: ChargeOrder, stored: StoredIntent, intent: dict[str, Any]) -> Status:
        """The intent's status. One that was refused is cancelled first: only then it can take no money any more."""
        status = reading(intent)
        if isinstance(status, NeedsCustomer) and not order.on_session:
            status = Refused(FailureCode.AUTHENTICATION_REQUIRED, stored.reference, provider_code="requires_action")
        if not isinstance(status, Refused):
            return status
        # Stripe clears the error when an intent changes.
        refused = await self._books.store_refusal(order.merchant_id, order.charge_id, status)
        return refused if intent["status"] == "canceled" else await self._cancel(api, order, stored)

    async def _cancel(self, api: "StripeApi", order: ChargeOrder, stored: StoredIntent) -> Status:
        try:
            intent = await api.ask(
                lambda v1, options: v1.payment_intents.cancel_async(
                    stored.reference, {"cancellation_reason": "abandoned"}, options
                ),
                expects={_MOVED},
            )
        except Rejected:
            intent = await read_intent(api, stored.reference)
        status = reading(intent)
        if intent["status"] == "canceled" and isinstance(status, Refused):
            return await self._books.store_refusal(order.merchant_id, order.charge_id, status)
        return status if isinstance(status, Taken) else Pending()


def _not_chargeable(order: ChargeOrder, reason: str) -> Refused:
    amount = order.amount
    log.error("stripe.not_chargeable", reason=reason, currency=amount.currency, amount_minor=amount.amount_minor)
    return Refused(FailureCode.AMOUNT_NOT_CHARGEABLE, provider_code=reason)
