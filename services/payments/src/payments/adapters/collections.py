"""The table `collection`: invoices to collect; and the limit on payments of an invoice on request."""

from uuid import UUID

import asyncpg

from payments.domain.confirmation import Period
from payments.domain.dues import Due
from payments.domain.shapes import Money


class PostgresCollections:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def due(self, merchant_id: UUID, customer_id: UUID) -> tuple[Due, ...]:
        rows = await self._pool.fetch(
            """
            SELECT invoice_id, number, amount_minor, currency, subscription_id, period_start, period_end FROM collection
            WHERE merchant_id = $1 AND customer_id = $2 AND state = 'open' AND paid_charge IS NULL
            ORDER BY issued_at, number
            """,
            merchant_id,
            customer_id,
        )
        return tuple(_due(row) for row in rows)

    async def customer_of(self, merchant_id: UUID, invoice_id: UUID) -> UUID | None:
        sql = "SELECT customer_id FROM collection WHERE merchant_id = $1 AND invoice_id = $2"
        owner: UUID | None = await self._pool.fetchval(sql, merchant_id, invoice_id)
        return owner

    async def running(self, merchant_id: UUID, customer_id: UUID, invoice_id: UUID) -> bool:
        sql = """
            SELECT EXISTS (
                SELECT FROM attempt
                WHERE merchant_id = $1 AND customer_id = $2 AND invoice_id = $3 AND status IN ('open', 'unknown')
            )
            """
        return bool(await self._pool.fetchval(sql, merchant_id, customer_id, invoice_id))

    async def paying_blocked_for(self, merchant_id: UUID, invoice_id: UUID, most: int) -> int:
        sql = """
            SELECT ceil(extract(epoch FROM at + interval '1 day' - now()))::int FROM asked_payment
            WHERE merchant_id = $1 AND invoice_id = $2 AND at > now() - interval '1 day'
            ORDER BY at DESC OFFSET $3 LIMIT 1
            """
        return await self._pool.fetchval(sql, merchant_id, invoice_id, most - 1) or 0


def _due(row: asyncpg.Record) -> Due:
    amount = Money(row["amount_minor"], row["currency"])
    period = Period(row["period_start"], row["period_end"]) if row["period_start"] else None
    return Due(row["invoice_id"], row["number"], amount, row["subscription_id"], period)
