"""The table `projection`: one document per merchant, projection and aggregate."""

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

RowKey = tuple[UUID, str, str]
"""(merchant, projection, aggregate)"""


class Overtaken(Exception):
    """Another writer has changed a row since it was loaded; the batch must be tried again."""


STALE_AFTER = timedelta(seconds=5)
"""How long an event may be missing before the document counts as stale."""


@dataclass(frozen=True, slots=True)
class ProjectedDocument:
    aggregate: str
    """`<kind>-<uuid>`"""
    sequence: int
    """The version of the aggregate's stream that the document reflects."""
    doc: dict[str, Any]
    customer_id: UUID | None
    stale_since: datetime | None
    """When an event was first known to be missing; None if no event is missing."""

    def stale(self, now: datetime | None = None) -> bool:
        return self.stale_since is not None and (now or datetime.now(UTC)) - self.stale_since >= STALE_AFTER


_SELECT = (
    "SELECT projection.aggregate, sequence, doc::text AS doc, customer_id, stale_since FROM projection WHERE doc IS NOT NULL AND "
)


async def document(connection: Connection, name: str, merchant_id: UUID, aggregate: str) -> ProjectedDocument | None:
    row = await connection.fetchrow(_SELECT + "merchant_id = $1 AND name = $2 AND aggregate = $3", merchant_id, name, aggregate)
    return None if row is None else _document(row)


async def documents(
    connection: Connection, name: str, merchant_id: UUID, customer_id: UUID | None = None
) -> list[ProjectedDocument]:
    """The projection's documents of a merchant or of one customer, ordered by aggregate."""
    if customer_id is None:
        rows = await connection.fetch(_SELECT + "merchant_id = $1 AND name = $2 ORDER BY aggregate", merchant_id, name)
    else:
        condition = "merchant_id = $1 AND customer_id = $2 AND name = $3 ORDER BY aggregate"
        rows = await connection.fetch(_SELECT + condition, merchant_id, customer_id, name)
    return [_document(row) for row in rows]


async def documents_of(
    connection: Connection, name: str, merchant_id: UUID, aggregates: Collection[str]
) -> dict[str, ProjectedDocument]:
    """The projection's documents of these aggregates, by aggregate; aggregates without a document are missing."""
    if not aggregates:
        return {}
    # LATERAL and LIMIT for the same reason as in `load`.
    rows = await connection.fetch(
        f"""
        SELECT document.* FROM unnest($3::text[]) AS key (aggregate)
        CROSS JOIN LATERAL ({_SELECT} merchant_id = $1 AND name = $2 AND projection.aggregate = key.aggregate LIMIT 1) AS document
        """,
        merchant_id,
        name,
        list(aggregates),
    )
    return {row["aggregate"]: _document(row) for row in rows}


def project(
    name: str, merchant_id: UUID, aggregate: str, customer_id: UUID | None, sequence: int, event_id: UUID, doc: dict[str, Any]
) -> Statement:
    """The statement with which an owner projects in its own write set. A sequence that is not higher changes nothing."""
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


async def load(connection: Connection, rows: Mapping[RowKey, ProjectedRow]) -> None:
    """Fill empty rows with the stored documents and early events, in one query without locks."""
    # A connection keeps the execution strategy that was best while the table was small; for a join it reads the whole table.
    # LIMIT forces a look-up of each key.
    loaded = await connection.fetch(
        """
        SELECT key.*, row.*, early.envelopes
        FROM unnest($1::uuid[], $2::text[], $3::text[]) AS key (merchant_id, name, aggregate)
        LEFT JOIN LATERAL (
            SELECT p.customer_id, p.sequence, p.event_id, p.doc::text AS doc, p.stale_since FROM projection p
            WHERE p.merchant_id = key.merchant_id AND p.name = key.name AND p.aggregate = key.aggregate LIMIT 1
        ) AS row ON true
        LEFT JOIN LATERAL (
            SELECT array_agg(w.envelope) AS envelopes FROM waiting w
            WHERE w.merchant_id = key.merchant_id AND w.name = key.name AND w.aggregate = key.aggregate
        ) AS early ON true
        """,
        *_columns(rows, 3),
    )
    for merchant_id, name, aggregate, customer_id, sequence, event_id, doc, stale_since, envelopes in loaded:
        row = rows[merchant_id, name, aggregate]
        if sequence is not None:
            row.stored_sequence = row.sequence = sequence
            row.stored = True
            row.event_id, row.customer_id, row.stale_since = event_id, customer_id, stale_since
            row.doc = None if doc is None else from_json(doc)
        for text in envelopes or ():
            envelope = Envelope.model_validate_json(text)
            row.early[envelope.sequence] = envelope


async def save(connection: Connection, rows: Sequence[ProjectedRow]) -> None:
    """Write the changed rows, delete the empty ones. Raises Overtaken if another writer has changed one since it was loaded."""
    changed = [row for row in rows if row.changed and not row.empty]
    changed.sort(key=lambda row: (row.merchant_id.int, row.projection.name, row.aggregate))  # comparing UUID objects is slow
    if changed:
        await _upsert(connection, changed)
    if erased := {row.key: row for row in rows if row.empty and row.stored}:
        await connection.execute(
            """
            DELETE FROM projection
            USING unnest($1::uuid[], $2::text[], $3::text[]) AS erased (merchant_id, name, aggregate)
            WHERE (projection.merchant_id, projection.name, projection.aggregate)
                = (erased.merchant_id, erased.name, erased.aggregate)
            """,
            *_columns(erased, 3),
        )


async def _upsert(connection: Connection, rows: Sequence[ProjectedRow]) -> None:
    # `steps` is the distance from the loaded sequence to the new one: the WHERE clause finds rows changed by another writer.
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


def _columns(keys: Iterable[RowKey], width: int) -> list[tuple[Any, ...]]:
    return list(zip(*keys, strict=True)) or [()] * width


def _document(row: asyncpg.Record) -> ProjectedDocument:
    return ProjectedDocument(row["aggregate"], row["sequence"], from_json(row["doc"]), row["customer_id"], row["stale_since"])
