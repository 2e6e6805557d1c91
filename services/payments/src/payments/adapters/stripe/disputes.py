"""Disputes about a charge, read from the list of its payment intent."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import structlog

from payments.adapters.stripe.books import StoredIntent, StripeBooks
from payments.adapters.stripe.connections import StripeConnections
from payments.adapters.stripe.currencies import from_stripe
from payments.application.charges import ChargeOrder, DisputeReport
from payments.domain.shapes import DisputeOutcome, Money

if TYPE_CHECKING:
    from stripe.params import DisputeListParams

    from payments.adapters.stripe.client import StripeApi

log = structlog.get_logger()

_PAGE = 100
_CODE: Final = re.compile(r"[a-z0-9_]{1,60}")
_OUTCOMES: Final = {
    "won": DisputeOutcome.WON,
    "lost": DisputeOutcome.LOST,
    "prevented": DisputeOutcome.PREVENTED,
    "warning_closed": DisputeOutcome.INQUIRY_CLOSED,
}
_INQUIRIES: Final = ("warning_needs_response", "warning_under_review", "warning_closed")
_WANTS_EVIDENCE: Final = ("needs_response", "warning_needs_response")


class StripeDisputes:
    def __init__(self, connections: StripeConnections, books: StripeBooks) -> None:
        self._connections, self._books = connections, books

    async def disputes(self, order: ChargeOrder) -> Sequence[DisputeReport]:
        stored = await self._books.intent(order.merchant_id, order.charge_id)
        if not isinstance(stored, StoredIntent):
            return ()
        api = await self._connections.of(order.merchant_id, stored.mode)
        page = await self._page(api, stored)
        disputes = list(page["data"])
        while page["has_more"]:
            page = await self._page(api, stored, disputes[-1]["id"])
            disputes += page["data"]
        return [report(each, order.amount) for each in reversed(disputes)]

    async def _page(self, api: "StripeApi", stored: StoredIntent, after: str | None = None) -> dict[str, Any]:
        parameters: DisputeListParams = {"payment_intent": stored.reference, "limit": _PAGE}
        if after:
            parameters["starting_after"] = after
        return await api.ask(lambda v1, options: v1.disputes.list_async(parameters, options))


def report(dispute: Mapping[str, Any], taken: Money) -> DisputeReport:
    """`taken`: what the charge took."""
    status, reason = dispute["status"], dispute["reason"]
    inquiry = status in _INQUIRIES
    outcome = _OUTCOMES.get(status)
    due_by = (dispute.get("evidence_details") or {}).get("due_by")
    return DisputeReport(
        dispute["id"],
        _amount(dispute, taken),
        reason if _CODE.fullmatch(reason) else "general",
        inquiry,
        datetime.fromtimestamp(due_by, UTC) if due_by and status in _WANTS_EVIDENCE else None,
        outcome,
        returned=outcome is DisputeOutcome.LOST or (outcome is DisputeOutcome.PREVENTED and _is_withdrawn(dispute)),
    )


def _amount(dispute: Mapping[str, Any], taken: Money) -> Money:
    """A dispute is usually of what was taken. In another currency it cannot be compared: then it counts as the whole."""
    try:
        amount = from_stripe(dispute["amount"], dispute["currency"])
    except ValueError:
        amount = taken
    if amount.currency != taken.currency:
        log.warning("stripe.dispute_in_another_currency", dispute=dispute["id"], currency=amount.currency)
        return taken
    return amount


def _is_withdrawn(dispute: Mapping[str, Any]) -> bool:
    """Whether the disputed money was withdrawn from the account and not reinstated."""
    amounts: list[int] = [each["amount"] for each in dispute.get("balance_transactions") or ()]
    return sum(amounts) < 0
