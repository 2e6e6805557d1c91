"""The prices of a merchant's subscriptions, read from the events that started them."""

from uuid import UUID

import asyncpg


class PricesTable:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def largest(self, merchant_id: UUID) -> int:
        amount = await self._pool.fetchval(
            """
            SELECT max((started.body -> 'plan' -> 'price' ->> 'amount_minor')::bigint * (started.body ->> 'quantity')::bigint)
            FROM subscriptions s
            JOIN events started ON started.merchant_id = s.merchant_id
                AND started.stream = 'subscription-' || s.id AND started.version = 1
            WHERE s.merchant_id = $1 AND started.body -> 'plan' ->> 'tax' IS NULL AND NOT EXISTS (
                SELECT FROM events ended
                WHERE ended.merchant_id = s.merchant_id AND ended.stream = started.stream AND ended.name = 'SubscriptionCancelled'
            )
            """,
            merchant_id,
        )
        return int(amount or 0)
