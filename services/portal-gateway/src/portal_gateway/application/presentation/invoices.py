"""Invoices: the rows of the payment history, and the page of one invoice."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from chassis.text import isolated
from portal_gateway.application.presentation.bank_confirmation import waits
from portal_gateway.application.presentation.common import Badge, Reader, Tone
from portal_gateway.application.presentation.movements import Movement, movements
from portal_gateway.application.presentation.notice import Notice, notice, pay_button
from portal_gateway.application.presentation.payment_offer import Offer, of_invoice
from portal_gateway.application.view import Pending, View
from portal_gateway.domain.invoice_refunds import refund_status
from portal_gateway.domain.invoice_status import status_of
from portal_gateway.domain.view import InvoiceRow, Money
from presentation import tax_ids
from presentation.languages import Language, in_context

TONES: Final[dict[str, Tone]] = {
    "paid": "good",
    "open": "warn",
    "processing": "warn",
    "failed": "bad",
    "void": "mute",
    "uncollectible": "mute",
    "refunded": "mute",
}
BALANCED: Final = frozenset({"paid", "open", "processing", "failed"})
"""Statuses in which an invoice is either paid whole or owed whole."""
STATUSES: Final = {
    "paid": in_context("invoice", "Paid"),
    "open": in_context("invoice", "Payment due"),
    "processing": in_context("invoice", "Processing"),
    "failed": in_context("invoice", "Payment failed"),
    "void": in_context("invoice", "Void"),
    "uncollectible": in_context("invoice", "Uncollectible"),
    "refunded": in_context("invoice", "Refunded"),
}
REFUND_STATUSES: Final[dict[str, tuple[str, Tone]]] = {
    "refund_underway": (in_context("invoice", "Refund processing"), "warn"),
    "partly_refunded": (in_context("invoice", "Partly refunded"), "good"),
    "refund_failed": (in_context("invoice", "Refund failed"), "bad"),
    "charged_back": (in_context("invoice", "Chargeback"), "mute"),
}
"""Of a paid invoice of which money went back, instead of its status."""


@dataclass(frozen=True, slots=True)
class Row:
    id: str
    number: str
    date: str
    iso_date: str
    plan: str
    amount: str
    badge: Badge


@dataclass(frozen=True, slots=True)
class LineItem:
    concept: str
    description: str
    period: str
    quantity: int
    unit_price: str
    total: str


@dataclass(frozen=True, slots=True)
class Invoice:
    id: str
    number: str
    date: str
    badge: Badge
    period: str
    seller: tuple[str, ...]
    buyer: tuple[str, ...]
    lines: tuple[LineItem, ...]
    totals: tuple[tuple[str, str], ...]
    """Subtotal and tax; empty if there is no tax."""
    total: str
    balance: tuple[tuple[str, str], ...]
    """What is paid and what is due; empty for an invoice on which neither can change."""
    movements: tuple[Movement, ...]
    notice: Notice | None
    """The unpaid amount, the reason, and what happens next."""
    pay: str | None
    """The label of the link to paying it."""
    offer: Offer | None
    """Paying it with the card on file."""


def badge(reader: Reader, status: str) -> Badge:
    return Badge(reader.say(STATUSES[status]), TONES[status], status)


def badge_of(reader: Reader, invoice: Mapping[str, Any], shown: str) -> Badge:
    """The badge of the status `shown`, or of what has become of the invoice's refunds."""
    refunds = refund_status({**invoice, "status": shown})
    if refunds is None:
        return badge(reader, shown)
    text, tone = REFUND_STATUSES[refunds]
    return Badge(reader.say(text), tone, refunds)


def status(invoice: Mapping[str, Any], pending: tuple[Pending, ...]) -> str:
    """The status to show: an accepted charge that has not arrived yet counts as running, one without a card as not tried."""
    if invoice["status"] in ("open", "failed"):
        charged = {p["detail"].get("invoice_id") for p in pending if p["kind"] == "charge"}
        if invoice["id"] in charged:
            return "processing"
    return status_of(invoice)


def rows(reader: Reader, invoices: list[InvoiceRow], pending: tuple[Pending, ...]) -> list[Row]:
    return [_row(reader, invoice, pending) for invoice in invoices]


def _row(reader: Reader, invoice: InvoiceRow, pending: tuple[Pending, ...]) -> Row:
    issued = date.fromisoformat(invoice["issued_on"])
    return Row(
        invoice["id"],
        invoice["number"],
        reader.language.short_day(issued),
        invoice["issued_on"],
        invoice["plan_name"],
        reader.money(invoice["total"]),
        badge_of(reader, invoice, status(invoice, pending)),
    )


def invoice(reader: Reader, facts: Mapping[str, Any], view: View) -> Invoice:
    """`facts`: the invoice as the invoicing service represents it."""
    period, current = facts["period"], status(facts, view.pending)
    local = reader.where(facts.get("period_time_zone") or facts.get("time_zone"))
    owing = next((it for it in view.facts["subscriptions"] if it["debt"] and it["debt"]["invoice_id"] == facts["id"]), None)
    debt = owing["debt"] if owing else None
    payable = waits(facts, view) or (facts["status"] == "failed" and current != "processing")
    return Invoice(
        id=str(facts["id"]),
        number=facts["number"],
        date=reader.language.day(date.fromisoformat(facts["issued_on"])),
        badge=badge_of(reader, facts, current),
        period=local.period(period["start"], period["end"]),
        seller=_party(reader, facts["seller"]),
        buyer=_party(reader, facts.get("bill_to") or {}),
        lines=tuple(_line(local, line) for line in facts["lines"]),
        totals=_totals(reader, facts),
        total=reader.money(facts["total"]),
        balance=_balance(reader, facts),
        movements=movements(local, facts, debt["next_attempt_at"] if debt and payable else None),
        notice=notice(reader, owing, view) if owing and current in ("open", "processing", "failed") else None,
        pay=pay_button(reader, view) if payable else None,
        offer=of_invoice(reader, view, facts) if payable else None,
    )


def made_so_far(language: Language, done: int, total: int) -> str:
    """The progress of a download."""
    return language.say(
        "Preparing your download: %(done)s of %(total)s documents.",
        done=language.number(Decimal(done)),
        total=language.number(Decimal(total)),
    )


def _party(reader: Reader, party: Mapping[str, Any]) -> tuple[str, ...]:
    tax_id, label = party.get("tax_id"), tax_ids.label(party.get("country"))
    labelled = f"{label}: {tax_id}" if label else reader.say("Tax ID: %(tax_id)s", tax_id=tax_id)
    parts = (party.get("name"), *str(party.get("address") or "").splitlines(), labelled if tax_id else None, party.get("email"))
    return tuple(part for part in parts if part)


def _line(reader: Reader, line: Mapping[str, Any]) -> LineItem:
    period = line["period"]
    return LineItem(
        line["plan_name"],
        line["description"],
        reader.period(period["start"], period["end"]),
        line["quantity"],
        reader.money(line["unit_price"]),
        reader.money(line["total"]),
    )


def _balance(reader: Reader, facts: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    if facts["status"] not in BALANCED:
        return ()
    total: Money = facts["total"]
    nothing: Money = {"amount_minor": 0, "currency": total["currency"]}
    paid, due = (total, nothing) if facts["status"] == "paid" else (nothing, total)
    refunded: Money = facts.get("refunded") or nothing
    returned = sum(it["amount"]["amount_minor"] for it in facts.get("movements") or () if it.get("detail") == "chargeback")
    amounts = (reader.say("Amount refunded"), refunded["amount_minor"]), (reader.say("Chargeback"), returned)
    back = ((name, reader.money({"amount_minor": minor, "currency": total["currency"]})) for name, minor in amounts if minor)
    return (reader.say("Amount paid"), reader.money(paid)), *back, (reader.say("Amount due"), reader.money(due))


def _totals(reader: Reader, facts: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    tax = facts.get("tax")
    if not tax and not facts["tax_total"]["amount_minor"]:
        return ()
    name = reader.say("Taxes")
    if tax:
        rate = reader.language.number(Decimal(tax["rate_basis_points"]) / 100)
        if tax["inclusive"]:
            name = reader.say("%(name)s (%(rate)s%%, included in the price)", name=isolated(tax["name"]), rate=rate)
        else:
            name = reader.say("%(name)s (%(rate)s%%)", name=isolated(tax["name"]), rate=rate)
    return (reader.say("Subtotal"), reader.money(facts["net_total"])), (name, reader.money(facts["tax_total"]))
