"""The table `one_time_method`: cards for one payment, until the provider has forgotten them."""

import asyncpg

from payments.application.queue_ports import OneTimeMethod

UNUSED_SECONDS = 300.0
"""From reading a card until it is forgotten if no charge with it has started."""


class PostgresOneTimeMethods:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def keep(self, method: OneTimeMethod) -> None:
        await self._pool.execute(
            """
            INSERT INTO one_time_method (merchant_id, method_id, customer_id, invoice_id, provider, call_at)
            VALUES ($1, $2, $3, $4, $5, now() + make_interval(secs => $6))
            ON CONFLICT (merchant_id, method_id) DO UPDATE SET call_at = excluded.call_at, calls = 0
            """,
            method.merchant_id,
            method.method_id,
            method.customer_id,
            method.invoice_id,
            method.provider,
            UNUSED_SECONDS,
        )

    async def claim(self, most: int, lease: float) -> list[OneTimeMethod]:
        rows = await self._pool.fetch(
            """
            WITH due AS (
                SELECT merchant_id, method_id FROM one_time_method AS it
                WHERE call_at <= now() AND NOT EXISTS (
                    SELECT FROM attempt WHERE merchant_id = it.merchant_id AND invoice_id = it.invoice_id
                    AND status IN ('open', 'unknown') AND attempt.method_id = it.method_id
                )
                ORDER BY call_at LIMIT $1 FOR UPDATE SKIP LOCKED
            )
            UPDATE one_time_method AS it SET call_at = now() + make_interval(secs => $2), calls = it.calls + 1
            FROM due WHERE it.merchant_id = due.merchant_id AND it.method_id = due.method_id
            RETURNING it.merchant_id, it.customer_id, it.invoice_id, it.method_id, it.provider, it.calls
            """,
            most,
            lease,
        )
        return [OneTimeMethod(*row.values()) for row in rows]

    async def forgotten(self, method: OneTimeMethod) -> None:
        # A card that was read again in the meantime has no calls yet, and is forgotten later.
        await self._pool.execute(
            "DELETE FROM one_time_method WHERE merchant_id = $1 AND method_id = $2 AND calls = $3",
            method.merchant_id,
            method.method_id,
            method.calls,
        )
