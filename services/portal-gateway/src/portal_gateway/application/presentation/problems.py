"""The sentences for problems: what happened, and what to do."""

from collections.abc import Mapping
from math import ceil
from typing import Final

from presentation.languages import N_, Language

SESSION_CHANGED: Final = N_(
    "The portal was opened with another link in this browser, so nothing was done. Go back to it and check whose account it is."
)
UNKNOWN: Final = N_("We could not complete what you asked. Go back to the portal and check how it stands before repeating it.")
CARD_IN_TEXT: Final = N_("This looks like a card number. Delete it: we do not need it here.")
CARD_TAKEN_OUT: Final = N_("We took out what looks like a card number: we do not need it here. Check the rest and confirm again.")
NOWHERE: Final = N_("The address may be incomplete, or it is no longer available.")
CARD_REMOVED: Final = N_("We removed what looks like a card number from your comment: we do not need it here.")
UNAVAILABLE: Final = N_("We could not do it just now and nothing changed. Try again in a few minutes.")

BY_CODE: Final = {
    "session_changed": SESSION_CHANGED,
    "card_number_refused": CARD_IN_TEXT,
    "card_declined": N_("The bank declined the card. The previous one is unchanged; try another."),
    "insufficient_funds": N_("The card has insufficient funds. The previous one is unchanged; try another."),
    "expired_card": N_("The bank says that the card has expired. The previous one is unchanged; try another."),
    "incorrect_cvc": N_("The CVV does not match the card. The previous one is unchanged; check it and try again."),
    "due_changed": N_("What you owe changed while you were typing. Check the list and confirm again."),
    "amount_changed": N_("What you would pay has changed, and nothing was charged. Check the list and confirm again."),
    "charge_running": N_("A charge for this invoice is under way. We will tell you here how it ends; nothing more was charged."),
    "nothing_owed": N_("Nothing is owed on this invoice any more, so nothing was charged."),
    "payment_method_gone": N_("That card is no longer on file, and nothing was charged. Check your payment method."),
    "export_running": N_("Another download of your history is being made. Wait until it is done and ask for this one again."),
    "kafka_unavailable": UNAVAILABLE,
    "too_busy": UNAVAILABLE,
}
BY_STATUS: Final = {
    401: N_("Your session has ended or the link is no longer good. Open your link again."),
    404: NOWHERE,
    405: NOWHERE,
    409: N_("That is not possible now: your subscription changed in the meantime. Go back to the portal to see how it is."),
    503: UNAVAILABLE,
}
UNREADABLE: Final = N_("We could not read what you sent and nothing changed. Go back to the portal and try again.")


def explain(language: Language, status: int, code: str, headers: Mapping[str, str]) -> str:
    """One or two sentences for a problem's status and code."""
    if code == "too_many_payments":
        return language.say_count(
            "You have tried to pay this invoice several times. Try again in %(count)d hour, or update your card.",
            "You have tried to pay this invoice several times. Try again in %(count)d hours, or update your card.",
            ceil(minutes_to_wait(headers) / 60),
        )
    if status == 429 and code not in BY_CODE:
        return language.say_count(
            "You tried many times. Try again in %(count)d minute.",
            "You tried many times. Try again in %(count)d minutes.",
            minutes_to_wait(headers),
        )
    if status == 415:
        return language.say("This address takes %(types)s, and nothing changed.", types=_header(headers, "accept"))
    otherwise = UNREADABLE if status < 500 else UNKNOWN
    sentence = BY_CODE.get(code) or BY_STATUS.get(status, otherwise)
    return language.say(sentence)


def minutes_to_wait(headers: Mapping[str, str]) -> int:
    """Retry-After in minutes, at least one."""
    seconds = _header(headers, "retry-after")
    return max(1, ceil(int(seconds) / 60)) if seconds.isdigit() else 1


def _header(headers: Mapping[str, str], name: str) -> str:
    return {key.lower(): value for key, value in headers.items()}.get(name, "")
