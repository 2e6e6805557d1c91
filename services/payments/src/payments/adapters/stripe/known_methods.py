"""Which payment method at Stripe a card on file is. A restore may have lost the row; the card's id tells it again."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any
from uuid import UUID

import structlog

from payments.adapters.stripe.books import StripeBooks, StripeMethod, method_id_of
from payments.adapters.stripe.connections import StripeConnections
from payments.adapters.stripe.errors import Rejected

if TYPE_CHECKING:
    from payments.adapters.stripe.client import StripeApi

_MISSING = frozenset({"resource_missing"})
_PAGE = 100

log = structlog.get_logger()


async def known_method(
    connections: StripeConnections, books: StripeBooks, merchant_id: UUID, customer_id: UUID, method_id: UUID
) -> StripeMethod | None:
    """The method of this id and customer. Without a row, it is looked for among the customer's cards at Stripe.

    Raises NoAnswer.
    """
    method = await books.method(merchant_id, method_id)
    if method is None:
        api = await connections.of(merchant_id)
        async for customer in _customers(api, books, customer_id):
            if (card := await _card(api, customer, method_id)) is not None:
                method = StripeMethod(customer_id, api.account.mode, customer, card["id"])
                await books.store_method(merchant_id, method, card["card"].get("fingerprint"))
                log.info("stripe.method_found_again", merchant=str(merchant_id), method_id=str(method_id))
                break
    return method if method and method.customer_id == customer_id else None


async def _customers(api: "StripeApi", books: StripeBooks, customer_id: UUID) -> AsyncIterator[str]:
    """The customer's objects at Stripe: the stored one, then those that name the customer."""
    merchant_id, mode = api.account.merchant_id, api.account.mode
    stored = await books.customer(merchant_id, mode, customer_id)
    if stored is not None:
        yield stored
    query = f"metadata['customer_id']:'{customer_id}'"
    response = await api.ask(lambda v1, options: v1.customers.search_async({"query": query, "limit": _PAGE}, options))
    for each in response["data"]:
        if each["id"] != stored:
            if stored is None:
                stored = await books.store_customer(merchant_id, mode, customer_id, each["id"])
            yield each["id"]


async def _card(api: "StripeApi", customer: str, method_id: UUID) -> dict[str, Any] | None:
    """The customer's payment method that has this id here."""
    try:
        page = await api.ask(
            lambda v1, options: v1.payment_methods.list_async({"customer": customer, "type": "card", "limit": _PAGE}, options),
            expects=_MISSING,
        )
    except Rejected:
        return None  # The customer was deleted.
    return next((each for each in page["data"] if method_id_of(api.account.merchant_id, each["id"]) == method_id), None)
