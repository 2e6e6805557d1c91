"""Projections without topics: the owner's documents of merchants, and the views that the gateway composes of its documents."""

import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from chassis.eventsourcing.aggregate import Aggregate
from chassis.postgres.connection import Connection
from chassis.tenants import MERCHANT
from portal_gateway.application.customer_view import compose
from portalctl.rebuild.shadow import DocumentDifference, ShadowComparison
from portalctl.rebuild.targets import RebuildTarget
from subscriptions.application.publication import merchant_document
from verify.checks.read_models import sources_of
from verify.rows import Row, same_json
from verify.streams import AGGREGATES

_CHUNK = 200


async def build_merchants(connection: Connection, target: RebuildTarget) -> None:
    """Fold the streams of all merchants into the schema beside the live projection."""
    aggregate: Aggregate[Any, Any, Any] = AGGREGATES["subscriptions"][MERCHANT]
    await connection.execute(f"TRUNCATE {target.schema}.projection")
    streams: dict[tuple[UUID, str], list[asyncpg.Record]] = defaultdict(list)
    async for row in connection.cursor(
        """
        SELECT merchant_id, stream, version, event_id, name, schema, body::text AS body FROM public.events
        WHERE stream LIKE 'merchant-%' ORDER BY merchant_id, stream, version
        """
    ):
        streams[row["merchant_id"], row["stream"]].append(row)
    rows = []
    for (merchant_id, stream), events in streams.items():
        state: Any = aggregate.decider.fold(
            [aggregate.codec.decode(each["name"], each["schema"], each["body"]) for each in events]
        )
        doc = json.dumps(merchant_document(UUID(stream.partition("-")[2]), state))
        rows.append((merchant_id, stream, events[-1]["version"], events[-1]["event_id"], doc))
    # The owner writes another id than the event's; a document at the right version keeps it.
    await connection.executemany(
        f"""
        INSERT INTO {target.schema}.projection (merchant_id, name, aggregate, sequence, event_id, doc)
        VALUES ($1, '{MERCHANT}', $2, $3, coalesce((
            SELECT event_id FROM public.projection
            WHERE (merchant_id, name, aggregate, sequence) = ($1, '{MERCHANT}', $2, $3)), $4), $5::text::jsonb)
        """,
        rows,
    )


@dataclass(frozen=True)
class DifferingViews:
    comparison: ShadowComparison
    customers: set[tuple[UUID, UUID]]


async def differing_views(connection: Connection, most: int, progress: Callable[[int, int], None]) -> DifferingViews:
    """Compare each customer's view with a composition of the documents, at one instant."""
    differences: list[DocumentDifference] = []
    customers: set[tuple[UUID, UUID]] = set()
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute("SET LOCAL transaction_timeout = 0")
        total = await connection.fetchval(f"SELECT count(*) FROM ({_CUSTOMERS}) AS customer")
        done = 0
        keys = await connection.fetch(f"{_CUSTOMERS} ORDER BY 1, 2")
        for first in range(0, len(keys), _CHUNK):
            chunk = keys[first : first + _CHUNK]
            ids = [row["merchant_id"] for row in chunk], [row["customer_id"] for row in chunk]
            documents: dict[tuple[UUID, UUID], list[Row]] = defaultdict(list)
            for row in await connection.fetch(_DOCUMENTS, *ids):
                documents[row["merchant_id"], row["customer_id"]].append(dict(row))
            for row in await connection.fetch(_VIEWS, *ids):
                key = row["merchant_id"], row["customer_id"]
                expected = json.loads(json.dumps(compose(key[1], sources_of(documents[key]))))
                stored = row["doc"]
                if stored is not None and not same_json(stored, expected):
                    fields = sorted(f"doc.{name}" for name in expected if _field(stored, name) != expected[name]) or ["doc"]
                    differences.append(DocumentDifference(key[0], f"customer-{key[1]}", "different", tuple(fields)))
                    customers.add(key)
                elif stored is None and row["has_documents"]:
                    differences.append(DocumentDifference(key[0], f"customer-{key[1]}", "missing", ()))
                    customers.add(key)
            done += len(chunk)
            progress(done, total)
    comparison = ShadowComparison(total, "", "", len(differences), differences[:most])
    return DifferingViews(comparison, customers)


async def forget_views(connection: Connection, customers: set[tuple[UUID, UUID]]) -> None:
    """A damaged view may not be readable, and is composed as if it had never been. No page sees it before the commit."""
    pairs = sorted(customers)
    await connection.execute(
        """
        UPDATE customer_view AS v SET doc = NULL
        FROM (SELECT * FROM unnest($1::uuid[], $2::uuid[]) AS it (merchant_id, customer_id) ORDER BY 1, 2) AS who
        WHERE (v.merchant_id, v.customer_id) = (who.merchant_id, who.customer_id)
        """,
        [merchant for merchant, _ in pairs],
        [customer for _, customer in pairs],
    )


def _field(document: Any, name: str) -> Any:
    return document.get(name, ...) if isinstance(document, dict) else ...


_CUSTOMERS = """
SELECT merchant_id, customer_id FROM customer_view
UNION SELECT merchant_id, customer_id FROM projection WHERE customer_id IS NOT NULL AND doc IS NOT NULL
"""
_DOCUMENTS = """
SELECT p.merchant_id, p.customer_id, p.name, p.aggregate, p.sequence, p.doc
FROM unnest($1::uuid[], $2::uuid[]) AS who (merchant_id, customer_id) JOIN projection AS p USING (merchant_id, customer_id)
"""
_VIEWS = """
SELECT who.merchant_id, who.customer_id, v.doc, EXISTS (
    SELECT FROM projection AS p
    WHERE (p.merchant_id, p.customer_id) = (who.merchant_id, who.customer_id) AND p.doc IS NOT NULL
) AS has_documents
FROM unnest($1::uuid[], $2::uuid[]) AS who (merchant_id, customer_id)
LEFT JOIN customer_view AS v USING (merchant_id, customer_id)
"""
