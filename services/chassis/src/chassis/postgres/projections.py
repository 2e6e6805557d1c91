"""Projected documents: one row per merchant, projection and aggregate."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from chassis.store import Statement

STALE_AFTER = timedelta(seconds=5)
"""How long a row may wait for a missing event before it is shown as stale."""


@dataclass(frozen=True, slots=True)
class Document:
    aggregate: str
    """`<kind>-<uuid>`"""
    sequence: int
    """The version of the aggregate's stream that the document shows."""
    doc: dict[str, Any]
    customer_id: UUID | None
    stale_since: datetime | None
    """Since when it is known that an event is missing; None when none is."""

    def stale(self, now: datetime | None = None) -> bool:
        return self.stale_since is not None and (now or datetime.now(UTC)) - self.stale_since >= STALE_AFTER


_SELECT = "SELECT aggregate, sequence, doc::text AS doc, customer_id, stale_since FROM projection WHERE doc IS NOT NULL AND "


async def document(connection: asyncpg.Connection, name: str, merchant_id: UUID, aggregate: str) -> Document | None:
    row = await connection.fetchrow(_SELECT + "merchant_id = $1 AND name = $2 AND aggregate = $3", merchant_id, name, aggregate)
    return None if row is None else _document(row)


async def documents(
    connection: asyncpg.Connection, name: str, merchant_id: UUID, customer_id: UUID | None = None
) -> list[Document]:
    """All of the merchant's documents under this name, or one customer's; ordered by aggregate."""
    rows = await connection.fetch(
        _SELECT + "merchant_id = $1 AND name = $2 AND ($3::uuid IS NULL OR customer_id = $3) ORDER BY aggregate",
        merchant_id,
        name,
        customer_id,
    )
    return [_document(row) for row in rows]


def project(
    name: str, merchant_id: UUID, aggregate: str, customer_id: UUID | None, sequence: int, event_id: UUID, doc: dict[str, Any]
) -> Statement:
    """The row that an owner writes in its own write set; a lower sequence than the row's changes nothing."""
    return Statement(
        """
        INSERT INTO projection AS row (name, merchant_id, aggregate, customer_id, sequence, event_id, doc)
        VALUES ($1, $2, $3, $4, $5, $6, $7::text::jsonb)
        ON CONFLICT (merchant_id, name, aggregate) DO UPDATE
        SET customer_id = excluded.customer_id, sequence = excluded.sequence, event_id = excluded.event_id,
            doc = excluded.doc, stale_since = NULL
        WHERE row.sequence < excluded.sequence
        """,
        (name, merchant_id, aggregate, customer_id, sequence, event_id, json.dumps(doc)),
    )


def _document(row: asyncpg.Record) -> Document:
    return Document(row["aggregate"], row["sequence"], json.loads(row["doc"]), row["customer_id"], row["stale_since"])
