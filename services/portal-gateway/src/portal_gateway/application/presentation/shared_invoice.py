"""The page of an invoice link: the invoice, its status in words, and whether it can be paid."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from portal_gateway.application.presentation.card_change import SAYS, WAITS_FOR_BANK
from portal_gateway.application.presentation.common import Reader, Tone
from portal_gateway.application.presentation.failure_reasons import CONFIRMED_AT_THE_BANK, REASONS
from portal_gateway.application.presentation.invoices import Invoice, badge, invoice
from portal_gateway.application.shared_invoices import SharedVisit
from presentation.languages import N_

PAYABLE: Final = frozenset({"open", "failed"})
PROCESSING: Final = N_("The payment is being processed. You can close this page and come back later.")
ENDS_UNCONFIRMED: Final = N_("If you don't confirm within 15 minutes, the payment is canceled and nothing is charged.")
PAID: Final = N_("The invoice was paid on %(day)s. Thank you.")
TONES: Final[dict[str, Tone]] = {"paid": "good", "processing": "warn", "failed": "bad"}


@dataclass(frozen=True, slots=True)
class SharedInvoicePage:
    status: str
    title: str
    invoice: Invoice
    says: str | None
    """What the status means for the payer. None for an invoice that is simply due."""
    tone: Tone
    pay: str
    """The label of the link to paying it."""
    payable: bool
    confirm: str | None
    """The label of the link to the confirmation at the payer's bank, if the payment waits for it."""


def shared_invoice(reader: Reader, facts: Mapping[str, Any], visit: SharedVisit) -> SharedInvoicePage:
    """`facts`: the invoice of `SharedInvoices.invoice`."""
    current = "processing" if facts["status"] in PAYABLE and visit.view.pending else str(facts["status"])
    printed = invoice(reader, {**facts, "status": "open" if current in PAYABLE else current}, visit.view)
    return SharedInvoicePage(
        status=current,
        title=reader.say("Invoice %(number)s", number=facts["number"]),
        invoice=replace(printed, badge=badge(reader, current)),
        says=_says(reader, facts, current),
        tone=TONES.get(current, "mute"),
        pay=reader.say("Pay %(amount)s", amount=reader.money(facts["total"])),
        payable=current in PAYABLE,
        confirm=reader.say("Confirm with your bank") if facts.get("authenticate_until") else None,
    )


def _says(reader: Reader, facts: Mapping[str, Any], current: str) -> str | None:
    match current:
        case "open":
            return None
        case "processing" if facts.get("authenticate_until"):
            return f"{reader.say(WAITS_FOR_BANK)} {reader.say(ENDS_UNCONFIRMED)}"
        case "processing":
            return reader.say(PROCESSING)
        case "failed" if (code := facts.get("detail")) in CONFIRMED_AT_THE_BANK:
            return f"{reader.say(SAYS[current])} {reader.say(REASONS[code])}"
        case "paid" if facts["paid_at"]:
            return reader.say(PAID, day=reader.where(facts.get("time_zone")).day(facts["paid_at"]))
        case _:
            return reader.say(SAYS[current])
