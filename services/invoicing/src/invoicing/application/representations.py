"""Invoices as JSON: the fields of the public event, and the settlement."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from zoneinfo import ZoneInfo

from billing_contracts.money import Money
from invoicing.application.credit_notes import CreditNoteView, credit_note_json
from invoicing.application.invoices import InvoiceView
from invoicing.application.movements import Movement
from invoicing.application.publication import card, issued
from invoicing.domain.invoice.invoice import Status
from invoicing.domain.parties import BillTo


def summary(view: InvoiceView) -> dict[str, Any]:
    """An invoice in a list."""
    fields = detail(view, None, (), ())
    absent = ("lines", "seller", "plan", "bill_to", "movements", "locale", "time_zone", "note", "credit_notes")
    return {name: value for name, value in fields.items() if name not in absent}


def detail(
    view: InvoiceView, bill_to: BillTo | None, movements: Sequence[Movement], credit_notes: Sequence[CreditNoteView]
) -> dict[str, Any]:
    """A complete invoice. `bill_to` is null once its key has been destroyed."""
    event, settlement = view.issued, view.settlement
    used = card(settlement.card)
    at = settlement.at.isoformat().replace("+00:00", "Z") if settlement.at else None
    return {
        "id": str(view.id),
        "version": view.version,
        "customer_id": str(event.customer_id),
        **issued(event).model_dump(mode="json"),
        "plan_name": event.plan.name,
        "status": settlement.status.value,
        "paid_at": at if settlement.status is Status.PAID else None,
        "voided_at": at if settlement.status is Status.VOID else None,
        "payment_method": used.model_dump(mode="json") if used else None,
        "credited": Money(amount_minor=settlement.credited, currency=event.currency).model_dump(),
        "refunded": Money(amount_minor=settlement.refunded, currency=event.currency).model_dump(),
        "locale": event.letterhead.locale,
        "time_zone": event.letterhead.time_zone,
        "period_time_zone": event.zone_of_period,
        "bill_to": asdict(bill_to) if bill_to else None,
        "movements": [_movement(each, view) for each in movements],
        "credit_notes": [credit_note_json(each) for each in credit_notes],
    }


def _movement(movement: Movement, view: InvoiceView) -> dict[str, Any]:
    kind, detail = movement.kind.published
    return {
        "date": movement.at.astimezone(ZoneInfo(view.issued.letterhead.time_zone)).date().isoformat(),
        "at": movement.at.isoformat().replace("+00:00", "Z"),
        "kind": kind,
        "detail": detail,
        "amount": Money(amount_minor=movement.total, currency=movement.currency).model_dump(),
        "status": movement.status,
        "payment_method": {"brand": movement.brand, "last4": movement.last4} if movement.brand else None,
        "reason": movement.reason,
        "reference": movement.reference,
        "credit_note_id": str(movement.credit_note_id) if movement.credit_note_id else None,
        "backup": movement.backup,
    }
