"""What the template gets: one JSON document of finished texts. Whatever people typed goes in as data, never as markup."""

import json
import re
import unicodedata
from dataclasses import asdict
from typing import Any

from chassis import colours
from invoicing.adapters.document.wording import Speech
from invoicing.application.invoices import Document
from invoicing.domain.events import Issued
from invoicing.domain.invoice import Status
from invoicing.domain.plan import Period
from invoicing.domain.totals import Line

_LONG_WORD = re.compile(r"\S{21,}")
_BREAK = "\u200b"
_DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
NEUTRAL = (0x3C, 0x44, 0x54)
"""For a merchant without a colour."""


def lay_out(document: Document) -> str:
    issued = document.issued
    head = issued.letterhead
    speech = Speech(head.locale, head.time_zone)
    words = speech.words
    accent, on_accent = colours.filled(colours.parsed(head.colour) or NEUTRAL)
    return json.dumps(
        {
            "language": speech.language.code,
            "paper": head.paper,
            "title": f"{words.invoice} {issued.number}",
            "brand": wrapped(head.brand),
            "initials": initials(head.brand),
            "colour": colours.written(accent),
            "on_colour": colours.written(on_accent),
            "words": asdict(words),
            "number": wrapped(issued.number),
            "issued_on": speech.date(issued.issued_on),
            "period": _period(issued.period, speech),
            "status": _status(document, speech),
            "seller": party(issued.seller.name, issued.seller.address, tax_id=_tax_id(issued.seller.tax_id, speech)),
            "bill_to": _bill_to(document, speech),
            "lines": [_line(line, issued, speech) for line in issued.lines],
            "sums": _sums(issued, speech),
            "closing": _closing(document, speech),
            "questions": clean(words.questions % {"email": head.contact_email}) if head.contact_email else None,
        },
        ensure_ascii=False,
        sort_keys=True,
    )


def _line(line: Line, issued: Issued, speech: Speech) -> dict[str, Any]:
    return {
        "name": wrapped(line.plan_name),
        "description": wrapped(line.description),
        "period": _period(line.period, speech),
        "quantity": str(line.quantity),
        "unit_price": speech.money(line.unit_price, issued.currency),
        "amount": speech.money(line.unit_price * line.quantity, issued.currency),
    }


def _period(period: Period, speech: Speech) -> str:
    return speech.words.from_to % {"start": speech.instant(period.start), "end": speech.instant(period.end)}


def _sums(issued: Issued, speech: Speech) -> list[dict[str, str]]:
    if issued.tax is None:
        return []
    sentence = speech.words.tax_included if issued.tax.inclusive else speech.words.tax
    label = sentence % {"name": wrapped(issued.tax.name), "rate": speech.rate(issued.tax.rate_basis_points)}
    return [
        {"label": speech.words.subtotal, "amount": speech.money(issued.totals.net, issued.currency)},
        {"label": label, "amount": speech.money(issued.totals.tax, issued.currency)},
    ]


def _status(document: Document, speech: Speech) -> dict[str, str]:
    settlement, words = document.settlement, speech.words
    day = speech.instant(settlement.at) if settlement.at else ""
    match settlement.status:
        case Status.PAID:
            return {"kind": "paid", "text": words.paid_on % {"date": day}}
        case Status.VOID:
            return {"kind": "void", "text": words.voided_on % {"date": day}}
        case Status.OPEN:
            return {"kind": "open", "text": words.open}


def _closing(document: Document, speech: Speech) -> dict[str, str | None]:
    """The last sum: the total, and what of it has been paid."""
    issued, settlement, words = document.issued, document.settlement, speech.words
    total = speech.money(issued.totals.total, issued.currency)
    paid = settlement.status is Status.PAID
    return {
        "total": total,
        "card": speech.card(settlement.card.brand, settlement.card.last4) if paid and settlement.card else None,
        "label": words.paid if paid else words.due,
        "amount": speech.money(issued.totals.total if settlement.status is not Status.VOID else 0, issued.currency),
    }


def _bill_to(document: Document, speech: Speech) -> dict[str, Any]:
    buyer = document.bill_to
    if buyer is None:
        return party(speech.words.erased)
    return party(buyer.name, buyer.address, buyer.email, _tax_id(buyer.tax_id, speech))


def _tax_id(tax_id: str | None, speech: Speech) -> str | None:
    return f"{speech.words.tax_id}: {tax_id}" if tax_id else None


def party(name: str, address: str | None = None, email: str | None = None, tax_id: str | None = None) -> dict[str, Any]:
    rest = [*(address or "").splitlines(), *(part for part in (tax_id, email) if part)]
    return {"name": wrapped(name), "rest": [wrapped(part) for part in rest if part.strip()]}


def clean(text: str) -> str:
    """The text without what no printer prints: control characters, and those that turn the reading direction."""
    return "".join(" " if unicodedata.category(c) == "Cc" or c in _DIRECTIONS else c for c in text)


def wrapped(text: str) -> str:
    """The text with places to break in words that would leave their column."""
    return _LONG_WORD.sub(lambda word: _BREAK.join(re.findall(".{1,12}", word[0])), clean(text))


def initials(brand: str) -> str:
    """The letter that stands for the logo: `T` for TechSolutions Inc."""
    first = next((c for c in brand if c.isalnum()), "•")
    return first.upper()[:1]
