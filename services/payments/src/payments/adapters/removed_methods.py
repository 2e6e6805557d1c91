"""Removed cards that are to be detached at the provider, claimed from the table `payment_method`."""

import asyncpg

from payments.application.queue_ports import RemovedMethod


class PostgresRemovedMethods:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def claim(self, most: int, lease: float) -> list[RemovedMethod]:
        rows = await self._pool.fetch(
            """
            WITH due AS (
                SELECT merchant_id, id FROM payment_method AS method
                WHERE removed_at IS NOT NULL AND forgotten_at IS NULL AND forget_call_at <= now()
                  AND NOT EXISTS (
                      SELECT FROM attempt WHERE merchant_id = method.merchant_id AND method_id = method.id
                      AND status IN ('open', 'unknown')
                  ) AND NOT EXISTS (
                      SELECT FROM blocked_streams WHERE blocked_streams.merchant_id = method.merchant_id
                      AND stream = 'wallet-' || method.customer_id AND released_at IS NULL
                  )
                ORDER BY forget_call_at LIMIT $1 FOR UPDATE SKIP LOCKED
            )
            UPDATE payment_method AS method SET forget_call_at = now() + make_interval(secs => $2)
            FROM due WHERE method.merchant_id = due.merchant_id AND method.id = due.id
            RETURNING method.merchant_id, method.customer_id, method.id
            """,
            most,
            lease,
        )
        return [RemovedMethod(row["merchant_id"], row["customer_id"], row["id"]) for row in rows]

    async def forgotten(self, removed: RemovedMethod) -> None:
        sql = "UPDATE payment_method SET forgotten_at = now() WHERE merchant_id = $1 AND id = $2 AND removed_at IS NOT NULL"
        await self._pool.execute(sql, removed.merchant_id, removed.method_id)
