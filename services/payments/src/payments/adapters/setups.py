"""The table `setup`: openings of the card page; and the limits on openings and declined cards. Times are by the wall clock."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from payments.application.card_setup import VALIDITY_MINUTES, Purpose, SetUp
from payments.domain.confirmation import Period
from payments.domain.dues import Due
from payments.domain.shapes import Money

OPENINGS_PER_HOUR_MAX = 60
DECLINES_PER_HOUR_MAX = 5


class PostgresSetUps:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def open(self, setup_id: UUID) -> SetUp | None:
        sql = "SELECT * FROM setup WHERE id = $1 AND charge_id IS NULL AND used_at IS NULL AND expires_at > now()"
        row = await self._pool.fetchrow(sql, setup_id)
        if row is None:
            return None
        due = tuple(_due(each) for each in json.loads(row["due"]))
        looks = row["session"], row["locale"], row["colour"]
        return SetUp(row["id"], row["merchant_id"], row["customer_id"], *looks, due, row["purpose"], row["pays_invoice"])

    async def begin(
        self,
        merchant_id: UUID,
        customer_id: UUID,
        session: str | None,
        locale: str,
        colour: str | None,
        due: Sequence[Due],
        purpose: Purpose = "default",
        pays_invoice: UUID | None = None,
    ) -> SetUp:
        looks = session, locale, colour
        setup = SetUp(uuid4(), merchant_id, customer_id, *looks, tuple(due), purpose, pays_invoice)
        await self._pool.execute(
            """
            INSERT INTO setup (merchant_id, id, customer_id, session, locale, colour, due, expires_at, purpose, pays_invoice)
            VALUES ($1, $2, $3, $4, $5, $6, $7::text::jsonb, now() + make_interval(mins => $8), $9, $10)
            """,
            merchant_id,
            setup.id,
            customer_id,
            session,
            locale,
            colour,
            _json(setup.due),
            VALIDITY_MINUTES,
            purpose,
            pays_invoice,
        )
        return setup

    async def show(self, merchant_id: UUID, setup_id: UUID, due: Sequence[Due]) -> None:
        sql = "UPDATE setup SET due = $3::text::jsonb WHERE merchant_id = $1 AND id = $2"
        await self._pool.execute(sql, merchant_id, setup_id, _json(due))

    async def opening_blocked_for(self, merchant_id: UUID, customer_id: UUID) -> int:
        sql = """
            SELECT ceil(extract(epoch FROM opened_at + interval '1 hour' - now()))::int FROM setup
            WHERE merchant_id = $1 AND customer_id = $2 AND opened_at > now() - interval '1 hour'
            ORDER BY opened_at DESC OFFSET $3 LIMIT 1
            """
        return await self._pool.fetchval(sql, merchant_id, customer_id, OPENINGS_PER_HOUR_MAX - 1) or 0

    async def blocked_for(self, merchant_id: UUID, customer_id: UUID, pays_invoice: UUID | None = None) -> int:
        sql = """
            SELECT ceil(extract(epoch FROM refused_at + interval '1 hour' - now()))::int FROM card_refusal
            WHERE merchant_id = $1 AND customer_id = $2 AND refused_at > now() - interval '1 hour'
              AND invoice_id IS NOT DISTINCT FROM $4
            ORDER BY refused_at DESC OFFSET $3 LIMIT 1
            """
        return await self._pool.fetchval(sql, merchant_id, customer_id, DECLINES_PER_HOUR_MAX - 1, pays_invoice) or 0


def _json(due: Sequence[Due]) -> str:
    return json.dumps([_line(each) for each in due])


def _line(due: Due) -> dict[str, Any]:
    period = due.period
    return {
        "invoice_id": str(due.invoice_id),
        "number": due.number,
        "amount_minor": due.amount.amount_minor,
        "currency": due.amount.currency,
        "subscription_id": str(due.subscription_id) if due.subscription_id else None,
        "period": [period.start.isoformat(), period.end.isoformat()] if period else None,
        "effect": due.effect,
    }


def _due(line: dict[str, Any]) -> Due:
    """Rows of an earlier version have neither subscription nor period nor effect."""
    subscription_id, period = line.get("subscription_id"), line.get("period")
    return Due(
        UUID(line["invoice_id"]),
        line["number"],
        Money(line["amount_minor"], line["currency"]),
        UUID(subscription_id) if subscription_id else None,
        Period(*(datetime.fromisoformat(instant) for instant in period)) if period else None,
        line.get("effect"),
    )
