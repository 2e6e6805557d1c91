"""Openings of the page on which a customer confirms a charge at their bank, in the tables `setup` and `attempt`."""

from uuid import UUID

import asyncpg

from payments.adapters.charge_queue import order_of
from payments.adapters.setups import setup_of
from payments.application.card_setup import OpenAuthentication


class PostgresAuthentications:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def open(self, setup_id: UUID, charge_id: UUID) -> OpenAuthentication | None:
        row = await self._pool.fetchrow(
            "SELECT * FROM setup WHERE id = $1 AND charge_id = $2 AND expires_at > now()", setup_id, charge_id
        )
        attempt = row and await self._pool.fetchrow(
            """
            SELECT *, (SELECT doc ->> 'time_zone' FROM projection WHERE merchant_id = $1 AND name = 'merchant') AS time_zone
            FROM attempt WHERE merchant_id = $1 AND customer_id = $2 AND charge_id = $3 AND on_session
            """,
            row["merchant_id"],
            row["customer_id"],
            charge_id,
        )
        if row is None or attempt is None:
            return None
        return OpenAuthentication(setup_of(row), order_of(attempt), attempt["status"] not in ("open", "unknown"))

    async def wake(self, merchant_id: UUID, charge_id: UUID) -> None:
        """Nothing happens to a charge that has ended."""
        sql = """
            UPDATE attempt SET call_at = now()
            WHERE merchant_id = $1 AND charge_id = $2 AND status IN ('open', 'unknown')
            """
        await self._pool.execute(sql, merchant_id, charge_id)
