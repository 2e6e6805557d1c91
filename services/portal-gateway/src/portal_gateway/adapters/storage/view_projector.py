"""Composes the views of customers after changes of their documents, in the same transaction."""

from collections import defaultdict
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg
from pydantic_core import from_json, to_json

from chassis.postgres.connection import Connection
from portal_gateway.application.customer_view import INVOICES_ON_THE_PAGE, Source, Sources, changed_panes, compose, empty
from portal_gateway.domain.view import CustomerKey, CustomerView

_WHO = "(SELECT * FROM unnest($1::uuid[], $2::uuid[]) AS it (merchant_id, customer_id)) who"


async def recompose(connection: Connection, changed: AbstractSet[CustomerKey]) -> None:
    """Compose the views of the changed customers. A view that is the same as before keeps its revision.

    The views are locked before their sources are read: of two batches that change the same customer, the second sees the
    changes of the first.
    """
    ids = _in_order(changed)
    locked = await _lock(connection, ids)
    sources = await _sources(connection, ids)
    written = []
    for row in locked:
        who = row["merchant_id"], row["customer_id"]
        old: CustomerView = from_json(row["doc"]) if row["doc"] else empty(who[1])
        new = compose(who[1], sources[who].as_composed())
        panes = changed_panes(old, new)
        if panes or row["doc"] is None:
            revision = row["revision"] + 1
            written.append((*who, revision, _json(new), _json(from_json(row["panes"]) | dict.fromkeys(panes, revision))))
    if written:
        await connection.execute(
            """
            INSERT INTO customer_view (merchant_id, customer_id, revision, doc, panes)
            SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::json[], $5::json[])
            ON CONFLICT (merchant_id, customer_id) DO UPDATE
            SET revision = excluded.revision, doc = excluded.doc, panes = excluded.panes
            """,
            *(list(column) for column in zip(*written, strict=True)),
        )


def _json(value: object) -> str:
    return to_json(value).decode()


async def create_empty(connection: Connection, changed: AbstractSet[CustomerKey]) -> set[CustomerKey]:
    """Insert an empty view for each customer without a view row; returns the customers with a composed view."""
    locked = await _lock(connection, _in_order(changed))
    return {(row["merchant_id"], row["customer_id"]) for row in locked if row["doc"] is not None}


def _in_order(customers: AbstractSet[CustomerKey]) -> tuple[list[UUID], list[UUID]]:
    # PostgreSQL's order of UUIDs. Comparing integers is faster than comparing UUID objects.
    ordered = sorted(customers, key=lambda key: (key[0].int, key[1].int))
    return [merchant for merchant, _ in ordered], [customer for _, customer in ordered]


async def _lock(connection: Connection, ids: tuple[list[UUID], list[UUID]]) -> list[asyncpg.Record]:
    """Lock the views in the order of their ids, so that concurrent batches do not deadlock.

    A view that is inserted in between can still cause a deadlock: PostgreSQL detects it and the batch is retried.
    """
    locked = await connection.fetch(_LOCKED, *ids)
    if len(locked) < len(ids[0]):  # some views are new; the others are locked now
        await connection.execute(
            f"INSERT INTO customer_view (merchant_id, customer_id) SELECT * FROM {_WHO} ORDER BY 1, 2 ON CONFLICT DO NOTHING",
            *ids,
        )
        locked = await connection.fetch(_LOCKED, *ids)
    return locked


# Also deletes accepted commands after their events have arrived.
_LOCKED = f"""
WITH arrived AS (
    DELETE FROM accepted_command a USING {_WHO}
    WHERE a.merchant_id = who.merchant_id AND a.customer_id = who.customer_id AND a.version <= (
        SELECT p.sequence FROM projection p
        WHERE p.merchant_id = a.merchant_id AND p.name = split_part(a.aggregate, '-', 1) AND p.aggregate = a.aggregate
    )
)
SELECT locked.* FROM {_WHO} CROSS JOIN LATERAL (
    SELECT v.merchant_id, v.customer_id, v.revision, v.doc::text AS doc, v.panes::text AS panes FROM customer_view v
    WHERE v.merchant_id = who.merchant_id AND v.customer_id = who.customer_id LIMIT 1 FOR UPDATE
) AS locked
"""


@dataclass
class _Gathered:
    """One customer's documents, in the order in which the query returns them."""

    by_kind: dict[str, list[Source]] = field(default_factory=lambda: defaultdict(list))
    invoice_count: int = 0
    invoice_years: list[int] = field(default_factory=list)

    def as_composed(self) -> Sources:
        return Sources(
            customer=next(iter(self.by_kind["customer"]), None),
            wallet=next(iter(self.by_kind["wallet"]), None),
            subscriptions=self.by_kind["subscription"],
            invoices=self.by_kind["invoice"],
            payments={each.aggregate.removeprefix("payment-"): each for each in self.by_kind["payment"]},
            owed={each.aggregate.removeprefix("invoice-"): each for each in self.by_kind["owed"]},
            invoice_count=self.invoice_count,
            invoice_years=self.invoice_years,
        )


async def _sources(connection: Connection, ids: tuple[list[UUID], list[UUID]]) -> dict[CustomerKey, _Gathered]:
    sources: dict[CustomerKey, _Gathered] = defaultdict(_Gathered)
    for row in await connection.fetch(_DOCUMENTS, *ids, INVOICES_ON_THE_PAGE):
        gathered = sources[row["merchant_id"], row["customer_id"]]
        if row["years"] is not None:
            gathered.invoice_count, gathered.invoice_years = row["sequence"], [int(year) for year in row["years"]]
        else:
            gathered.by_kind[row["name"]].append(Source(row["aggregate"], row["sequence"], from_json(row["doc"])))
    return sources


# LATERAL with LIMIT or OFFSET makes cached plans look up each customer by key, even those made while the table was small.
_DOCUMENTS = f"""
WITH newest AS (
    SELECT i.* FROM {_WHO} CROSS JOIN LATERAL (
        SELECT p.merchant_id, p.customer_id, p.name, p.aggregate, p.sequence, p.doc FROM projection p
        WHERE p.merchant_id = who.merchant_id AND p.customer_id = who.customer_id AND p.name = 'invoice' AND p.doc IS NOT NULL
        ORDER BY p.doc ->> 'issued_on' DESC, p.doc ->> 'number' DESC LIMIT $3
    ) i
), others AS (
    SELECT d.* FROM {_WHO} CROSS JOIN LATERAL (
        SELECT p.merchant_id, p.customer_id, p.name, p.aggregate, p.sequence, p.doc FROM projection p
        WHERE p.merchant_id = who.merchant_id AND p.customer_id = who.customer_id
          AND p.name IN ('customer', 'wallet', 'subscription') AND p.doc IS NOT NULL OFFSET 0
    ) d
), documents AS (
    SELECT o.*, NULL AS issued_on, NULL AS number, NULL::text[] AS years FROM others o
    UNION ALL
    SELECT d.*, NULL, NULL, NULL FROM others o CROSS JOIN LATERAL (
        SELECT p.merchant_id, p.customer_id, 'owed', p.aggregate, p.sequence, p.doc FROM projection p
        WHERE p.merchant_id = o.merchant_id AND p.name = 'invoice'
          AND p.aggregate = 'invoice-' || (o.doc -> 'debt' ->> 'invoice_id')
          AND p.customer_id = o.customer_id AND p.doc IS NOT NULL LIMIT 1
    ) d
    WHERE o.name = 'subscription' AND o.doc ->> 'ended_at' IS NOT NULL
    UNION ALL
    SELECT d.*, NULL, NULL, NULL FROM newest n CROSS JOIN LATERAL (
        SELECT p.merchant_id, p.customer_id, p.name, p.aggregate, p.sequence, p.doc FROM projection p
        WHERE p.merchant_id = n.merchant_id AND p.name = 'payment' AND p.aggregate = 'payment-' || substr(n.aggregate, 9)
          AND p.customer_id = n.customer_id AND p.doc IS NOT NULL LIMIT 1
    ) d
    UNION ALL
    SELECT n.*, n.doc ->> 'issued_on', n.doc ->> 'number', NULL FROM newest n
    UNION ALL
    SELECT who.merchant_id, who.customer_id, 'count of invoices', '', counted.invoices, NULL, NULL, NULL, counted.years
    FROM {_WHO} CROSS JOIN LATERAL (
        SELECT count(*) AS invoices, array_agg(DISTINCT left(p.doc ->> 'issued_on', 4)) AS years FROM projection p
        WHERE p.merchant_id = who.merchant_id AND p.customer_id = who.customer_id AND p.name = 'invoice' AND p.doc IS NOT NULL
    ) counted
    WHERE counted.invoices > 0
)
SELECT merchant_id, customer_id, name, aggregate, sequence, doc::text AS doc, years FROM documents
ORDER BY merchant_id, customer_id, name, issued_on DESC, number DESC, aggregate
"""
