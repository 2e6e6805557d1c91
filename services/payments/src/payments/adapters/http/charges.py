"""The attempts to collect an invoice, for support and reconciliation."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter

from chassis.http.authentication import MerchantOrCustomer
from chassis.http.description import answers
from payments.adapters.http.documents import Charges
from payments.adapters.http.parameters import InvoiceId
from payments.application.query_ports import PaymentReader


def routes(reader: PaymentReader) -> APIRouter:
    api = APIRouter(prefix="/v1")

    @api.get("/charges")
    @answers(Charges)
    async def charges(invoice_id: InvoiceId, caller: MerchantOrCustomer) -> dict[str, Any]:
        """List the attempts to collect an invoice, oldest first.

        The list is empty for an invoice that is unknown or not yet charged.
        """
        rows = await reader.attempts(caller.merchant_id, invoice_id, caller.customer_id)
        return {"items": [charge_json(row) for row in rows]}

    return api


def charge_json(row: Mapping[str, Any]) -> dict[str, Any]:
    card = {"id": row["method_id"], "brand": row["brand"], "last4": row["last4"]} if row["method_id"] else None
    return {
        "id": row["charge_id"],
        "invoice_id": row["invoice_id"],
        "attempt": row["number"],
        "amount": {"amount_minor": row["amount_minor"], "currency": row["currency"]},
        "status": "refunded" if row["refunded_at"] else row["status"],
        "code": row["code"],
        "reference": row["reference"],
        "payment_method": card,
        "backup": row["backup"],
        "started_at": row["started_at"],
        "authenticate_until": row["authenticate_until"],
        "ended_at": row["ended_at"],
        "refunded_at": row["refunded_at"],
        "refunds": [refund_json(each) for each in row["refunds"]],
    }


def refund_json(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": row["refund_id"],
        "amount": {"amount_minor": row["amount_minor"], "currency": row["currency"]},
        "reason": row["reason"],
        "status": row["status"],
        "code": row["code"],
        "reference": row["reference"],
        "requested_at": row["requested_at"],
        "ended_at": row["ended_at"],
    }
