"""The card page's sentences for mistakes, refusals and pauses, in both languages."""

import pytest

from payments.adapters.card_page.words import language_of, sentences_with_counts, too_many_declines, words_for

SENTENCES = {
    "number_missing": ("Ingresa el número de la tarjeta", "Enter the card number"),
    "number_length": ("El número debe tener entre 13 y 19 dígitos", "The number should have 13 to 19 digits"),
    "number_wrong": ("Revisa el número: no es válido", "Check the number: it isn't valid"),
    "exp_missing": ("Ingresa el vencimiento", "Enter the expiration date"),
    "exp_wrong": ("Ingresa el mes y el año, por ejemplo 12 / 27", "Enter the month and year, for example 12 / 27"),
    "exp_past": ("Esta tarjeta está vencida", "This card has expired"),
    "cvc_missing": ("Ingresa el CVV", "Enter the CVV"),
    "cvc_length": ("El CVV tiene 3 dígitos", "The CVV has 3 digits"),
    "cvc_length_amex": ("En American Express el CVV tiene 4 dígitos", "American Express cards have a 4-digit CVV"),
    "card_declined": (
        "El banco rechazó la tarjeta. Tu tarjeta anterior no cambió; intenta con otra.",
        "The bank declined the card. Your previous card is unchanged; try another one.",
    ),
    "insufficient_funds": (
        "La tarjeta no tiene fondos suficientes. Tu tarjeta anterior no cambió; intenta con otra.",
        "The card has insufficient funds. Your previous card is unchanged; try another one.",
    ),
    "expired_card": (
        "Según el banco, la tarjeta está vencida. Tu tarjeta anterior no cambió; intenta con otra.",
        "According to the bank, the card has expired. Your previous card is unchanged; try another one.",
    ),
    "incorrect_cvc": (
        "El CVV no coincide con la tarjeta. Tu tarjeta anterior no cambió; revisa el CVV e inténtalo de nuevo.",
        "The CVV doesn't match the card. Your previous card is unchanged; check the CVV and try again.",
    ),
}
PAUSES = {
    40: (
        "Hiciste demasiados intentos con tarjetas rechazadas. Vuelve a intentarlo en 1 minuto.",
        "Too many attempts with declined cards. You can try again in 1 minute.",
    ),
    2520: (
        "Hiciste demasiados intentos con tarjetas rechazadas. Vuelve a intentarlo en 42 minutos.",
        "Too many attempts with declined cards. You can try again in 42 minutes.",
    ),
}
"""Seconds -> sentence."""


@pytest.mark.parametrize("code", SENTENCES)
def test_each_mistake_and_each_decline_has_its_own_sentence(code: str) -> None:
    assert tuple(words_for(language_of(tag))[code] for tag in ("es", "en")) == SENTENCES[code]


@pytest.mark.parametrize("seconds", PAUSES)
def test_a_pause_is_stated_in_whole_minutes(seconds: int) -> None:
    assert tuple(too_many_declines(language_of(tag), seconds) for tag in ("es", "en")) == PAUSES[seconds]


@pytest.mark.parametrize("tag", ["es", "en"])
def test_the_script_has_the_sentence_in_singular_and_plural(tag: str) -> None:
    forms, language = sentences_with_counts(language_of(tag))["too_many_declines"], language_of(tag)
    for minutes, form in ((1, "one"), (42, "other")):
        assert forms[form].replace("%(count)d", str(minutes)) == too_many_declines(language, 60 * minutes)
