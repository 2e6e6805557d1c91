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
    "authentication_required": (
        N_("Your bank asks you to confirm the payment."),
        N_("Your bank asks you to confirm the payment with %(card)s."),
    ),
    "authentication_failed": (
        N_("Your bank couldn't confirm it was you."),
        N_("The bank of %(card)s couldn't confirm it was you."),
    ),
    "authentication_abandoned": (
        N_("The confirmation with your bank wasn't completed."),
        N_("The confirmation with the bank of %(card)s wasn't completed."),
    ),
}
"""The bank's reasons: (sentence for an unknown card, sentence that names the card)."""
CONFIRMED_AT_THE_BANK: Final = frozenset({"authentication_required", "authentication_failed", "authentication_abandoned"})
"""Reasons after which the customer can confirm a new charge at their bank, with the same card."""
SHORT: Final = {
    "card_declined": N_("Card declined"),
    "insufficient_funds": N_("Insufficient funds"),
    "expired_card": N_("Card expired"),
    "incorrect_cvc": N_("Incorrect CVV"),
    "processing_error": N_("Processing error"),
    "authentication_required": N_("Bank confirmation needed"),
    "authentication_failed": N_("Not confirmed by the bank"),
    "authentication_abandoned": N_("Bank confirmation not completed"),
    "amount_not_chargeable": N_("Amount can't be charged"),
}
"""In a list of facts."""
ADVICE: Final = {
    "card_declined": N_("Ask your bank to approve the charge to %(card)s and retry, or use another card."),
    "insufficient_funds": N_("Check the balance or limit of %(card)s with your bank and retry, or use another card."),
    "expired_card": N_("%(card)s has expired. Use another card."),
    "incorrect_cvc": N_("The CVV of %(card)s didn't match. Enter the card again or use another one."),
    "authentication_required": N_("Confirm it with your bank to pay with %(card)s, or use another card."),
    "authentication_failed": N_("Your bank couldn't confirm it was you, so nothing was charged. Try again or use another card."),
    "authentication_abandoned": N_(
        "The confirmation with your bank wasn't completed, so nothing was charged. Start it again or use another card."
    ),
}
"""What a customer can do about a reason, with the same card where that can succeed."""
REASONS: Final = {
    **{code: of_unknown_card for code, (of_unknown_card, _) in DECLINES.items()},
    "no_payment_method": N_("There was no card on file."),
    "processing_error": N_("There was an error processing the payment."),
    "amount_not_chargeable": N_("This amount can't be charged to a card."),
    "not_confirmed": N_("It wasn't among the charges that were confirmed."),
    "subscription_cancelled": N_("The subscription was canceled."),
    "merchant": N_("Voided by the company."),
    "invoice_voided": N_("The invoice had been voided."),
    "dispute_lost": N_("Your bank decided the dispute in your favor."),
    "customer_request": N_("As you requested."),
    "duplicate": N_("You had been charged twice."),
    "billing_error": N_("There was an error in the invoice."),
    "service_issue": N_("There was a problem with the service."),
    "goodwill": N_("As a courtesy."),
}
"""The reasons in invoicing's movements."""
