"""Projected documents: one row per merchant, projection and aggregate."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
from pydantic_core import from_json, to_json

from billing_contracts.envelope import Envelope
from chassis.eventsourcing.event_store import Statement
from chassis.postgres.connection import Connection
from chassis.projections.projection import ProjectedRow

Key = tuple[UUID, str, str]
"""(merchant, projection, aggregate)"""


class Overtaken(Exception):
    """Somebody else moved a row since it was loaded: the batch is decided anew."""


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


_SELECT = (
    "SELECT projection.aggregate, sequence, doc::text AS doc, customer_id, stale_since FROM projection WHERE doc IS NOT NULL AND "
)


async def document(connection: Connection, name: str, merchant_id: UUID, aggregate: str) -> Document | None:
    row = await connection.fetchrow(_SELECT + "merchant_id = $1 AND name = $2 AND aggregate = $3", merchant_id, name, aggregate)
    return None if row is None else _document(row)


async def documents(connection: Connection, name: str, merchant_id: UUID, customer_id: UUID | None = None) -> list[Document]:
    """All of the merchant's documents under this name, or one customer's; ordered by aggregate."""
    if customer_id is None:
        rows = await connection.fetch(_SELECT + "merchant_id = $1 AND name = $2 ORDER BY aggregate", merchant_id, name)
    else:
        condition = "merchant_id = $1 AND customer_id = $2 AND name = $3 ORDER BY aggregate"
        rows = await connection.fetch(_SELECT + condition, merchant_id, customer_id, name)
    return [_document(row) for row in rows]


async def documents_of(connection: Connection, name: str, merchant_id: UUID, aggregates: Collection[str]) -> dict[str, Document]:
    """Those of the aggregates that have one under this name, by aggregate."""
    if not aggregates:
        return {}
    # LATERAL and LIMIT for the same reason as in `load`.
    rows = await connection.fetch(
        f"""
        SELECT found.* FROM unnest($3::text[]) AS asked (aggregate)
        CROSS JOIN LATERAL ({_SELECT} merchant_id = $1 AND name = $2 AND projection.aggregate = asked.aggregate LIMIT 1) AS found
        """,
        merchant_id,
        name,
        list(aggregates),
    )
    return {row["aggregate"]: _document(row) for row in rows}


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
        (name, merchant_id, aggregate, customer_id, sequence, event_id, to_json(doc).decode()),
    )


async def load(connection: Connection, rows: Mapping[Key, ProjectedRow]) -> None:
    """Fills rows that are empty with what the database has of them and what waits for them, in one query that locks nothing."""
    # A connection goes on running a query the way that was best when the table was small: of a join, by reading all of it.
    # LIMIT leaves no other way than key by key.
    found = await connection.fetch(
        """
        SELECT asked.*, row.*, waits.envelopes
        FROM unnest($1::uuid[], $2::text[], $3::text[]) AS asked (merchant_id, name, aggregate)
        LEFT JOIN LATERAL (
            SELECT p.customer_id, p.sequence, p.event_id, p.doc::text AS doc, p.stale_since FROM projection p
            WHERE p.merchant_id = asked.merchant_id AND p.name = asked.name AND p.aggregate = asked.aggregate LIMIT 1
        ) AS row ON true
        LEFT JOIN LATERAL (
            SELECT array_agg(w.envelope) AS envelopes FROM waiting w
            WHERE w.merchant_id = asked.merchant_id AND w.name = asked.name AND w.aggregate = asked.aggregate
        ) AS waits ON true
        """,
        *_columns(rows, 3),
    )
    for merchant_id, name, aggregate, customer_id, sequence, event_id, doc, stale_since, envelopes in found:
        row = rows[merchant_id, name, aggregate]
        if sequence is not None:
            row.base = row.sequence = sequence
            row.stored = True
            row.event_id, row.customer_id, row.stale_since = event_id, customer_id, stale_since
            row.doc = None if doc is None else from_json(doc)
        for text in envelopes or ():
            envelope = Envelope.model_validate_json(text)
            row.waiting[envelope.sequence] = envelope


async def save(connection: Connection, rows: Sequence[ProjectedRow]) -> None:
    """Writes the rows that changed. Raises Overtaken when somebody else moved one of them since it was loaded."""
    kept = [row for row in rows if row.touched and not row.gone]
    kept.sort(key=lambda row: (row.merchant_id.int, row.projection.name, row.aggregate))  # UUIDs compare as slowly as they hash
    if kept:
        await _upsert(connection, kept)
    if gone := {row.key: row for row in rows if row.gone and row.stored}:
        await connection.execute(
            """
            DELETE FROM projection
            USING unnest($1::uuid[], $2::text[], $3::text[]) AS gone (merchant_id, name, aggregate)
            WHERE (projection.merchant_id, projection.name, projection.aggregate) = (gone.merchant_id, gone.name, gone.aggregate)
            """,
            *_columns(gone, 3),
        )


async def _upsert(connection: Connection, rows: Sequence[ProjectedRow]) -> None:
    # `steps` leads from the sequence that was loaded to the one to be written: the guard that nobody came between
    written = await connection.fetch(
        """
        INSERT INTO projection AS row
            (merchant_id, name, aggregate, customer_id, sequence, event_id, doc, stale_since, steps)
        SELECT merchant_id, name, aggregate, customer_id, sequence, event_id, doc::jsonb, stale_since, steps
        FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::bigint[], $6::uuid[], $7::text[], $8::timestamptz[],
                    $9::bigint[])
            AS given (merchant_id, name, aggregate, customer_id, sequence, event_id, doc, stale_since, steps)
        ON CONFLICT (merchant_id, name, aggregate) DO UPDATE
        SET customer_id = excluded.customer_id, sequence = excluded.sequence, event_id = excluded.event_id,
            doc = excluded.doc, stale_since = excluded.stale_since, steps = excluded.steps
        WHERE row.sequence = excluded.sequence - excluded.steps
        RETURNING 1
        """,
        *zip(
            *((*row.key, row.customer_id, row.sequence, row.event_id, _json(row), row.stale_since, row.steps) for row in rows),
            strict=True,
        ),
    )
    if len(written) != len(rows):
        raise Overtaken


def _json(row: ProjectedRow) -> str | None:
    return None if row.doc is None else to_json(row.doc).decode()


def _columns(keys: Iterable[Key], width: int) -> list[tuple[Any, ...]]:
    return list(zip(*keys, strict=True)) or [()] * width


def _document(row: asyncpg.Record) -> Document:
    return Document(row["aggregate"], row["sequence"], from_json(row["doc"]), row["customer_id"], row["stale_since"])
