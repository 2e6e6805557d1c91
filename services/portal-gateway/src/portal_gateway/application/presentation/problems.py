"""The sentences for problems: what happened, and what to do."""

from collections.abc import Mapping
from math import ceil
from typing import Final

from presentation.languages import N_, Language

SESSION_CHANGED: Final = N_(
    "The portal was opened with another link in this browser; your request wasn't processed. Go back and check whose "
    "account it is."
)
UNKNOWN: Final = N_("We couldn't complete your request. Go back to the portal and check your account before trying again.")
CARD_IN_TEXT: Final = N_("This looks like a card number. Delete it: we don't need it here.")
CARD_TAKEN_OUT: Final = N_("We removed what looks like a card number: we don't need it here. Check the rest and confirm again.")
NOWHERE: Final = N_("The address may be incomplete, or the page may no longer be available.")
CARD_REMOVED: Final = N_("We removed what looks like a card number from your comment: we don't need it here.")
UNAVAILABLE: Final = N_("We couldn't do this right now. Nothing changed: try again in a few minutes.")

BY_CODE: Final = {
    "session_changed": SESSION_CHANGED,
    "card_number_refused": CARD_IN_TEXT,
    "card_declined": N_("The bank declined the card. Your previous card is unchanged; try another one."),
    "insufficient_funds": N_("The card has insufficient funds. Your previous card is unchanged; try another one."),
    "expired_card": N_("According to the bank, the card has expired. Your previous card is unchanged; try another one."),
    "incorrect_cvc": N_("The CVV doesn't match the card. Your previous card is unchanged; check the CVV and try again."),
    "due_changed": N_("The amount due changed while you were filling this in. Review it and confirm again."),
    "amount_changed": N_("The amount to pay has changed. Nothing was charged: review it and confirm again."),
    "charge_running": N_(
        "A payment for this invoice is already being processed. You'll see the result here; nothing else was charged."
    ),
    "nothing_owed": N_("There's no amount due on this invoice anymore, so nothing was charged."),
    "payment_method_gone": N_("That card is no longer on file. Nothing was charged: check your payment method."),
    "last_payment_method": N_(
        "It's your only card, and it's needed for a subscription or an amount due. Add another card first, or cancel your "
        "subscription. Nothing changed."
    ),
    "too_many_payment_methods": N_("You have as many cards as possible. Remove one before you add another. Nothing changed."),
    "default_as_backup": N_("Your default card can't be its own backup. Nothing changed: choose another card."),
    "next_default_changed": N_("Your cards changed in the meantime. Nothing was removed: review it and confirm again."),
    "consent_changed": N_("The text you agreed to has changed. Nothing changed: read it and confirm again."),
    "export_running": N_("Another download is in progress. Try again when it finishes."),
    "under_review": N_(
        "This part of your account is under review and can't be changed right now. Nothing changed and nothing was charged."
    ),
    "kafka_unavailable": UNAVAILABLE,
    "too_busy": UNAVAILABLE,
}
BY_STATUS: Final = {
    401: N_("Your session has ended or the link has expired. Open your link again."),
    404: NOWHERE,
    405: NOWHERE,
    409: N_(
        "That isn't possible now: your subscription changed in the meantime. Go back to the portal to see its current status."
    ),
    503: UNAVAILABLE,
}
UNREADABLE: Final = N_("We couldn't read what you sent. Nothing changed: go back to the portal and try again.")


def explain(language: Language, status: int, code: str, headers: Mapping[str, str]) -> str:
    """One or two sentences for a problem's status and code."""
    if code == "too_many_payments":
        return language.say_count(
            "You've tried to pay this invoice several times. Try again in %(count)d hour, or update your card.",
            "You've tried to pay this invoice several times. Try again in %(count)d hours, or update your card.",
            ceil(minutes_to_wait(headers) / 60),
        )
    if status == 429 and code not in BY_CODE:
        return language.say_count(
            "Too many attempts. Try again in %(count)d minute.",
            "Too many attempts. Try again in %(count)d minutes.",
            minutes_to_wait(headers),
        )
    if status == 415:
        return language.say("This address only accepts %(types)s. Nothing changed.", types=_header(headers, "accept"))
    otherwise = UNREADABLE if status < 500 else UNKNOWN
    sentence = BY_CODE.get(code) or BY_STATUS.get(status, otherwise)
    return language.say(sentence)


def minutes_to_wait(headers: Mapping[str, str]) -> int:
    """Retry-After in minutes, at least one."""
    seconds = _header(headers, "retry-after")
    return max(1, ceil(int(seconds) / 60)) if seconds.isdigit() else 1


def _header(headers: Mapping[str, str], name: str) -> str:
    return {key.lower(): value for key, value in headers.items()}.get(name, "")
