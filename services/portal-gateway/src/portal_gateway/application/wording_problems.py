"""Problems in the customer's words: what happened, and what to do about it."""

from collections.abc import Mapping
from math import ceil

from portal_gateway.application.wording_language import Language

NOTHING_CHANGED = frozenset({"service_unavailable", "kafka_unavailable", "too_busy"})


def explain(language: Language, status: int, code: str, headers: Mapping[str, str]) -> str:
    """One or two sentences for a problem's status and code."""
    if code == "session_changed":
        return language.say("session_changed")
    if status == 404:
        return language.say("error_not_found")
    if status == 429:
        return language.say("error_too_many", count=minutes_to_wait(headers))
    if status == 409:
        return language.say("error_refused")
    return language.say("error_unavailable" if status == 503 or code in NOTHING_CHANGED else "error_unknown")


def minutes_to_wait(headers: Mapping[str, str]) -> int:
    """Retry-After in minutes, at least one."""
    asked = {name.lower(): value for name, value in headers.items()}.get("retry-after", "")
    return max(1, ceil(int(asked) / 60)) if asked.isdigit() else 1
