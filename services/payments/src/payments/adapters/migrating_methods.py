"""Cards by the names that a migration's mapping has for them: ids here, or the provider's references."""

from uuid import UUID

import asyncpg

from payments.application.ports import MigratingMethod
from payments.domain.shapes import Brand, Method


class PostgresMigratingMethods:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def named(self, merchant_id: UUID, name: str) -> MigratingMethod | None:
        row = await self._pool.fetchrow(
            """
            SELECT id, brand, last4, exp_month, exp_year, fingerprint, provider, customer_id, removed_at IS NOT NULL AS removed,
                EXISTS (
                    SELECT FROM agreed_charge WHERE merchant_id = $1 AND agreed_charge.customer_id = payment_method.customer_id
                ) AS agreed
            FROM payment_method WHERE merchant_id = $1
              AND id = coalesce($2, (SELECT id FROM stripe_method WHERE merchant_id = $1 AND reference = $3))
            """,
            merchant_id,
            _id(name),
            name,
        )
        if row is None:
            return None
        id, brand, *rest, customer_id, removed, agreed = row.values()
        return MigratingMethod(Method(id, Brand(brand), *rest), customer_id, removed, agreed)


def _id(name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        return None
