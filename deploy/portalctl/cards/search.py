"""Where a database's free text holds a card number. The number itself is shown nowhere."""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import asyncpg

from chassis.card_numbers.detection import has_card
from portalctl.cards.locations import PLACES, TEXTS, Place, Treatment


@dataclass(frozen=True)
class Finding:
    place: Place
    key: tuple[str, ...]
    """The row's, as text, in the order of the place's columns."""
    fields: tuple[str, ...]
    """`comment`, `doc.customer.name`"""

    @property
    def treatment(self) -> Treatment:
        return self.place.treatment

    @property
    def row(self) -> str:
        return f"{self.place.table} {'/'.join(self.key)}: {', '.join(self.fields)}"

    def __str__(self) -> str:
        return f"{self.place.database}.{self.row}"


async def find(connection: asyncpg.Connection, database: str) -> AsyncIterator[Finding]:
    """In the caller's transaction, of the database of this name."""
    for place in PLACES:
        if place.database == database:
            async for row in connection.cursor(place.query, prefetch=500):
                if fields := tuple(dict.fromkeys(_fields_with_cards(place, row))):
                    yield Finding(place, tuple(row[f"key_{name}"] for name in place.key), fields)


def _fields_with_cards(place: Place, row: asyncpg.Record) -> Iterator[str]:
    for column in place.columns:
        for path, text in texts(row[column], column):
            if has_card(text):
                yield path


def holds_card(content: Any) -> bool:
    """Whether the free text in a column, or in a record, holds one."""
    return any(has_card(text) for _, text in texts(content, ""))


def texts(content: Any, path: str) -> Iterator[tuple[str, str]]:
    """(path, text) of all that people typed in a column: the column itself, or the known fields of its JSON."""
    found = _parsed(content)
    if isinstance(found, str):
        yield path, found
    else:
        yield from _within(found, path)


def _within(found: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(found, dict):
        for name, value in found.items():
            if isinstance(value, str):
                if name in TEXTS:
                    yield f"{path}.{name}", value
            else:
                yield from _within(value, f"{path}.{name}")
    elif isinstance(found, list):
        for value in found:
            yield from _within(value, path)


def _parsed(content: Any) -> Any:
    """JSON as values; anything else as text."""
    if isinstance(content, bytes):
        content = content.decode(errors="replace")
    if isinstance(content, str) and content[:1] in ("{", "["):
        try:
            return json.loads(content)
        except (ValueError, RecursionError):
            return content
    return content
