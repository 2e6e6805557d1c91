"""The input of the second layout: number and amount first, the period once, due date, payment, note."""

import json
from typing import Any

from invoicing.adapters.document.texts import NEUTRAL, initials, party, typed
from invoicing.adapters.document.wording import Speech
from invoicing.application.invoices import Document
from invoicing.domain.invoice.events import Issued
from invoicing.domain.invoice.invoice import Status
from invoicing.domain.parties import BillTo
from invoicing.domain.plan import Period
from invoicing.domain.totals import Line, Totals
from presentation import colours, tax_ids

NOTHING = "–"
"""A cell without a value, so that a screen reader does not skip it."""


def lay_out(document: Document, logo: bytes | None) -> str:
    issued = document.issued
    head = issued.letterhead
    speech = Speech(head.locale, head.time_zone)
    say = speech.language.say
    invoice = say("Invoice")
    return content(
        issued,
        document.bill_to,
        speech,
        logo,
        title=f"{invoice} {typed(issued.number)}",
        invoice=invoice,
        number=typed(issued.number),
        amount=_amount(document, speech),
        facts=_facts(document, speech),
        columns=[say("Description"), say("Qty"), say("Price"), say("Amount")],
        lines=[_line(line, issued, speech) for line in issued.lines],
        sums=sums(issued.totals, issued, speech),
        total=[say("Total"), money(issued.totals.total, issued, speech)],
        balance=_balance(document, speech),
        payment=_payment(document, speech),
        note={"title": say("Note"), "lines": [typed(line) for line in head.note.splitlines()]} if head.note else None,
        questions=say("Questions about this invoice? %(email)s", email=typed(head.contact_email)) if head.contact_email else None,
    )


def content(issued: Issued, buyer: BillTo | None, speech: Speech, logo: bytes | None, **own: Any) -> str:
    """The template's input: what invoices, credit notes and receipts have in common, and the fields of one document."""
    head, say = issued.letterhead, speech.language.say
    accent, on_accent = colours.filled(colours.parsed(head.colour) or NEUTRAL)
    common = {
        "language": speech.language.code,
        "paper": head.paper,
        "brand": typed(head.brand),
        "initials": initials(head.brand),
        "logo": list(logo) if logo else None,
        "logo_name": say("Logo of %(company)s", company=typed(head.brand)),
        "colour": colours.written(accent),
        "on_colour": colours.written(on_accent),
        "seller": {"title": say("From"), **seller(issued, speech)},
        "bill_to": {"title": say("Bill to"), **bill_to(buyer, speech)},
        "page": speech.language.sentence("Page %(page)s of %(pages)s"),
    }
    return json.dumps(common | own, ensure_ascii=False, sort_keys=True)


def _amount(document: Document, speech: Speech) -> str:
    """The total and what has become of it: `29.99 USD · pagada el 14 de mayo de 2023`."""
    settlement, say = document.settlement, speech.language.say
    total = money(document.issued.totals.total, document.issued, speech)
    day = speech.instant(settlement.at) if settlement.at else ""
    match settlement.status:
        case Status.PAID:
            return say("%(amount)s · paid on %(date)s", amount=total, date=day)
        case Status.VOID if settlement.refunded_at:
            return say("%(amount)s · refunded on %(date)s", amount=total, date=speech.instant(settlement.refunded_at))
        case Status.VOID:
            return say("%(amount)s · voided on %(date)s", amount=total, date=day)
        case Status.OPEN:
            return say("%(amount)s · payment due", amount=total)


def _facts(document: Document, speech: Speech) -> list[tuple[str, str]]:
    """Names and values. An invoice is due on the day on which it is issued and charged."""
    issued, buyer, say = document.issued, document.bill_to, speech.language.say
    day = speech.date(issued.issued_on)
    facts = [(say("Date of issue"), day), (say("Due date"), day), (say("Period"), period(issued.period, issued, speech))]
    if buyer and buyer.purchase_order:
        facts.append((say("Purchase order"), typed(buyer.purchase_order)))
    return facts


def period(period: Period, issued: Issued, speech: Speech) -> str:
    return speech.days(period.start, period.end, issued.zone_of_period)


def money(amount_minor: int, issued: Issued, speech: Speech) -> str:
    return speech.money(amount_minor, issued.currency, issued.letterhead.decimals)


def seller(issued: Issued, speech: Speech) -> dict[str, Any]:
    it = issued.seller
    return party(it.name, it.address, tax_id=_tax_id(it.tax_id, it.country, speech))


def bill_to(buyer: BillTo | None, speech: Speech) -> dict[str, Any]:
    if buyer is None:
        return party(speech.language.say("Details deleted at the end of the legal retention period"))
    return party(buyer.name, buyer.address, buyer.email, _tax_id(buyer.tax_id, buyer.country, speech))


def _tax_id(tax_id: str | None, country: str | None, speech: Speech) -> str | None:
    label = tax_ids.label(country) or speech.language.say("Tax ID")
    return f"{label}: {tax_id}" if tax_id else None


def _line(line: Line, issued: Issued, speech: Speech) -> dict[str, Any]:
    return {
        "name": typed(line.plan_name),
        "description": typed(line.description),
        "period": None if line.period == issued.period else period(line.period, issued, speech),
        "quantity": str(line.quantity),
        "unit_price": money(line.unit_price, issued, speech),
        "amount": money(line.unit_price * line.quantity, issued, speech),
    }


def sums(totals: Totals, issued: Issued, speech: Speech) -> list[tuple[str, str]]:
    """The sum without tax, and the tax. An invoice without tax has the line too: accountants look for it."""
    say, tax = speech.language.say, issued.tax
    if tax is None:
        label = say("Tax (not applied)")
    elif tax.inclusive:
        label = say("%(name)s (%(rate)s%%, included in the price)", name=typed(tax.name), rate=speech.rate(tax.rate_basis_points))
    else:
        label = say("%(name)s (%(rate)s%%)", name=typed(tax.name), rate=speech.rate(tax.rate_basis_points))
    return [
        (say("Subtotal"), money(totals.net, issued, speech)),
        (label.replace(" %", "\u00a0%"), money(totals.tax, issued, speech)),
    ]


def _balance(document: Document, speech: Speech) -> list[tuple[str, str]]:
    issued, status, say = document.issued, document.settlement.status, speech.language.say
    total, nothing = (money(amount, issued, speech) for amount in (issued.totals.total, 0))
    due = (say("Amount due"), total if status is Status.OPEN else nothing)
    return [(say("Amount paid"), total), due] if status is Status.PAID else [due]


def _payment(document: Document, speech: Speech) -> dict[str, Any] | None:
    """The payment that settled the invoice, as a table of one row."""
    issued, settlement, say = document.issued, document.settlement, speech.language.say
    if settlement.status is not Status.PAID or settlement.at is None:
        return None
    card = settlement.card
    return {
        "title": say("Payment"),
        "columns": [say("Date"), say("Payment method"), say("Reference"), say("Amount")],
        "row": [
            speech.instant(settlement.at),
            speech.card(card.brand, card.last4) if card else NOTHING,
            typed(settlement.reference or NOTHING),
            money(issued.totals.total, issued, speech),
        ],
    }
