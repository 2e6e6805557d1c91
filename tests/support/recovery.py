"""What a test of a restore reads from the databases, before and after."""

from collections.abc import Mapping
from typing import Any

import asyncpg

OWNERS = ("subscriptions", "payments", "invoicing")
_LEDGER = ("sandbox_method", "sandbox_charge", "sandbox_refund")


async def rows(url: str, sql: str, *values: Any) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetch(sql, *values)
    finally:
        await connection.close()


async def event_ids(databases: Mapping[str, str]) -> set[str]:
    """The ids of the private events of all services, by the URLs of their databases."""
    return {str(row["event_id"]) for name in OWNERS for row in await rows(databases[name], "SELECT event_id FROM events")}


async def provider_books(url: str) -> dict[str, str]:
    """The sandbox provider's own tables as JSON. A real provider keeps its books when a merchant restores a backup."""
    return {table: (await rows(url, f"SELECT json_agg(it) AS all FROM {table} AS it"))[0]["all"] or "[]" for table in _LEDGER}


async def keep_provider_books(url: str, books: dict[str, str]) -> None:
    for table, content in books.items():
        await rows(url, f"DELETE FROM {table}")
        await rows(url, f"INSERT INTO {table} SELECT * FROM json_populate_recordset(NULL::{table}, $1::text::json)", content)


def violated(output: str) -> dict[str, list[str]]:
    """The violated invariants of `verify`, with their lines."""
    invariants: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in output.splitlines():
        if line.startswith("I"):
            lines = invariants.setdefault(line.split()[0], []) if line.split()[1] == "broken" else []
        elif line.startswith(" "):
            lines.append(line.strip())
    return invariants
