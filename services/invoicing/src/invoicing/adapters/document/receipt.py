"""The input of a receipt. It uses the second template; its lines are the payment and the refunds."""

from dataclasses import replace
from typing import Any, Final

from invoicing.adapters.document.layout_2 import NOTHING, content, money, period
from invoicing.adapters.document.texts import typed
from invoicing.adapters.document.wording import Speech
from invoicing.application.movements import Movement
from invoicing.application.receipts import ReceiptDocument
from presentation.languages import in_context

TEMPLATE: Final = 2
"""Number of the template."""
LISTED: Final = 4
"""Refunds with a line each. A receipt is one page: earlier ones share a line."""


def lay_out(document: ReceiptDocument, logo: bytes | None) -> str:
    issued, payment = document.issued, document.payment
    head = issued.letterhead
    speech = Speech(head.locale, head.time_zone)
    say, number = speech.language.say, typed(issued.number)
    paid, left = (money(amount, issued, speech) for amount in (document.paid, document.paid - document.refunded))
    return content(
        issued,
        document.bill_to,
        speech,
        logo,
        title=say("Receipt for invoice %(number)s", number=number),
        invoice=say("Receipt"),
        number=say("Invoice %(number)s", number=number),
        amount=say(in_context("receipt", "%(amount)s · paid on %(date)s"), amount=paid, date=speech.instant(payment.at)),
        facts=_facts(document, speech),
        columns=[say("Description"), say("Document"), say("Date"), say("Amount")],
        lines=[_payment(document, speech), *_refunds(document, speech)],
        sums=_sums(document, speech),
        total=[say("Total"), left],
        balance=[],
        payment=None,
        note={
            "title": say("Note"),
            "lines": [say("This receipt confirms the payment. It doesn't replace invoice %(number)s.", number=number)],
        },
        questions=say("Questions about this receipt? %(email)s", email=typed(head.contact_email)) if head.contact_email else None,
    )


def _facts(document: ReceiptDocument, speech: Speech) -> list[tuple[str, str]]:
    """Names and values."""
    issued, payment, buyer, say = document.issued, document.payment, document.bill_to, speech.language.say
    facts = [
        (say("Payment date"), speech.instant(payment.at)),
        (say("Payment method"), _card(payment, speech) or NOTHING),
        (say("Period"), period(issued.period, issued, speech)),
    ]
    if buyer and buyer.purchase_order:
        facts.append((say("Purchase order"), typed(buyer.purchase_order)))
    return facts


def _payment(document: ReceiptDocument, speech: Speech) -> dict[str, Any]:
    issued, payment, say = document.issued, document.payment, speech.language.say
    card = _card(payment, speech)
    if card and payment.backup:
        name = say("Charged to your backup card %(card)s", card=card)
    else:
        name = say("Payment with %(card)s", card=card) if card else say("Payment")
    sold = ", ".join(dict.fromkeys(typed(line.plan_name) for line in issued.lines))
    return _line(document, speech, payment, name, sold, issued.number)


def _refunds(document: ReceiptDocument, speech: Speech) -> list[dict[str, Any]]:
    refunds, say = document.refunds, speech.language.say
    earlier = refunds[: -LISTED + 1] if len(refunds) > LISTED else ()
    lines = []
    if earlier:
        together = replace(earlier[-1], total=sum(refund.total for refund in earlier), reference=None)
        name = speech.language.say_count("%(count)d earlier refund", "%(count)d earlier refunds", len(earlier))
        lines.append(_line(document, speech, together, name, "", None))
    for refund in refunds[len(earlier) :]:
        card = _card(refund, speech)
        name = say("Refund to %(card)s", card=card) if card else say("Refund")
        number = document.credit_notes.get(refund.credit_note_id) if refund.credit_note_id else None
        lines.append(_line(document, speech, refund, name, "", number))
    return lines


def _line(
    document: ReceiptDocument, speech: Speech, moved: Movement, name: str, description: str, number: str | None
) -> dict[str, Any]:
    """The provider's reference stands in the place of a period. What was paid is positive here."""
    return {
        "name": name,
        "description": description,
        "period": typed(moved.reference) if moved.reference else None,
        "quantity": typed(number or NOTHING),
        "unit_price": speech.instant(moved.at),
        "amount": money(-moved.total, document.issued, speech),
    }


def _sums(document: ReceiptDocument, speech: Speech) -> list[tuple[str, str]]:
    say = speech.language.say
    paid, refunded = (money(amount, document.issued, speech) for amount in (document.paid, -document.refunded))
    back = [(say("Amount refunded"), refunded)] if document.refunds else []
    return [(say("Amount paid"), paid), *back]


def _card(moved: Movement, speech: Speech) -> str | None:
    return speech.card(moved.brand, moved.last4) if moved.brand and moved.last4 else None
