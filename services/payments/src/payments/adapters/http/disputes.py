"""The disputes about a merchant's charges."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query

from chassis.http.authentication import Merchant
from chassis.http.description import answers
from chassis.http.page_cursors import Cursor, Cursors, Limit
from chassis.http.problems import Problem
from payments.adapters.http.documents import DisputePage
from payments.application.query_ports import DisputeFilter, DisputePosition, DisputeReader

OfCustomer = Annotated[UUID | None, Query(description="Only disputes about charges of this customer.")]
OfInvoice = Annotated[UUID | None, Query(description="Only disputes about charges of this invoice.")]
OfStatus = Annotated[
    Literal["open", "won", "lost", "prevented", "inquiry_closed"] | None, Query(description="Only disputes with this status.")
]


def routes(reader: DisputeReader, cursors: Cursors) -> APIRouter:
    api = APIRouter(prefix="/v1/disputes")

    @api.get("")
    @answers(DisputePage)
    async def disputes(
        caller: Merchant,
        limit: Limit = 20,
        cursor: Cursor = None,
        status: OfStatus = None,
        customer_id: OfCustomer = None,
        invoice_id: OfInvoice = None,
    ) -> dict[str, Any]:
        """List the disputes about the merchant's charges, newest first.

        A dispute changes neither the invoice nor the subscription, and nothing is charged because of it. Evidence is sent in the
        provider's dashboard.
        """
        after = position_of(cursors.decode(cursor)) if cursor else None
        rows = await reader.page(caller.merchant_id, DisputeFilter(customer_id, invoice_id, status), after, limit + 1)
        page = rows[:limit]
        following = cursors.encode(position(page[-1])) if len(rows) > limit else None
        return {"items": [dispute_json(row) for row in page], "next_cursor": following}

    return api


def dispute_json(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": row["dispute_id"],
        "charge_id": row["charge_id"],
        "invoice_id": row["invoice_id"],
        "customer_id": row["customer_id"],
        "amount": {"amount_minor": row["amount_minor"], "currency": row["currency"]},
        "status": row["status"],
        "returned": row["returned"],
        "inquiry": row["inquiry"],
        "reason": row["reason"],
        "reference": row["reference"],
        "respond_by": row["respond_by"],
        "opened_at": row["opened_at"],
        "closed_at": row["closed_at"],
    }


def position(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"opened": row["opened_at"].isoformat(), "id": str(row["dispute_id"])}


def position_of(cursor: Mapping[str, Any]) -> DisputePosition:
    """Raises Problem 422 for a cursor of another list."""
    try:
        return datetime.fromisoformat(cursor["opened"]), UUID(cursor["id"])
    except (KeyError, TypeError, ValueError):
        raise Problem(422, "invalid_cursor", "The cursor is not one of this list") from None
