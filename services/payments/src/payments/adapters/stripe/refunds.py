"""Refunds: each one is looked up at Stripe by its id before it is requested, so that no repetition gives money back twice."""

from typing import TYPE_CHECKING, Any

from payments.adapters.stripe.books import StoredIntent, StripeBooks
from payments.adapters.stripe.charge_intents import ChargeIntents
from payments.adapters.stripe.connections import StripeConnections
from payments.adapters.stripe.currencies import NotChargeable, to_stripe
from payments.adapters.stripe.errors import Rejected
from payments.adapters.stripe.intents import read_intent, reading
from payments.application.charges import RefundMade, RefundOrder, RefundOutcome, RefundRefused, RefundUnderway, Taken

if TYPE_CHECKING:
    from stripe.params import RefundListParams

    from payments.adapters.stripe.client import StripeApi

_PAGE = 100
_OWN_MISTAKES = ("parameter_", "resource_missing")


class StripeRefunds:
    def __init__(self, connections: StripeConnections, books: StripeBooks) -> None:
        self._connections, self._books = connections, books
        self._intents = ChargeIntents(connections, books)

    async def refund(self, order: RefundOrder) -> RefundOutcome:
        """Raises LookupError if the charge took nothing."""
        stored = await self._books.intent(order.charge.merchant_id, order.charge.charge_id)
        if stored is None:
            # The charge is paid, so its intent exists: a restore has lost the row.
            stored = await self._intents.search(order.charge)
        if not isinstance(stored, StoredIntent):
            raise LookupError(f"charge {order.charge.charge_id} took nothing")
        try:
            amount = to_stripe(order.amount)
        except NotChargeable as reason:
            return RefundRefused(str(reason))
        api = await self._connections.of(order.charge.merchant_id, stored.mode)
        if reference := order.made_as:
            return _outcome(await api.ask(lambda v1, options: v1.refunds.retrieve_async(reference, {}, options)))
        known = await self._known(api, order, stored)
        if known:
            return _outcome(known)
        if not isinstance(reading(await read_intent(api, stored.reference)), Taken):
            raise LookupError(f"charge {order.charge.charge_id} took nothing")
        return await self._request(api, order, stored, amount)

    async def _known(self, api: "StripeApi", order: RefundOrder, stored: StoredIntent) -> dict[str, Any] | None:
        page = await self._page(api, stored)
        while True:
            for each in page["data"]:
                if (each.get("metadata") or {}).get("refund_id") == str(order.refund_id):
                    refund: dict[str, Any] = each
                    return refund
            if not page["has_more"]:
                return None
            page = await self._page(api, stored, page["data"][-1]["id"])

    async def _page(self, api: "StripeApi", stored: StoredIntent, after: str | None = None) -> dict[str, Any]:
        parameters: RefundListParams = {"payment_intent": stored.reference, "limit": _PAGE}
        if after:
            parameters["starting_after"] = after
        return await api.ask(lambda v1, options: v1.refunds.list_async(parameters, options))

    async def _request(self, api: "StripeApi", order: RefundOrder, stored: StoredIntent, amount: int) -> RefundOutcome:
        try:
            refund = await api.keyed(
                f"refund:{order.refund_id}",
                lambda v1, options: v1.refunds.create_async(
                    {
                        "payment_intent": stored.reference,
                        "amount": amount,
                        "metadata": {"refund_id": str(order.refund_id)},
                    },
                    options,
                ),
                expects={"invalid_request_error"},
            )
        except Rejected as rejected:
            if rejected.code.startswith(_OWN_MISTAKES):
                raise
            return RefundRefused(rejected.code)
        return _outcome(refund)


def _outcome(refund: dict[str, Any]) -> RefundOutcome:
    match refund.get("status"):
        case "succeeded":
            return RefundMade(refund["id"])
        case "failed" | "canceled" as status:
            return RefundRefused(refund.get("failure_reason") or status, refund["id"])
        case _:
            return RefundUnderway(refund["id"])
