"""The stored views and documents of a customer. A page costs one round trip."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict
from uuid import UUID

import asyncpg
from pydantic_core import from_json

from chassis.tenants import Tenants
from portal_gateway.adapters.storage.sessions_sql import Living, session_of
from portal_gateway.application.customer_view import Source, empty
from portal_gateway.application.live import Glance, mark, minutes_late
from portal_gateway.application.results import InvoiceName, Neighbours
from portal_gateway.application.view import STALE_AFTER, Pending, Position, View, Visit
from portal_gateway.domain.view import CardChange, CustomerView

_BESIDES = """
    ARRAY(
        SELECT p.aggregate FROM projection p
        WHERE p.merchant_id = who.merchant_id AND p.customer_id = who.customer_id AND p.stale_since < now() - interval '5 s'
    ) AS stale,
    (
        SELECT json_agg(json_build_object(
            'kind', a.kind, 'aggregate', a.aggregate, 'version', a.version, 'detail', a.detail,
            'accepted_at', to_char(a.accepted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
        ) ORDER BY a.accepted_at, a.aggregate)
        FROM accepted_command a
        WHERE a.merchant_id = who.merchant_id AND a.customer_id = who.customer_id
          AND NOT EXISTS (
              SELECT FROM projection p
              WHERE p.merchant_id = a.merchant_id AND p.name = split_part(a.aggregate, '-', 1)
                AND p.aggregate = a.aggregate AND p.sequence >= a.version
          )
    )::text AS pending,
    (
        SELECT CASE count(*) WHEN 3 THEN min(f.as_of) END FROM freshness f
        WHERE f.service IN ('subscriptions', 'payments', 'invoicing')
    ) AS as_of
"""
"""Besides the view: the stale aggregates, the accepted commands, and the time up to which the view is complete."""
_FACTS = f"""
    v.revision, v.doc::text AS doc, m.doc::text AS merchant,
    coalesce(m.stale_since < now() - interval '5 s', false) AS merchant_behind, {_BESIDES}
"""
_ITS_VIEW = """
LEFT JOIN LATERAL (
    SELECT * FROM customer_view v WHERE v.merchant_id = who.merchant_id AND v.customer_id = who.customer_id LIMIT 1
) v ON true
"""
"""LIMIT makes plans use the key: one made while the tables were small would scan them."""
_ITS_FACTS = f"""
{_ITS_VIEW}
LEFT JOIN LATERAL (SELECT * FROM projection m WHERE m.merchant_id = who.merchant_id AND m.name = 'merchant' LIMIT 1) m ON true
"""
_VIEW = f"SELECT {_FACTS} FROM (SELECT $1::uuid AS merchant_id, $2::uuid AS customer_id) who {_ITS_FACTS}"
_GLANCE = f"coalesce(v.revision, 0) AS revision, coalesce(v.panes, '{{}}')::text AS panes, {_BESIDES}"
_INVOICES = """
SELECT i.aggregate, i.sequence, i.doc::text AS doc,
    p.aggregate AS payment, p.sequence AS payment_sequence, p.doc::text AS payment_doc
FROM projection i
LEFT JOIN projection p ON p.merchant_id = i.merchant_id AND p.name = 'payment'
    AND p.aggregate = 'payment-' || substr(i.aggregate, 9) AND p.customer_id = i.customer_id AND p.doc IS NOT NULL
WHERE i.merchant_id = $1 AND i.customer_id = $2 AND i.name = 'invoice' AND i.doc IS NOT NULL
"""

_NEIGHBOURS = """
WITH shown AS (
    SELECT doc ->> 'issued_on' AS day, doc ->> 'number' AS number FROM projection
    WHERE merchant_id = $1 AND customer_id = $2 AND name = 'invoice' AND aggregate = $3 AND doc IS NOT NULL
)
SELECT (
    SELECT ARRAY[substr(i.aggregate, 9), i.doc ->> 'number'] FROM projection i
    WHERE i.merchant_id = $1 AND i.customer_id = $2 AND i.name = 'invoice' AND i.doc IS NOT NULL
      AND (i.doc ->> 'issued_on', i.doc ->> 'number') < (SELECT day, number FROM shown)
    ORDER BY i.doc ->> 'issued_on' DESC, i.doc ->> 'number' DESC LIMIT 1
) AS earlier, (
    SELECT ARRAY[substr(i.aggregate, 9), i.doc ->> 'number'] FROM projection i
    WHERE i.merchant_id = $1 AND i.customer_id = $2 AND i.name = 'invoice' AND i.doc IS NOT NULL
      AND (i.doc ->> 'issued_on', i.doc ->> 'number') > (SELECT day, number FROM shown)
    ORDER BY i.doc ->> 'issued_on', i.doc ->> 'number' LIMIT 1
) AS later
"""


class StoredViews:
    def __init__(self, pool: asyncpg.Pool, tenants: Tenants) -> None:
        self._pool, self._tenants = pool, tenants
        self._visits = Living(pool, f"who.*, {_FACTS}", _ITS_FACTS)
        self._glances = Living(pool, _GLANCE, _ITS_VIEW)

    async def visit(self, cookie: str | None, *, keep_alive: bool) -> Visit | None:
        row = await self._visits.of(cookie)
        if cookie is None or row is None:
            return None
        session = await session_of(row, cookie, self._pool, keep_alive=keep_alive)
        view = await self._view(row, session.merchant_id, session.customer_id)
        return Visit(session, view) if view else None

    async def view(self, merchant_id: UUID, customer_id: UUID) -> View | None:
        row = await self._pool.fetchrow(_VIEW, merchant_id, customer_id)
        assert row is not None, "outer joins keep the one row"
        return await self._view(row, merchant_id, customer_id)

    async def _view(self, row: asyncpg.Record, merchant_id: UUID, customer_id: UUID) -> View | None:
        merchant = from_json(row["merchant"]) if row["merchant"] else await self._fetched_merchant(merchant_id)
        if merchant is None:
            return None
        facts: CustomerView = from_json(row["doc"]) if row["doc"] else empty(customer_id)
        stale = frozenset(row["stale"])
        for subscription in facts["subscriptions"]:
            subscription["stale"] = f"subscription-{subscription['id']}" in stale
        wall_clock = datetime.now(UTC)
        return View(
            merchant=merchant | {"id": str(merchant_id)},
            now=wall_clock + timedelta(seconds=merchant.get("clock_offset_seconds", 0)),
            revision=row["revision"] or 0,
            facts=facts,
            merchant_behind=row["merchant_behind"],
            **_besides(row, wall_clock),
        )

    async def _fetched_merchant(self, merchant_id: UUID) -> dict[str, Any] | None:
        """A merchant that was fetched from the subscriptions service, before Kafka has delivered it."""
        tenant = await self._tenants.get(merchant_id)
        return tenant.doc if tenant else None

    async def glance(self, cookie: str) -> Glance | None:
        row = await self._glances.of(cookie)
        if row is None:
            return None
        wall_clock = datetime.now(UTC)
        besides = _besides(row, wall_clock)
        late = minutes_late(besides["as_of"], besides["stale"], wall_clock)
        return Glance(row["revision"], from_json(row["panes"]), mark(besides["pending"], late))

    async def reached(self, merchant_id: UUID, customer_id: UUID, position: Position) -> bool:
        is_reached: bool = await self._pool.fetchval(
            """
            SELECT EXISTS (
                SELECT FROM projection
                WHERE merchant_id = $1 AND customer_id = $2 AND name = $3 AND aggregate = $4 AND sequence >= $5
            )
            """,
            merchant_id,
            customer_id,
            position.aggregate.partition("-")[0],
            position.aggregate,
            position.version,
        )
        return is_reached

    async def invoices(
        self, merchant_id: UUID, customer_id: UUID, year: int | None, before: tuple[str, str] | None, limit: int
    ) -> list[tuple[Source, Source | None]]:
        rows = await self._pool.fetch(
            _INVOICES
            + """
            AND ($3::text IS NULL OR left(i.doc ->> 'issued_on', 4) = $3)
            AND ($4::text IS NULL OR (i.doc ->> 'issued_on', i.doc ->> 'number') < ($4, $5::text))
            ORDER BY i.doc ->> 'issued_on' DESC, i.doc ->> 'number' DESC LIMIT $6
            """,
            merchant_id,
            customer_id,
            None if year is None else f"{year:04d}",
            *(before or (None, None)),
            limit,
        )
        return [_with_payment(row) for row in rows]

    async def invoice(self, merchant_id: UUID, customer_id: UUID, invoice_id: UUID) -> tuple[Source, Source | None] | None:
        row = await self._pool.fetchrow(_INVOICES + "AND i.aggregate = $3", merchant_id, customer_id, f"invoice-{invoice_id}")
        return _with_payment(row) if row else None

    async def neighbours(self, merchant_id: UUID, customer_id: UUID, invoice_id: UUID) -> Neighbours:
        [row] = await self._pool.fetch(_NEIGHBOURS, merchant_id, customer_id, f"invoice-{invoice_id}")
        return Neighbours(*(InvoiceName(*name) if name else None for name in (row["earlier"], row["later"])))

    async def card_changes(self, merchant_id: UUID, customer_id: UUID) -> list[CardChange]:
        changes = await self._pool.fetchval(
            """
            SELECT (doc -> 'changes')::text FROM projection
            WHERE merchant_id = $1 AND customer_id = $2 AND name = 'wallet' AND aggregate = $3
            """,
            merchant_id,
            customer_id,
            f"wallet-{customer_id}",
        )
        return from_json(changes) if changes else []

    async def accept(self, merchant_id: UUID, customer_id: UUID, pending: Sequence[Pending]) -> None:
        await self._pool.executemany(
            """
            INSERT INTO accepted_command (merchant_id, customer_id, aggregate, version, kind, detail, accepted_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING
            """,
            [
                (
                    merchant_id,
                    customer_id,
                    command["aggregate"],
                    command["version"],
                    command["kind"],
                    json.dumps(command["detail"]),
                    datetime.fromisoformat(command["accepted_at"]),
                )
                for command in pending
            ],
        )


class _Besides(TypedDict):
    pending: tuple[Pending, ...]
    as_of: datetime
    stale: bool


def _besides(row: asyncpg.Record, wall_clock: datetime) -> _Besides:
    as_of = row["as_of"]
    return {
        "pending": tuple(from_json(row["pending"] or "[]")),
        "as_of": as_of or wall_clock,
        "stale": as_of is None or wall_clock - as_of > STALE_AFTER or bool(row["stale"]),
    }


def _with_payment(row: asyncpg.Record) -> tuple[Source, Source | None]:
    invoice = Source(row["aggregate"], row["sequence"], from_json(row["doc"]))
    if row["payment"] is None:
        return invoice, None
    return invoice, Source(row["payment"], row["payment_sequence"], from_json(row["payment_doc"]))
