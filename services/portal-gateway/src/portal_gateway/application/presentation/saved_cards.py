"""The cards on file with their roles, and the dialogs that change them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from chassis.text import isolated
from portal_gateway.application.presentation.card_changes import TITLE
from portal_gateway.application.presentation.cards_on_file import saved
from portal_gateway.application.presentation.common import Badge, Reader
from portal_gateway.application.presentation.payment_method import expiry, expiry_badge, removed_by_provider
from portal_gateway.application.results import RemovalPreview
from portal_gateway.application.view import View
from portal_gateway.domain.view import SavedMethod
from presentation.languages import N_, in_context

CARDS_MAX: Final = 10
"""As many cards as the payments service accepts."""
BACKUP_TEXT: Final = "backup-1"
"""Version of the text below. A change of its meaning is a new version."""
BACKUP_CONSENT: Final = N_(
    "If a charge to my default card is refused for good, or fails at the last retry, %(company)s may charge that invoice once to "
    "%(card)s, for the same amount."
)

MAKE_DEFAULT: Final = N_("Make default")
STOP_USING: Final = N_("Stop using as backup")
REMOVE: Final = N_("Remove card")
Action = Literal["default", "backup", "no-backup", "remove"]
ACTIONS: Final[Mapping[str, Action]] = {"default": "default", "backup": "backup", "no-backup": "no-backup", "remove": "remove"}


@dataclass(frozen=True, slots=True)
class CardLine:
    """A line of the list."""

    id: str
    brand: str
    label: str
    expiry: str
    badges: tuple[Badge, ...]
    options: str
    """The name of the menu."""
    actions: tuple[tuple[Action, str], ...]
    """Each with its words."""


@dataclass(frozen=True, slots=True)
class CardList:
    cards: tuple[CardLine, ...]
    """Empty with less than two cards: then the page shows the default alone."""
    changes: str
    """The words of the button to the list of changes."""
    add: str | None
    """The words of the button; None without a card, which has a button of its own, and with as many as are allowed."""
    full: str | None
    removed: str | None
    """What became of a card that the provider does not have any more."""


@dataclass(frozen=True, slots=True)
class CardDialog:
    heading: str
    sentences: tuple[str, ...]
    confirm: str | None
    """None if the action is not possible; then the sentences say why, and what is."""
    tone: str = "primary"
    consent: str | None = None
    """The text that is agreed to with `confirm`."""
    next_default: str = ""
    """The id of the card that is named as the next default."""
    add: bool = False
    """Whether a way out is to add another card."""


def saved_cards(reader: Reader, view: View) -> CardList:
    methods = saved(view)
    several = len(methods) > 1
    full = reader.say("You have %(count)d cards, the maximum. Remove one to add another.", count=CARDS_MAX)
    return CardList(
        tuple(_card(reader, method) for method in methods) if several else (),
        reader.say(TITLE),
        reader.say("Add another card") if 0 < len(methods) < CARDS_MAX else None,
        full if len(methods) >= CARDS_MAX else None,
        removed_by_provider(reader, view),
    )


def _card(reader: Reader, method: SavedMethod) -> CardLine:
    label, month, year = reader.card(method), method["exp_month"], method["exp_year"]
    roles = {
        "default": Badge(reader.say(in_context("card", "Default")), "good", "default"),
        "backup": Badge(reader.say(in_context("card", "Backup")), "mute", "backup"),
    }
    badges = roles.get(method["role"] or ""), expiry_badge(reader, month, year)
    return CardLine(
        method["id"],
        method["brand"],
        label,
        expiry(reader, month, year),
        tuple(badge for badge in badges if badge),
        reader.say("%(card)s: options", card=label),
        tuple((action, reader.say(words)) for action, words in possible(method)),
    )


WORDS: Final[Mapping[Action, str]] = {
    "default": MAKE_DEFAULT,
    "backup": N_("Use as backup"),
    "no-backup": STOP_USING,
    "remove": REMOVE,
}


def possible(method: SavedMethod) -> list[tuple[Action, str]]:
    """The actions of a card, each with its words."""
    actions: dict[str | None, tuple[Action, ...]] = {
        "default": ("remove",),
        "backup": ("default", "no-backup", "remove"),
        None: ("default", "backup", "remove"),
    }
    return [(action, WORDS[action]) for action in actions[method["role"]]]


def method_of(view: View, id: str) -> SavedMethod | None:
    return next((method for method in saved(view) if method["id"] == id), None)


def make_default(reader: Reader, method: SavedMethod) -> CardDialog:
    label = reader.card(method)
    sentences = [reader.say("From now on we'll charge all your subscriptions to this card. Nothing is charged now.")]
    if method["role"] == "backup":
        sentences.append(reader.say("It'll no longer be your backup card."))
    heading = reader.say("Make %(card)s your default card", card=label)
    return CardDialog(heading, tuple(sentences), reader.say(MAKE_DEFAULT))


def use_as_backup(reader: Reader, method: SavedMethod, view: View) -> CardDialog:
    label = reader.card(method)
    consent = reader.say(BACKUP_CONSENT, company=isolated(view.merchant["name"]), card=label)
    former = next((it for it in saved(view) if it["role"] == "backup" and it["id"] != method["id"]), None)
    replaces = (reader.say("It replaces %(card)s as your backup card.", card=reader.card(former)),) if former else ()
    change = reader.say("You can change this at any time under Payment method.")
    heading = reader.say("Use %(card)s as your backup card", card=label)
    return CardDialog(heading, (*replaces, change), reader.say("I agree"), consent=consent)


def stop_using_as_backup(reader: Reader, method: SavedMethod) -> CardDialog:
    heading = reader.say("Stop using %(card)s as your backup card", card=reader.card(method))
    sentence = reader.say("The card stays on file. If a payment with your default card fails, we won't charge another one.")
    return CardDialog(heading, (sentence,), reader.say(STOP_USING))


def remove(reader: Reader, preview: RemovalPreview) -> CardDialog:
    heading = reader.say("Remove %(card)s", card=reader.card(preview["payment_method"]))
    if not preview["allowed"]:
        why = reader.say("It's your only card, and it's needed for a subscription or an amount due.")
        ways = reader.say("You can add another card first and then remove this one, or cancel your subscription.")
        return CardDialog(heading, (why, ways), None, add=True)
    successor, was_default = preview["next_default"], preview["payment_method"]["is_default"]
    if successor is None:
        sentences = [reader.say("You won't have a card on file anymore.")]
    elif was_default:
        sentences = [reader.say("From now on we'll charge your subscriptions to %(card)s.", card=reader.card(successor))]
    else:
        sentences = [reader.say("Your default card stays the same: %(card)s.", card=reader.card(successor))]
    if preview["payment_method"]["is_backup"]:
        sentences.append(reader.say("You won't have a backup card anymore."))
    shown = successor["id"] if successor else ""
    return CardDialog(heading, tuple(sentences), reader.say(REMOVE), "danger", next_default=shown)


_DONE: Final[Mapping[Action, str]] = {
    "default": N_("Your default card has changed"),
    "backup": N_("Your backup card is saved"),
    "no-backup": N_("You don't have a backup card anymore"),
    "remove": N_("Your card was removed"),
}
_HOLDS: Final[Mapping[Action, Callable[[SavedMethod | None], bool]]] = {
    "default": lambda method: method is not None and method["role"] == "default",
    "backup": lambda method: method is not None and method["role"] == "backup",
    "no-backup": lambda method: method is not None and method["role"] != "backup",
    "remove": lambda method: method is None,
}


def done(reader: Reader, action: Action, method: SavedMethod | None) -> str | None:
    """The title of the result; None while the view does not show it."""
    return reader.say(_DONE[action]) if _HOLDS[action](method) else None
