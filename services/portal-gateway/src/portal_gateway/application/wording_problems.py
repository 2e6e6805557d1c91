"""Problems in the customer's words: what happened, and what to do about it."""

from collections.abc import Mapping
from math import ceil
from typing import Final

from chassis.languages import N_, Language

SESSION_CHANGED: Final = N_(
    "Another account was opened in this browser, so we reloaded the page. Check whose it is and repeat what you were doing."
)
UNKNOWN: Final = N_("We could not complete what you asked. Go back to the portal and check how it stands before repeating it.")
NOTHING_CHANGED: Final = frozenset({"service_unavailable", "kafka_unavailable", "too_busy"})


def explain(language: Language, status: int, code: str, headers: Mapping[str, str]) -> str:
    """One or two sentences for a problem's status and code."""
    if code == "session_changed":
        return language.say(SESSION_CHANGED)
    if status == 404:
        return language.say("The address may be incomplete, or it is no longer available.")
    if status == 429:
        return language.say_count(
            "You tried many times. Try again in %(count)d minute.",
            "You tried many times. Try again in %(count)d minutes.",
            minutes_to_wait(headers),
        )
    if status == 409:
        return language.say(
            "That is not possible now: your subscription changed in the meantime. Go back to the portal to see how it is."
        )
    if status == 503 or code in NOTHING_CHANGED:
        return language.say("We could not do it just now and nothing changed. Try again in a few minutes.")
    return language.say(UNKNOWN)


def minutes_to_wait(headers: Mapping[str, str]) -> int:
    """Retry-After in minutes, at least one."""
    asked = {name.lower(): value for name, value in headers.items()}.get("retry-after", "")
    return max(1, ceil(int(asked) / 60)) if asked.isdigit() else 1
