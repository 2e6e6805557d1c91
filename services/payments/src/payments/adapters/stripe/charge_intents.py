"""The payment intent of a charge: the stored one, or after a restore that has lost its row, the one that Stripe finds."""

from typing import TYPE_CHECKING, Any

import structlog

from payments.adapters.stripe.books import StoredIntent, StripeBooks
from payments.adapters.stripe.connections import StripeConnections
from payments.adapters.stripe.intents import reading
from payments.application.charges import ChargeOrder, NeedsCustomer, Pending, Refused, Status, Taken

if TYPE_CHECKING:
    from payments.adapters.stripe.client import StripeApi

log = structlog.get_logger()

_CONFIRMED: tuple[type[Status], ...] = (Taken, Pending, NeedsCustomer, Refused)
"""What is known of an intent that was confirmed, first what decides the charge. Others of it have taken no money."""
_FOUND_MAX = 100


class ChargeIntents:
    def __init__(self, connections: StripeConnections, books: StripeBooks) -> None:
        self._connections, self._books = connections, books

    async def known(self, order: ChargeOrder) -> StoredIntent | Refused | None:
        """None: the charge has no intent, or only ones that were never confirmed."""
        stored = await self._books.intent(order.merchant_id, order.charge_id)
        if stored is None and await self._books.may_be_lost(order.merchant_id, order.charge_id):
            return await self.search(order)
        return stored

    async def search(self, order: ChargeOrder) -> StoredIntent | Refused | None:
        """Search Stripe for the charge's intent, and store it."""
        api = await self._connections.of(order.merchant_id)
        reference = await _search(api, order)
        if reference is None:
            return None
        log.warning("stripe.intent_found", charge_id=str(order.charge_id), reference=reference)
        return await self._books.store_intent(order.merchant_id, order.charge_id, api.account.mode, reference)


async def _search(api: "StripeApi", order: ChargeOrder) -> str | None:
    """An intent that was never confirmed is left out: it may be for another card than the one to charge now."""
    query = f"metadata['charge_id']:'{order.charge_id}'"
    page = await api.ask(lambda v1, options: v1.payment_intents.search_async({"query": query, "limit": _FOUND_MAX}, options))
    ours: list[dict[str, Any]] = page["data"]
    for status in _CONFIRMED:
        for intent in ours:
            if isinstance(reading(intent), status):
                return str(intent["id"])
    return None
