"""Finds the sandbox's test card numbers in rows, records and log files. They must not be stored."""

import re
from collections.abc import Iterator
from pathlib import Path

import asyncpg

from payments.adapters.sandbox.cards import TEST_CARDS

_CHUNK_BYTES = 1 << 20
_OVERLAP_BYTES = 128

_IN_CLEAR = "|".join("[ -]?".join(number) for number in TEST_CARDS)
_IN_HEX = "|".join("(?:20|2d)?".join(f"3{digit}" for digit in number) for number in TEST_CARDS)
PATTERN = f"{_IN_CLEAR}|{_IN_HEX}"
"""A regular expression for text with bytes in hexadecimal, as PostgreSQL writes bytea."""
_BYTES = re.compile(_IN_CLEAR.encode())


def holds_card_number(content: bytes) -> bool:
    return _BYTES.search(content) is not None


def leaking_files(folder: Path) -> Iterator[str]:
    for file in sorted(folder.rglob("*")):
        if file.is_file() and _file_holds(file):
            yield f"log file {file.name}"


async def leaking_rows(connection: asyncpg.Connection) -> list[str]:
    """`<table> <ctid>` of every row of every table with a number in any column."""
    tables = await connection.fetch(
        """
        SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
        WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1
        """
    )
    leaks = []
    for table in tables:
        rows = await connection.fetch(f"SELECT ctid::text AS place FROM {table['name']} AS it WHERE it::text ~ $1", PATTERN)
        leaks += [f"{table['name']} row {row['place']}" for row in rows]
    return leaks


def _file_holds(file: Path) -> bool:
    with file.open("rb") as content:
        before = b""
        while chunk := content.read(_CHUNK_BYTES):
            if holds_card_number(before + chunk):
                return True
            before = chunk[-_OVERLAP_BYTES:]
    return False
