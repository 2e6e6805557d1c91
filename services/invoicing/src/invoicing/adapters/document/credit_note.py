"""The input of a credit note. It uses the second template; its amounts are negative."""

from typing import Any, Final

from invoicing.adapters.document.layout_2 import content, money, period, sums
from invoicing.adapters.document.texts import typed
from invoicing.adapters.document.wording import Speech
from invoicing.application.credit_notes import CreditNoteDocument
from invoicing.domain.credit import CreditLine
from invoicing.domain.invoice.events import Issued
from presentation.languages import N_

TEMPLATE: Final = 2
"""Number of the template."""
REASONS: Final = {
    "customer_request": N_("Requested by the customer"),
    "duplicate": N_("Duplicate charge"),
    "billing_error": N_("Billing error"),
    "service_issue": N_("Problem with the service"),
    "goodwill": N_("Courtesy"),
    "other_reason": N_("Other reason"),
}


def lay_out(document: CreditNoteDocument, logo: bytes | None) -> str:
    credited, issued = document.credited, document.issued
    head = issued.letterhead
    speech = Speech(head.locale, head.time_zone)
    say = speech.language.say
    title, total = say("Credit note"), money(credited.totals.total, issued, speech)
    return content(
        issued,
        document.bill_to,
        speech,
        logo,
        title=f"{title} {typed(credited.number)}",
        invoice=title,
        number=typed(credited.number),
        amount=say("%(amount)s · for invoice %(number)s", amount=total, number=typed(issued.number)),
        facts=_facts(document, speech),
        columns=[say("Description"), say("Subtotal"), say("Taxes"), say("Amount")],
        lines=[_line(line, issued, speech) for line in credited.lines],
        sums=sums(credited.totals, issued, speech),
        total=[say("Total"), total],
        balance=[(_settled_by(document, speech), money(-credited.totals.total, issued, speech))],
        payment=None,
        note=None,
        questions=say("Questions about this credit note? %(email)s", email=typed(head.contact_email))
        if head.contact_email
        else None,
    )


def _facts(document: CreditNoteDocument, speech: Speech) -> list[tuple[str, str]]:
    """Names and values. A credit note names its invoice and that invoice's date."""
    credited, issued, say = document.credited, document.issued, speech.language.say
    return [
        (say("Date of issue"), speech.date(credited.issued_on)),
        (say("Invoice"), typed(issued.number)),
        (say("Date of the invoice"), speech.date(issued.issued_on)),
        (say("Period"), period(issued.period, issued, speech)),
        (say("Reason"), speech.language.sentence(REASONS[credited.reason])),
    ]


def _line(line: CreditLine, issued: Issued, speech: Speech) -> dict[str, Any]:
    return {
        "name": typed(line.plan_name),
        "description": typed(line.description),
        "period": None if line.period == issued.period else period(line.period, issued, speech),
        "quantity": money(line.net, issued, speech),
        "unit_price": money(line.tax, issued, speech),
        "amount": money(line.total, issued, speech),
    }


def _settled_by(document: CreditNoteDocument, speech: Speech) -> str:
    card, say = document.card, speech.language.say
    return say("Refund to %(card)s", card=speech.card(card.brand, card.last4)) if card else say("Refund")
