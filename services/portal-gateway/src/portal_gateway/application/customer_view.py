"""Composes one customer's view from the documents of their aggregates. Pure.

Documents of different topics arrive in any order, so a value that depends on two documents is correct for every combination.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast
from uuid import UUID

from portal_gateway.domain.view import (
    Customer,
    CustomerView,
    InvoiceRow,
    InvoiceStatus,
    Pane,
    PaymentMethod,
    Role,
    SavedMethod,
    Subscription,
)

INVOICES_ON_THE_PAGE = 12


@dataclass(frozen=True, slots=True)
class Source:
    """The document of one aggregate, with its last sequence."""

    aggregate: str
    sequence: int
    doc: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sources:
    """All documents of a customer's view."""

    customer: Source | None = None
    wallet: Source | None = None
    subscriptions: Sequence[Source] = ()
    invoices: Sequence[Source] = ()
    """The newest ones, newest first."""
    payments: Mapping[str, Source] = field(default_factory=dict)
    """Invoice id -> the document of its payment"""
    owed: Mapping[str, Source] = field(default_factory=dict)
    """Invoice id -> its document, of any age: at least of the invoices that ended subscriptions left unpaid"""
    invoice_count: int = 0
    invoice_years: Sequence[int] = ()


def compose(customer_id: UUID, sources: Sources) -> CustomerView:
    view: CustomerView = {
        "customer": _customer(customer_id, sources.customer),
        "subscriptions": _in_order([_subscription(source, sources.owed) for source in sources.subscriptions]),
        "payment_method": _payment_method(sources.wallet),
        "payment_methods": _payment_methods(sources.wallet),
        "invoices": [invoice_row(each, sources.payments.get(each.doc["id"])) for each in sources.invoices[:INVOICES_ON_THE_PAGE]],
        "invoice_count": sources.invoice_count,
        "invoice_years": sorted(sources.invoice_years, reverse=True),
    }
    if sources.wallet and (detached := sources.wallet.doc.get("detached")):
        view["detached_card"] = detached
    return view


def empty(customer_id: UUID) -> CustomerView:
    """The view of a customer without any events yet."""
    return compose(customer_id, Sources())


_OF_CHARGE: Final[Mapping[InvoiceStatus, tuple[str, ...]]] = {
    "failed": ("remedy", "detail", "charge_id", "charged_method_id"),
    "processing": ("authenticate_until", "charge_id", "charged_method_id"),
}
"""Fields of the payment's document for an invoice with this status."""


def invoice_row(invoice: Source, payment: Source | None) -> InvoiceRow:
    doc, paid = invoice.doc, payment.doc if payment else None
    status = invoice_status(doc, paid)
    row: InvoiceRow = {
        "id": doc["id"],
        "number": doc["number"],
        "version": invoice.sequence,
        "issued_on": doc["issued_on"],
        "plan_name": doc["plan_name"],
        "subscription_id": doc["subscription_id"],
        "total": doc["total"],
        "status": status,
        "period": doc["period"],
        "paid_at": doc["paid_at"],
        "payment_method": doc["payment_method"],
    }
    if payment and payment.doc["attempt"] >= doc["failed_attempt"]:  # otherwise it describes an earlier attempt
        fields = _OF_CHARGE.get(status, ())
        row |= {field: payment.doc[field] for field in fields if field in payment.doc}  # type: ignore[typeddict-item]
    if credited := doc.get("credited"):
        refunded, failed = _refunds(paid)
        currency = doc["total"]["currency"]
        row["credited"] = {"amount_minor": credited, "currency": currency}
        row["refunded"] = {"amount_minor": refunded, "currency": currency}
        row["refund_failed"] = {"amount_minor": failed, "currency": currency}
    if paid and (charged_back := paid.get("charged_back")):
        row["charged_back"] = {"amount_minor": charged_back, "currency": doc["total"]["currency"]}
    return row


def _refunds(payment: Mapping[str, Any] | None) -> tuple[int, int]:
    """What went back for credit notes, and what could not, in minor units."""
    return (int(payment.get("refunded", 0)), int(payment.get("refund_failed", 0))) if payment else (0, 0)


def invoice_status(invoice: Mapping[str, Any], payment: Mapping[str, Any] | None) -> InvoiceStatus:
    """The status to show, regardless of which of the two documents is ahead of the other."""
    state = payment["state"] if payment else None
    if state == "refunded":
        return "refunded"
    match invoice["state"]:
        case "paid":
            whole = invoice["total"]["amount_minor"]
            return "refunded" if 0 < whole <= _refunds(payment)[0] else "paid"
        case "void":
            return "void"
        case "uncollectible":
            return "uncollectible"
    failed = int(invoice["failed_attempt"])
    if payment is None or payment["attempt"] <= failed:
        return "failed" if failed else "open"
    return "failed" if state == "failed" else "processing"


def changed_panes(old: CustomerView, new: CustomerView) -> list[Pane]:
    """The panes with different content."""
    panes: list[Pane] = []
    if old["subscriptions"] != new["subscriptions"]:
        panes += ["summary", "subscription"]
    if _cards(old) != _cards(new):
        panes.append("payment_method")
    if _history(old) != _history(new):
        panes.append("invoices")
    if old["customer"] != new["customer"]:
        panes = ["summary", *(pane for pane in panes if pane != "summary")]
    return panes


def _cards(view: CustomerView) -> tuple[object, ...]:
    return view["payment_method"], view.get("payment_methods"), view.get("detached_card")


def _history(view: CustomerView) -> tuple[object, ...]:
    return view["invoices"], view["invoice_count"], view["invoice_years"]


def _customer(customer_id: UUID, source: Source | None) -> Customer:
    doc: Mapping[str, Any] = source.doc if source else {}
    return {
        "id": str(customer_id),
        "name": doc.get("name"),
        "email": doc.get("email"),
        "locale": doc.get("locale"),
        "country": doc.get("country"),
    }


def _subscription(source: Source, owed: Mapping[str, Source]) -> Subscription:
    doc = dict(source.doc) | {"version": source.sequence, "stale": False}
    if doc["ended_at"] and doc["debt"] and _is_settled(owed.get(doc["debt"]["invoice_id"])):
        doc["debt"] = None  # an ended subscription has no more events: the invoice decides
    return cast(Subscription, doc)


def _is_settled(invoice: Source | None) -> bool:
    return invoice is not None and invoice.doc["state"] in ("paid", "void")


def _in_order(subscriptions: list[Subscription]) -> list[Subscription]:
    latest_first = sorted(subscriptions, key=lambda it: (it["started_at"], it["id"]), reverse=True)
    return sorted(latest_first, key=lambda it: it["ended_at"] is not None)


def _payment_method(source: Source | None) -> PaymentMethod | None:
    if source is None or source.doc["payment_method"] is None:
        return None
    return cast(PaymentMethod, source.doc["payment_method"] | {"version": source.sequence})


def _payment_methods(source: Source | None) -> list[SavedMethod]:
    """Documents of an earlier version hold the default only."""
    if source is None:
        return []
    default, backup = source.doc["payment_method"], source.doc.get("backup")
    cards = source.doc.get("methods") or ([default] if default else [])
    roles: dict[str, Role] = {backup: "backup"} if backup else {}
    if default:
        roles[default["id"]] = "default"
    methods = [cast(SavedMethod, card | {"role": roles.get(card["id"])}) for card in reversed(cards)]
    return sorted(methods, key=lambda it: ("default", "backup", None).index(it["role"]))
