"""Why a charge failed, or why an invoice was closed."""

from typing import Final

from presentation.languages import N_

DECLINES: Final = {
    "card_declined": (N_("Your bank declined the card."), N_("Your bank declined %(card)s.")),
    "insufficient_funds": (
        N_("Your bank declined the card because of insufficient funds."),
        N_("Your bank declined %(card)s because of insufficient funds."),
    ),
    "expired_card": (N_("The card has expired."), N_("%(card)s has expired.")),
    "incorrect_cvc": (N_("The card's CVV is incorrect."), N_("The CVV of %(card)s is incorrect.")),
}
"""The bank's reasons: (sentence for an unknown card, sentence that names the card)."""
SHORT: Final = {
    "card_declined": N_("Card declined"),
    "insufficient_funds": N_("Insufficient funds"),
    "expired_card": N_("Card expired"),
    "incorrect_cvc": N_("Incorrect CVV"),
    "processing_error": N_("Processing error"),
}
"""In a list of facts."""
ADVICE: Final = {
    "card_declined": N_("Ask your bank to approve the charge to %(card)s and retry, or use another card."),
    "insufficient_funds": N_("Check the balance or limit of %(card)s with your bank and retry, or use another card."),
    "expired_card": N_("%(card)s has expired. Use another card."),
    "incorrect_cvc": N_("The CVV of %(card)s didn't match. Enter the card again or use another one."),
}
"""What a customer can do about a reason, with the same card where that can succeed."""
REASONS: Final = {
    **{code: of_unknown_card for code, (of_unknown_card, _) in DECLINES.items()},
    "no_payment_method": N_("There was no card on file."),
    "processing_error": N_("There was an error processing the payment."),
    "not_confirmed": N_("It wasn't among the charges that were confirmed."),
    "subscription_cancelled": N_("The subscription was canceled."),
    "merchant": N_("Voided by the company."),
    "invoice_voided": N_("The invoice had been voided."),
}
"""The reasons in invoicing's movements."""
