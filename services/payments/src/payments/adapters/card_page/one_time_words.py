"""The texts of the card page where a card pays one invoice and is not stored, instead of those about a stored card."""

from collections.abc import Mapping
from typing import Final

from payments.adapters.card_page.words import words_for
from payments.application.card_setup import SetUp
from presentation.languages import N_, Language

ONE_TIME: Final[Mapping[str, str]] = {
    "sending": N_("Starting your payment…"),
    "done": N_("Done: your payment has started."),
    "card_declined": N_("The bank declined the card. Nothing was charged; try another one."),
    "insufficient_funds": N_("The card has insufficient funds. Nothing was charged; try another one."),
    "expired_card": N_("According to the bank, the card has expired. Nothing was charged; try another one."),
    "incorrect_cvc": N_("The CVV doesn't match the card. Nothing was charged; check the CVV and try again."),
    "unknown": N_("We don't know yet whether your payment started. Go back and check the invoice before trying again."),
    "failed": N_("We couldn't start the payment. Nothing was charged: try again in a moment."),
}


def words_of(setup: SetUp, language: Language) -> dict[str, str]:
    words = words_for(language)
    if setup.pays_invoice is None:
        return words
    return words | {name: language.say(message) for name, message in ONE_TIME.items()}
