"""The rotation of a key: `new` adds a second one, `rotate` makes it the first, `retire` removes the old one.

The first one signs or wraps, both verify or unwrap.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from chassis.service.settings import SettingsError
from portalctl.local.keys import Keys, new_value

ALL = "all"
"""Stands for the names of all keys."""

_NOTHING_NEW = "{0} has no new key: `portalctl keys new {0}` adds one"
_NEW = "{0} has a new key that is not in use: `portalctl keys rotate {0}` uses it"
_OLD = "{0} uses its new key: `portalctl keys retire {0}` removes the old one"


def named(keys: Keys, names: Iterable[str]) -> list[str]:
    """The keys with these names. Raises SettingsError."""
    known, chosen = keys.names, list(dict.fromkeys(names))
    if unknown := [name for name in chosen if name not in (*known, ALL)]:
        expected = f"expected {', '.join(known)} or {ALL}"
        raise SettingsError([f"the key {name!r} is unknown; {expected}" for name in unknown])
    return known if ALL in chosen else chosen


def new(keys: Keys, name: str, at: str) -> Keys:
    """Add a second key. Raises SettingsError if there are two."""
    _require(keys, name, None)
    value = new_value(name, _number(keys.first(name)) + 1)
    return keys.with_values(name, keys.first(name), {"value": value, "state": "new", "since": at})


def rotate(keys: Keys, name: str, at: str) -> Keys:
    """Make the new key the first one. Raises SettingsError if there is no new one."""
    _require(keys, name, "new")
    return keys.with_values(name, keys.others[name]["value"], {"value": keys.first(name), "state": "old", "since": at})


def retire(keys: Keys, name: str, at: str) -> Keys:
    """Remove the old key. Raises SettingsError if the first one is not a new one."""
    _require(keys, name, "old")
    return keys.with_values(name, keys.first(name), None)


STEPS: Mapping[str, Callable[[Keys, str, str], Keys]] = {"new": new, "rotate": rotate, "retire": retire}

EFFECTS: Mapping[str, str] = {
    "new": "add a second key that is accepted, and not used yet",
    "rotate": "use the new key; what the old one made stays valid",
    "retire": "remove the old key; what it made is refused",
}


def stepped(keys: Keys, step: str, names: Iterable[str], at: str) -> Keys:
    """All keys after this step of each. Raises SettingsError with a sentence for each that is out of order."""
    problems = []
    for name in names:
        try:
            keys = STEPS[step](keys, name, at)
        except SettingsError as error:
            problems += error.problems
    if problems:
        raise SettingsError(problems)
    return keys


def described(keys: Keys, name: str) -> dict[str, Any]:
    """The key without its values: the ids of the live ones, the first one first, and the step that comes next."""
    other = keys.others.get(name, {})
    state = other.get("state", "one")
    return {
        "name": name,
        "ids": [id_of(value) for value in keys.live(name)],
        "state": state,
        "since": other.get("since"),
        "next": {"one": "new", "new": "rotate", "old": "retire"}[state],
    }


def id_of(value: Any) -> str:
    """The `kid` of a service's key, else the start of the value's SHA-256."""
    return str(value["kid"]) if isinstance(value, Mapping) else hashlib.sha256(value.encode()).hexdigest()[:8]


def _require(keys: Keys, name: str, state: str | None) -> None:
    existing = keys.others.get(name, {}).get("state")
    if existing != state:
        sentence = {None: _NOTHING_NEW, "new": _NEW, "old": _OLD}[existing]
        raise SettingsError([sentence.format(name)])


def _number(value: Any) -> int:
    """The number of a service's key. The first one may have the name of the service as its `kid`."""
    number = str(value["kid"]).partition("/")[2] if isinstance(value, Mapping) else ""
    return int(number) if number.isdigit() else 1
