"""Queries of the table `dispute` for the HTTP interface."""

from typing import Any
from uuid import UUID

import asyncpg

from payments.application.query_ports import DisputeFilter, DisputePosition


class DisputeQueries:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def page(
        self, merchant_id: UUID, disputes: DisputeFilter, after: DisputePosition | None, limit: int
    ) -> list[dict[str, Any]]:
        rows = await self._pool.fetch(
            """
            SELECT dispute_id, invoice_id, customer_id, charge_id, reference, amount_minor, currency, reason, inquiry, respond_by,
                   status, returned, opened_at, closed_at
            FROM dispute
            WHERE merchant_id = $1
              AND ($2::uuid IS NULL OR customer_id = $2)
              AND ($3::uuid IS NULL OR invoice_id = $3)
              AND ($4::text IS NULL OR status = $4)
              AND ($5::timestamptz IS NULL OR (opened_at, dispute_id) < ($5, $6))
            ORDER BY opened_at DESC, dispute_id DESC LIMIT $7
            """,
            merchant_id,
            disputes.customer_id,
            disputes.invoice_id,
            disputes.status,
            *(after or (None, None)),
            limit,
        )
        return [dict(row) for row in rows]
