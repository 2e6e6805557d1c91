"""The input of the first layout. Issued documents never change, so its sentences stay in the catalogues as they are."""

import json
from dataclasses import asdict
from typing import Any

from invoicing.adapters.document.texts import NEUTRAL, initials, party, typed
from invoicing.adapters.document.wording import Speech
from invoicing.application.invoices import Document
from invoicing.domain.invoice.events import Issued
from invoicing.domain.invoice.invoice import Status
from invoicing.domain.plan import Period
from invoicing.domain.totals import Line
from presentation import colours


def lay_out(document: Document, logo: bytes | None) -> str:
    issued = document.issued
    head = issued.letterhead
    speech = Speech(head.locale, head.time_zone)
    words = speech.words
    accent, on_accent = colours.filled(colours.parsed(head.colour) or NEUTRAL)
    return json.dumps(
        {
            "language": speech.language.code,
            "paper": head.paper,
            "title": f"{words.invoice} {typed(issued.number)}",
            "brand": typed(head.brand),
            "initials": initials(head.brand),
            "logo": list(logo) if logo else None,
            "logo_name": words.logo % {"company": typed(head.brand)},
            "colour": colours.written(accent),
            "on_colour": colours.written(on_accent),
            "words": asdict(words),
            "number": typed(issued.number),
            "issued_on": speech.date(issued.issued_on),
            "period": _period(issued.period, issued, speech),
            "status": _status(document, speech),
            "seller": party(issued.seller.name, issued.seller.address, tax_id=_tax_id(issued.seller.tax_id, speech)),
            "bill_to": _bill_to(document, speech),
            "lines": [_line(line, issued, speech) for line in issued.lines],
            "sums": _sums(issued, speech),
            "closing": _closing(document, speech),
            "questions": words.questions % {"email": typed(head.contact_email)} if head.contact_email else None,
        },
        ensure_ascii=False,
        sort_keys=True,
    )


def _line(line: Line, issued: Issued, speech: Speech) -> dict[str, Any]:
    return {
        "name": typed(line.plan_name),
        "description": typed(line.description),
        "period": _period(line.period, issued, speech),
        "quantity": str(line.quantity),
        "unit_price": _money(line.unit_price, issued, speech),
        "amount": _money(line.unit_price * line.quantity, issued, speech),
    }


def _period(period: Period, issued: Issued, speech: Speech) -> str:
    return speech.period(period.start, period.end, issued.zone_of_period)


def _money(amount_minor: int, issued: Issued, speech: Speech) -> str:
    return speech.money(amount_minor, issued.currency, issued.letterhead.decimals)


def _sums(issued: Issued, speech: Speech) -> list[tuple[str, str]]:
    if issued.tax is None:
        return []
    sentence = speech.words.tax_included if issued.tax.inclusive else speech.words.tax
    label = sentence % {"name": typed(issued.tax.name), "rate": speech.rate(issued.tax.rate_basis_points)}
    return [
        (speech.words.subtotal, _money(issued.totals.net, issued, speech)),
        (label.replace(" %", "\u00a0%"), _money(issued.totals.tax, issued, speech)),
    ]


def _status(document: Document, speech: Speech) -> dict[str, str]:
    settlement, words = document.settlement, speech.words
    day = speech.instant(settlement.at) if settlement.at else ""
    match settlement.status:
        case Status.PAID:
            return {"kind": "paid", "text": words.paid_on % {"date": day}}
        case Status.VOID if settlement.refunded_at:
            return {"kind": "void", "text": words.refunded_on % {"date": speech.instant(settlement.refunded_at)}}
        case Status.VOID:
            return {"kind": "void", "text": words.voided_on % {"date": day}}
        case Status.OPEN:
            return {"kind": "open", "text": words.open}


def _closing(document: Document, speech: Speech) -> dict[str, Any]:
    """The last sums: the total, what was paid of it and how, and what is still owed."""
    issued, settlement, words = document.issued, document.settlement, speech.words
    total, nothing = (_money(amount, issued, speech) for amount in (issued.totals.total, 0))
    card = settlement.card
    paid = [(words.paid, total), *([(words.paid_with, speech.card(card.brand, card.last4))] if card else [])]
    return {
        "total": total,
        "paid": paid if settlement.status is Status.PAID else [],
        "due": total if settlement.status is Status.OPEN else nothing,
    }


def _bill_to(document: Document, speech: Speech) -> dict[str, Any]:
    buyer = document.bill_to
    if buyer is None:
        return party(speech.words.erased)
    return party(buyer.name, buyer.address, buyer.email, _tax_id(buyer.tax_id, speech))


def _tax_id(tax_id: str | None, speech: Speech) -> str | None:
    return f"{speech.words.tax_id}: {tax_id}" if tax_id else None
