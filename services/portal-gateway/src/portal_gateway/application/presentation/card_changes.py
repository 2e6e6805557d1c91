"""The changes of a customer's cards, in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from portal_gateway.application.presentation.common import Reader
from portal_gateway.domain.view import CardChange
from presentation.languages import N_

TITLE: Final = N_("Card changes")
WORDS: Final = {
    "added": N_("%(card)s was added"),
    "removed": N_("%(card)s was removed"),
    "backup": N_("%(card)s became your backup card, as you agreed"),
    "no_backup": N_("%(card)s is no longer your backup card"),
}
FIRST: Final = N_("%(card)s became your default card")
REPLACED: Final = N_("%(card)s became your default card instead of %(former)s")
REFRESHED: Final = N_("The bank updated %(former)s: now %(card)s, valid through %(month)02d/%(year)d")


@dataclass(frozen=True, slots=True)
class ChangeLine:
    kind: str
    iso_date: str
    date: str
    what: str


def card_changes(reader: Reader, changes: Sequence[CardChange]) -> tuple[ChangeLine, ...]:
    return tuple(_line(reader, change) for change in changes)


def _line(reader: Reader, change: CardChange) -> ChangeLine:
    day = reader.date(change["at"])
    return ChangeLine(change["kind"], day.isoformat(), reader.language.short_day(day), sentence_about(reader, change))


def sentence_about(reader: Reader, change: CardChange) -> str:
    """The sentence about one change."""
    card, former = reader.card(change["card"]), change.get("before")
    match change["kind"]:
        case "default" if former:
            return reader.say(REPLACED, card=card, former=reader.card(former))
        case "default":
            return reader.say(FIRST, card=card)
        case "refreshed":
            face = change["card"]
            was = reader.card(former or face)
            return reader.say(REFRESHED, former=was, card=card, month=face["exp_month"], year=face["exp_year"])
        case kind:
            return reader.say(WORDS[kind], card=card)
