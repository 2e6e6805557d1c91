"""The texts of a downloaded history: columns, codes and file names."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from invoicing.application.language import catalogues
from presentation.languages import N_

COLUMNS: Final = (
    N_("Date"),
    N_("Movement"),
    N_("Invoice"),
    N_("Plan"),
    N_("Period start"),
    N_("Period end"),
    N_("Net"),
    N_("Tax"),
    N_("Total"),
    N_("Currency"),
    N_("Status"),
    N_("Brand"),
    N_("Last four"),
    N_("Reason"),
    N_("Reference"),
)

BRANDS: Final = {"visa": "Visa", "mastercard": "Mastercard", "amex": "American Express"}

CODES: Final = {
    "invoice": N_("Invoice"),
    "payment": N_("Payment"),
    "failed_attempt": N_("Payment failed"),
    "refund": N_("Refund"),
    "void": N_("Invoice voided"),
    "credit_note": N_("Credit note"),
    "chargeback": N_("Chargeback"),
    "voided": N_("Void"),
    "open": N_("Payment due"),
    "paid": N_("Paid"),
    "succeeded": N_("Succeeded"),
    "failed": N_("Payment failed"),
    "other": N_("Other"),
    "card_declined": N_("Card declined"),
    "insufficient_funds": N_("Insufficient funds"),
    "expired_card": N_("Card expired"),
    "incorrect_cvc": N_("Incorrect CVV"),
    "no_payment_method": N_("No card on file"),
    "processing_error": N_("Processing error"),
    "not_confirmed": N_("Not confirmed"),
    "authentication_required": N_("Bank confirmation needed"),
    "authentication_failed": N_("Not confirmed by the bank"),
    "authentication_abandoned": N_("Bank confirmation not completed"),
    "amount_not_chargeable": N_("Amount can't be charged"),
    "subscription_cancelled": N_("Subscription canceled"),
    "invoice_voided": N_("Invoice voided"),
    "dispute_lost": N_("Dispute decided for the cardholder"),
    "merchant": N_("Voided by the company"),
    "customer_request": N_("Requested by the customer"),
    "duplicate": N_("Duplicate charge"),
    "billing_error": N_("Billing error"),
    "service_issue": N_("Problem with the service"),
    "goodwill": N_("Courtesy"),
    "other_reason": N_("Other reason"),
}
"""Kinds, statuses, reasons, and the brand of an unknown card."""

HISTORY: Final = N_("payment-history")
INVOICES: Final = N_("invoices")
CREDIT_NOTES: Final = N_("credit-notes")


@dataclass(frozen=True, slots=True)
class ExportWords:
    header: tuple[str, ...]
    known: dict[str, str]
    """Kinds, statuses, reasons and brands, by their codes."""
    history: str
    """The file's name, without extension."""
    invoices: str
    """The folder of invoices in an archive."""
    credit_notes: str
    """The folder of credit notes."""
    decimal: str
    """The decimal sign of the region: spreadsheets of regions with a comma separate columns by semicolons."""


def words_for(locale: str) -> ExportWords:
    """The texts in the language of the tag, such as `es-MX`, if it has a catalogue."""
    language = catalogues().choose([locale], locale)
    return ExportWords(
        tuple(language.sentence(title) for title in COLUMNS),
        BRANDS | {code: language.sentence(message) for code, message in CODES.items()},
        language.sentence(HISTORY),
        language.sentence(INVOICES),
        language.sentence(CREDIT_NOTES),
        language.number(Decimal("0.5"))[1],
    )
