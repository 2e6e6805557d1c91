"""The texts of the card page, used by the browser's checks and the service's."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from billing_contracts.money import exponent
from payments.domain.shapes import Money
from presentation.languages import N_, Catalogues, Language

LOCALES = Path(__file__).parents[2] / "locales"

MESSAGES: Final[Mapping[str, str]] = {
    "title": N_("Card details"),
    "sandbox": N_("Test mode: no real charges."),
    "sample": N_("Use 4242…"),
    "number": N_("Card number"),
    "exp": N_("Expiration date"),
    "exp_example": N_("MM / YY"),
    "cvc": N_("CVV"),
    "cvc_three": N_("3 digits"),
    "cvc_four": N_("4 digits"),
    "back": N_("Go back"),
    "sending": N_("Saving your card…"),
    "done": N_("Done: we saved your card."),
    "alone": N_("This page only works inside your portal: go back there and choose “Edit payment method”."),
    "no_script": N_("Turn on JavaScript to enter your card."),
    "gone": N_("This window has expired. Close it and choose “Edit payment method” again."),
    "away": N_("We couldn't open this form right now. Close this window and try again in a few minutes."),
    "number_missing": N_("Enter the card number"),
    "number_length": N_("The number should have 13 to 19 digits"),
    "number_wrong": N_("Check the number: it isn't valid"),
    "test_numbers_only": N_("Test numbers only"),
    "exp_missing": N_("Enter the expiration date"),
    "exp_wrong": N_("Enter the month and year, for example 12 / 27"),
    "exp_past": N_("This card has expired"),
    "cvc_missing": N_("Enter the CVV"),
    "cvc_length": N_("The CVV has 3 digits"),
    "cvc_length_amex": N_("American Express cards have a 4-digit CVV"),
    "card_declined": N_("The bank declined the card. Your previous card is unchanged; try another one."),
    "insufficient_funds": N_("The card has insufficient funds. Your previous card is unchanged; try another one."),
    "expired_card": N_("According to the bank, the card has expired. Your previous card is unchanged; try another one."),
    "incorrect_cvc": N_("The CVV doesn't match the card. Your previous card is unchanged; check the CVV and try again."),
    "due_changed": N_("The amount due has changed. Check it before confirming."),
    "unknown": N_("We don't know yet whether your card was saved. Go back and check your payment method before trying again."),
    "failed": N_("We couldn't save the card. Nothing changed: try again in a moment."),
}
"""Keys are the names and codes that the page, its script and the domain use."""

PROVIDER: Final[Mapping[str, str]] = {
    "loading": N_("Opening the secure form…"),
    "not_loaded": N_(
        "We couldn't load the card form. Make sure your browser or an extension isn't blocking this site's scripts, "
        "then go back and try again."
    ),
    "authentication_failed": N_(
        "Your bank didn't confirm the card. Your previous card is unchanged; try again or use another one."
    ),
}
"""Of the page with the provider's fields."""

BANK: Final[Mapping[str, str]] = {
    "title": N_("Your bank"),
    "sandbox": N_("Test mode: no real charges."),
    "approve": N_("Approve"),
    "reject": N_("Reject"),
    "close": N_("Close"),
    "authentication_failed": N_(
        "Your bank didn't confirm the card. Your previous card is unchanged; try again or use another one."
    ),
}
"""Of the sandbox's bank."""

CONFIRMATION: Final[Mapping[str, str]] = {
    "back": N_("Go back"),
    "asking": N_("Contacting your bank…"),
    "answered": N_("Your bank has answered. We're checking the payment…"),
    "not_loaded": N_(
        "We couldn't open your bank's window. Make sure your browser or an extension isn't blocking this site's scripts, "
        "then go back and try again."
    ),
    "no_script": N_("Turn on JavaScript to confirm with your bank."),
    "not_sent": N_("We couldn't send your answer. Go back and try again."),
    "alone": N_("This page only works inside your portal: go back there and choose “Confirm with your bank”."),
}
"""Of the page on which a charge is confirmed."""
CONFIRMATION_GONE: Final = N_("This window has expired. Close it to see the status of your payment.")


@cache
def catalogues() -> Catalogues:
    """The languages of the card page; read once in a process."""
    return Catalogues(LOCALES)


def language_of(locale: str) -> Language:
    """The texts for a tag such as `es-MX`, with the number format of its region. Spanish for an unknown language."""
    return catalogues().choose([locale], locale)


def words_for(language: Language) -> dict[str, str]:
    return {name: language.say(message) for name, message in MESSAGES.items()}


def sentences_with_counts(language: Language) -> dict[str, dict[str, str]]:
    """Sentences that the script completes with a number, one for each plural category of the language."""
    return {
        "too_many_declines": language.sentences(
            "Too many attempts with declined cards. You can try again in %(count)d minute.",
            "Too many attempts with declined cards. You can try again in %(count)d minutes.",
        )
    }


def too_many_declines(language: Language, seconds: int) -> str:
    """The pause until another card can be tried, in whole minutes."""
    return language.say_count(
        "Too many attempts with declined cards. You can try again in %(count)d minute.",
        "Too many attempts with declined cards. You can try again in %(count)d minutes.",
        max(1, -(-seconds // 60)),
    )


def privacy(language: Language, merchant: str) -> str:
    return language.say(
        "Your card details go straight to the payment processor; %(merchant)s doesn't see them.", merchant=merchant
    )


def confirm_text(language: Language, amounts: Sequence[Money]) -> str:
    """The label of the button, with the amounts that it charges, by currency."""
    totals: dict[str, int] = {}
    for amount in amounts:
        totals[amount.currency] = totals.get(amount.currency, 0) + amount.amount_minor
    if not totals:
        return language.say("Save card")
    texts = [language.money(minor, currency, exponent(currency)) for currency, minor in totals.items()]
    return language.say("Pay %(amount)s", amount=" + ".join(texts))


def provider_words(language: Language) -> dict[str, str]:
    return {name: language.say(message) for name, message in PROVIDER.items()}


def confirmation_words(language: Language) -> dict[str, str]:
    return {name: language.say(message) for name, message in CONFIRMATION.items()}


def bank_words(language: Language, merchant: str, amount: Money | None = None) -> dict[str, str]:
    """The sentences of the sandbox's bank for a charge; without an amount, for saving a card."""
    words = {name: language.say(message) for name, message in BANK.items()}
    if amount is None:
        question = language.say("%(merchant)s wants to save this card for future payments. Do you approve?", merchant=merchant)
    else:
        text = language.money(amount.amount_minor, amount.currency, exponent(amount.currency))
        question = language.say(
            "%(merchant)s wants to charge %(amount)s to your card. Do you approve?", merchant=merchant, amount=text
        )
    return words | {"question": question}


def stripe_locale(language: Language) -> str:
    """Stripe's name of the language: it has a Latin American Spanish for all regions but Spain."""
    if language.code == "es":
        return "es-ES" if language.territory == "ES" else "es-419"
    return language.code
