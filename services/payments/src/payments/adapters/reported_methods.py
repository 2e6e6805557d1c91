"""Cards on file that have changed at the provider, claimed from the table `payment_method`."""

import asyncpg

from payments.application.queue_ports import ReportedMethod


class PostgresReportedMethods:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def claim(self, most: int, lease: float) -> list[ReportedMethod]:
        rows = await self._pool.fetch(
            """
            WITH due AS (
                SELECT merchant_id, id FROM payment_method AS method
                WHERE removed_at IS NULL AND read_call_at <= now() AND NOT EXISTS (
                    SELECT FROM blocked_streams WHERE blocked_streams.merchant_id = method.merchant_id
                    AND stream = 'wallet-' || method.customer_id AND released_at IS NULL
                )
                ORDER BY read_call_at LIMIT $1 FOR UPDATE SKIP LOCKED
            )
            UPDATE payment_method AS method SET read_call_at = now() + make_interval(secs => $2)
            FROM due WHERE method.merchant_id = due.merchant_id AND method.id = due.id
            RETURNING method.merchant_id, method.customer_id, method.id, method.read_call_at
            """,
            most,
            lease,
        )
        return [ReportedMethod(*row.values()) for row in rows]

    async def read(self, reported: ReportedMethod) -> None:
        sql = "UPDATE payment_method SET read_call_at = NULL WHERE merchant_id = $1 AND id = $2 AND read_call_at = $3"
        await self._pool.execute(sql, reported.merchant_id, reported.method_id, reported.due_again)
