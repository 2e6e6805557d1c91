"""Finds card numbers in the free text of a database. The number itself is never shown."""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import asyncpg

from chassis.card_numbers.detection import has_card
from portalctl.cards.locations import LOCATIONS, TEXTS, Location, Treatment


@dataclass(frozen=True)
class Finding:
    location: Location
    key: tuple[str, ...]
    """The row's key as text, in the order of the location's columns."""
    fields: tuple[str, ...]
    """`comment`, `doc.customer.name`"""

    @property
    def treatment(self) -> Treatment:
        return self.location.treatment

    @property
    def row(self) -> str:
        return f"{self.location.table} {'/'.join(self.key)}: {', '.join(self.fields)}"

    def __str__(self) -> str:
        return f"{self.location.database}.{self.row}"


async def find(connection: asyncpg.Connection, database: str) -> AsyncIterator[Finding]:
    """The findings in the database of this name, read in the caller's transaction."""
    for location in LOCATIONS:
        if location.database == database:
            async for row in connection.cursor(location.query, prefetch=500):
                if fields := tuple(dict.fromkeys(_fields_with_cards(location, row))):
                    yield Finding(location, tuple(row[f"key_{name}"] for name in location.key), fields)


def _fields_with_cards(location: Location, row: asyncpg.Record) -> Iterator[str]:
    for column in location.columns:
        for path, text in texts(row[column], column):
            if has_card(text):
                yield path


def holds_card(content: Any) -> bool:
    """Whether the free text of a column or record contains a card number."""
    return any(has_card(text) for _, text in texts(content, ""))


def texts(content: Any, path: str) -> Iterator[tuple[str, str]]:
    """(path, text) of all typed text in a column: the column itself, or the known fields of its JSON."""
    parsed = _parsed(content)
    if isinstance(parsed, str):
        yield path, parsed
    else:
        yield from _within(parsed, path)


def _within(content: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(content, dict):
        for name, value in content.items():
            if isinstance(value, str):
                if name in TEXTS:
                    yield f"{path}.{name}", value
            else:
                yield from _within(value, f"{path}.{name}")
    elif isinstance(content, list):
        for value in content:
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
