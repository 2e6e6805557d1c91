"""Why a charge failed, or why an invoice was closed."""

from typing import Final

from presentation.languages import N_

DECLINES: Final = {
    "card_declined": (N_("Your bank declined the card."), N_("Your bank declined the card %(card)s.")),
    "insufficient_funds": (
        N_("Your bank declined the card for insufficient funds."),
        N_("Your bank declined the card %(card)s for insufficient funds."),
    ),
    "expired_card": (N_("The card has expired."), N_("The card %(card)s has expired.")),
    "incorrect_cvc": (N_("The card's security code is wrong."), N_("The security code of the card %(card)s is wrong.")),
}
"""The bank's reasons: (sentence for an unknown card, sentence that names the card)."""
SHORT: Final = {
    "card_declined": N_("Declined by your bank"),
    "insufficient_funds": N_("Insufficient funds"),
    "expired_card": N_("Card expired"),
    "incorrect_cvc": N_("Wrong security code"),
    "processing_error": N_("Processing problem"),
}
"""In a list of facts."""
ADVICE: Final = {
    "card_declined": N_("Ask your bank to allow the charge to %(card)s and retry, or use another card."),
    "insufficient_funds": N_("Check the balance or limit of %(card)s with your bank and retry, or use another card."),
    "expired_card": N_("%(card)s has expired. Use another card."),
    "incorrect_cvc": N_("The security code of %(card)s did not match. Enter it again or use another card."),
}
"""What a customer can do about a reason, with the same card where that can succeed."""
REASONS: Final = {
    **{code: of_unknown_card for code, (of_unknown_card, _) in DECLINES.items()},
    "no_payment_method": N_("There was no card on file."),
    "processing_error": N_("There was a problem processing the charge."),
    "not_confirmed": N_("It was not in the list that was confirmed."),
    "subscription_cancelled": N_("The subscription was cancelled."),
    "merchant": N_("The company decided it."),
    "invoice_voided": N_("The invoice was void."),
}
"""The reasons in invoicing's movements."""
