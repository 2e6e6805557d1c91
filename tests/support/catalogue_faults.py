"""The faults of a catalogue, compared with the messages of the code."""

import re
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Literal

from babel.messages import Catalog
from babel.messages.catalog import Message

Kind = Literal["missing", "orphaned", "obsolete", "untranslated", "fuzzy", "placeholders"]
PLACEHOLDER = re.compile(r"%\((\w+)\)[\d.]*([a-z])|%%")
"""Groups: name and conversion."""


def messages(of: Catalog) -> Iterator[Message]:
    return (message for message in of if message.id)


def forms(sentence: str | Sequence[str] | None) -> tuple[str, ...]:
    """The singular and plural forms of a message or translation."""
    return (sentence or "",) if isinstance(sentence, str | None) else tuple(sentence)


def ids(message: Message) -> tuple[str, ...]:
    return forms(message.id)


def strings(message: Message) -> tuple[str, ...]:
    return forms(message.string)


def faults(committed: Catalog, of_code: Catalog) -> list[tuple[Kind, str]]:
    """(kind, English sentence). `of_code`: a catalogue with exactly the messages of the code."""
    used, translated = _by_key(of_code), _by_key(committed)
    faulty: list[tuple[Kind, str]] = [("missing", ids(used[key])[0]) for key in used if key not in translated]
    faulty += [("orphaned", ids(translated[key])[0]) for key in translated if key not in used]
    faulty += [("obsolete", ids(message)[0]) for message in committed.obsolete.values()]
    for message in translated.values():
        if message.fuzzy:
            faulty.append(("fuzzy", ids(message)[0]))
        if not all(strings(message)):
            faulty.append(("untranslated", ids(message)[0]))
        elif not _has_equal_placeholders(message):
            faulty.append(("placeholders", ids(message)[0]))
    return faulty


def _by_key(of: Catalog) -> dict[tuple[str | None, tuple[str, ...]], Message]:
    return {(message.context, ids(message)): message for message in messages(of)}


def _has_equal_placeholders(message: Message) -> bool:
    expected = sorted(PLACEHOLDER.findall(ids(message)[0]))
    return all(
        sorted(PLACEHOLDER.findall(sentence)) == expected and not ("%" in PLACEHOLDER.sub("", sentence) and expected)
        for sentence in chain(ids(message), strings(message))
    )
