"""Openings of the page on which a customer confirms a charge at their bank, in the tables `setup` and `attempt`."""

from uuid import UUID

import asyncpg

from payments.application.card_setup import OpenAuthentication, SetUp
from payments.application.charges import LAST_ZONE, ChargeOrder
from payments.application.ports import Rows
from payments.domain.shapes import Money


class PostgresAuthentications:
    def __init__(self, pool: asyncpg.Pool, rows: Rows) -> None:
        self._pool, self._rows = pool, rows

    async def open(self, setup_id: UUID, charge_id: UUID) -> OpenAuthentication | None:
        opened = "SELECT * FROM setup WHERE id = $1 AND charge_id = $2 AND expires_at > now()"
        opening = await self._pool.fetchrow(opened, setup_id, charge_id)
        if opening is None:
            return None
        merchant_id, customer_id = opening["merchant_id"], opening["customer_id"]
        row = await self._pool.fetchrow(
            """
            SELECT *, (SELECT doc ->> 'time_zone' FROM projection WHERE merchant_id = $1 AND name = 'merchant') AS time_zone
            FROM attempt WHERE merchant_id = $1 AND customer_id = $2 AND charge_id = $3 AND on_session
            """,
            merchant_id,
            customer_id,
            charge_id,
        )
        if row is None:
            return None
        looks = opening["session"], opening["locale"], opening["colour"]
        order = ChargeOrder(
            merchant_id,
            customer_id,
            charge_id,
            row["method_id"],
            Money(row["amount_minor"], row["currency"]),
            row["started_at"],
            row["time_zone"] or LAST_ZONE,
            on_session=True,
            provider=row["provider"],
        )
        setup = SetUp(setup_id, merchant_id, customer_id, *looks, due=())
        return OpenAuthentication(setup, order, row["status"] not in ("open", "unknown"))

    async def opened(self, merchant_id: UUID, customer_id: UUID, charge_id: UUID, session: str | None) -> bool:
        sql = """
            SELECT EXISTS (
                SELECT FROM setup WHERE merchant_id = $1 AND customer_id = $2 AND charge_id = $3 AND session = $4
            )
            """
        return bool(await self._pool.fetchval(sql, merchant_id, customer_id, charge_id, session))

    async def wake(self, merchant_id: UUID, charge_id: UUID) -> None:
        for statement in self._rows.outcomes_due(merchant_id, charge_id):
            await self._pool.execute(statement.sql, *statement.args)
