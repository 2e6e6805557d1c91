"""Queries of the tables `attempt` and `payment_method` for the HTTP interface."""

from collections import defaultdict
from typing import Any
from uuid import UUID

import asyncpg


class PaymentQueries:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def attempts(self, merchant_id: UUID, invoice_id: UUID, customer_id: UUID | None) -> list[dict[str, Any]]:
        rows = await self._pool.fetch(
            """
            SELECT charge_id, invoice_id, number, amount_minor, currency, method_id, brand, last4, status, code, reference,
                   backup, started_at, ended_at, CASE WHEN status = 'open' THEN authenticate_until END AS authenticate_until, (
                SELECT refunded_at FROM collection
                WHERE merchant_id = attempt.merchant_id AND invoice_id = attempt.invoice_id AND paid_charge = attempt.charge_id
            ) AS refunded_at
            FROM attempt WHERE merchant_id = $1 AND invoice_id = $2 AND ($3::uuid IS NULL OR customer_id = $3) ORDER BY number
            """,
            merchant_id,
            invoice_id,
            customer_id,
        )
        refunds = await self._pool.fetch(
            """
            SELECT refund_id, charge_id, amount_minor, currency, reason, status, reference, code, requested_at, ended_at
            FROM refund WHERE merchant_id = $1 AND invoice_id = $2 AND ($3::uuid IS NULL OR customer_id = $3)
            ORDER BY requested_at, refund_id
            """,
            merchant_id,
            invoice_id,
            customer_id,
        )
        of_charge: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
        for row in refunds:
            of_charge[row["charge_id"]].append(dict(row))
        return [{**row, "refunds": of_charge[row["charge_id"]]} for row in rows]

    async def methods(self, merchant_id: UUID, customer_id: UUID) -> list[dict[str, Any]]:
        rows = await self._pool.fetch(
            """
            SELECT id, brand, last4, exp_month, exp_year, is_default, is_backup FROM payment_method
            WHERE merchant_id = $1 AND customer_id = $2 AND removed_at IS NULL ORDER BY is_default DESC, added_at DESC, id
            """,
            merchant_id,
            customer_id,
        )
        return [dict(row) for row in rows]

    async def method(self, merchant_id: UUID, method_id: UUID) -> dict[str, Any] | None:
        sql = "SELECT * FROM payment_method WHERE merchant_id = $1 AND id = $2"
        row = await self._pool.fetchrow(sql, merchant_id, method_id)
        return dict(row) if row else None
