"""The card page's words, the same for the browser's checks and ours."""

from collections.abc import Sequence
from decimal import Decimal

from babel import Locale, UnknownLocaleError
from babel.numbers import format_currency

from billing_contracts.money import exponent
from payments.domain.shapes import Money

SPANISH = {
    "title": "Datos de la tarjeta",
    "sandbox": "Modo de prueba: aquí solo valen números de prueba, por ejemplo 4242\u00a04242\u00a04242\u00a04242."
    " No se cobra nada de verdad.",
    "number": "Número de tarjeta",
    "exp": "Vencimiento",
    "exp_example": "MM / AA",
    "cvc": "CVV",
    "cvc_three": "3 dígitos",
    "cvc_four": "4 dígitos",
    "privacy": "Los datos de tu tarjeta van directo al procesador de pagos; {merchant} no los ve.",
    "back": "Volver",
    "confirm": "Confirmar",
    "confirm_and_pay": "Confirmar y pagar {amount}",
    "sending": "Un momento…",
    "done": "Listo: tu tarjeta quedó guardada.",
    "alone": "Esta página se usa desde tu portal: vuelve a él y elige «Editar método de pago».",
    "no_script": "Para escribir los datos de tu tarjeta hace falta JavaScript.",
    "gone": "Esta ventana caducó. Ciérrala y vuelve a elegir «Editar método de pago».",
    "number_missing": "Escribe el número de la tarjeta",
    "number_length": "El número debe tener entre 13 y 19 dígitos",
    "number_wrong": "Revisa el número: tiene algún error",
    "test_numbers_only": "Solo números de prueba",
    "exp_missing": "Escribe el vencimiento",
    "exp_wrong": "Escribe mes y año, por ejemplo 12 / 27",
    "exp_past": "Esta tarjeta ya venció",
    "cvc_missing": "Escribe el CVV",
    "cvc_length": "El CVV tiene 3 dígitos",
    "cvc_length_amex": "En American Express el CVV tiene 4 dígitos",
    "card_declined": "El banco rechazó la tarjeta. Tu tarjeta anterior sigue igual; prueba con otra.",
    "insufficient_funds": "La tarjeta no tiene fondos suficientes. Tu tarjeta anterior sigue igual; prueba con otra.",
    "expired_card": "El banco dice que la tarjeta ya venció. Tu tarjeta anterior sigue igual; prueba con otra.",
    "incorrect_cvc": "El CVV no coincide con la tarjeta. Revísalo y vuelve a intentarlo.",
    "due_changed": "Lo pendiente de pago cambió. Revisa el importe antes de confirmar.",
    "too_many_declines": "Demasiados intentos con tarjetas rechazadas. Podrás probar otra vez en {minutes} min.",
    "failed": "No pudimos guardar la tarjeta y no cambió nada. Vuelve a intentarlo en un momento.",
}

ENGLISH = {
    "title": "Card details",
    "sandbox": "Test mode: only test numbers work here, for example 4242\u00a04242\u00a04242\u00a04242."
    " Nothing is really charged.",
    "number": "Card number",
    "exp": "Expiry date",
    "exp_example": "MM / YY",
    "cvc": "CVV",
    "cvc_three": "3 digits",
    "cvc_four": "4 digits",
    "privacy": "Your card details go straight to the payment processor; {merchant} does not see them.",
    "back": "Go back",
    "confirm": "Confirm",
    "confirm_and_pay": "Confirm and pay {amount}",
    "sending": "One moment…",
    "done": "Done: your card has been saved.",
    "alone": "This page is used from your portal: go back there and choose “Edit payment method”.",
    "no_script": "Entering your card details needs JavaScript.",
    "gone": "This window has expired. Close it and choose “Edit payment method” again.",
    "number_missing": "Enter the card number",
    "number_length": "The number should have 13 to 19 digits",
    "number_wrong": "Check the number: something in it is wrong",
    "test_numbers_only": "Test numbers only",
    "exp_missing": "Enter the expiry date",
    "exp_wrong": "Enter month and year, for example 12 / 27",
    "exp_past": "This card has expired",
    "cvc_missing": "Enter the CVV",
    "cvc_length": "The CVV has 3 digits",
    "cvc_length_amex": "The CVV of American Express has 4 digits",
    "card_declined": "The bank declined the card. Your previous card is unchanged; try another one.",
    "insufficient_funds": "The card has insufficient funds. Your previous card is unchanged; try another one.",
    "expired_card": "The bank says that the card has expired. Your previous card is unchanged; try another one.",
    "incorrect_cvc": "The CVV does not match the card. Check it and try again.",
    "due_changed": "What is due has changed. Check the amount before you confirm.",
    "too_many_declines": "Too many attempts with declined cards. You can try again in {minutes} min.",
    "failed": "We could not save the card and nothing has changed. Try again in a moment.",
}


def words_for(locale: str) -> dict[str, str]:
    """English for English, Spanish for everything else."""
    return ENGLISH if locale.lower().startswith("en") else SPANISH


def region_of(locale: str) -> Locale:
    """Whose numbers are written: the locale's own, where it is one we have words for."""
    fallback = "en_US" if locale.lower().startswith("en") else "es_419"
    if not locale.lower().startswith(("en-", "es-", "en_", "es_")):
        return Locale.parse(fallback)
    try:
        return Locale.parse(locale.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return Locale.parse(fallback)


def amount_text(amount: Money, locale: str) -> str:
    """`29.99 USD`"""
    value = Decimal(amount.amount_minor).scaleb(-exponent(amount.currency))
    text = format_currency(value, amount.currency, "#,##0.00\u00a0¤¤", locale=region_of(locale))
    return text.replace("\u00a0", " ").replace("\u202f", " ")


def confirm_text(amounts: Sequence[Money], locale: str) -> str:
    """What the button says: what it will charge, by currency, when it will charge anything."""
    words = words_for(locale)
    totals: dict[str, int] = {}
    for amount in amounts:
        totals[amount.currency] = totals.get(amount.currency, 0) + amount.amount_minor
    if not totals:
        return words["confirm"]
    texts = [amount_text(Money(minor, currency), locale) for currency, minor in totals.items()]
    return words["confirm_and_pay"].format(amount=" + ".join(texts))
