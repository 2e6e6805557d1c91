"""Due charges, refunds and agreed charges, claimed from the service's tables."""

from uuid import UUID

import asyncpg

from payments.application.charges import LAST_ZONE, ChargeOrder, RefundOrder
from payments.application.queue_ports import (
    AgreedMethod,
    Agreement,
    Attempt,
    DueDisputes,
    DueRefund,
)
from payments.domain.confirmation import Consent
from payments.domain.shapes import Brand, Method, Money

_ATTEMPT = """
    claimed.merchant_id, claimed.invoice_id, claimed.customer_id, claimed.charge_id, claimed.method_id,
    claimed.amount_minor, claimed.currency, claimed.started_at, claimed.calls, claimed.voided,
    claimed.on_session, claimed.is_left, claimed.provider,
    (SELECT doc ->> 'time_zone' FROM projection WHERE merchant_id = claimed.merchant_id AND name = 'merchant') AS time_zone,
    cause.event_id, (convert_from(cause.value, 'UTF8')::json ->> 'correlationid')::uuid AS correlation_id
FROM claimed JOIN LATERAL (
    SELECT event_id, value FROM events
    WHERE merchant_id = claimed.merchant_id AND stream = 'payment-' || claimed.invoice_id ORDER BY version DESC LIMIT 1
) AS cause ON true
"""


def _not_blocked(table: str) -> str:
    """A condition: the payment of the row's invoice is not under review after a restore."""
    return f"""
    NOT EXISTS (
        SELECT FROM blocked_streams WHERE blocked_streams.merchant_id = {table}.merchant_id
        AND stream = 'payment-' || {table}.invoice_id AND released_at IS NULL
    )
    """


class PostgresChargeQueue:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def attempts(self, most: int, lease: float) -> list[Attempt]:
        rows = await self._pool.fetch(
            f"""
            WITH due AS (
                SELECT merchant_id, charge_id FROM attempt WHERE status IN ('open', 'unknown') AND call_at <= now()
                  AND {_not_blocked("attempt")}
                ORDER BY call_at LIMIT $1 FOR UPDATE SKIP LOCKED
            ), claimed AS (
                UPDATE attempt SET call_at = now() + make_interval(secs => $2), calls = attempt.calls + 1
                FROM due WHERE attempt.merchant_id = due.merchant_id AND attempt.charge_id = due.charge_id
                RETURNING attempt.*, EXISTS (
                    SELECT FROM collection WHERE merchant_id = attempt.merchant_id AND invoice_id = attempt.invoice_id
                    AND state <> 'open'
                ) AS voided, authenticate_until IS NOT NULL AND (
                    authenticate_until <= now()
                    OR EXISTS (
                        SELECT FROM agreed_charge WHERE merchant_id = attempt.merchant_id AND invoice_id = attempt.invoice_id
                    )
                ) AS is_left
            )
            SELECT {_ATTEMPT}
            """,
            most,
            lease,
        )
        return [_attempt(row) for row in rows]

    async def unrequested_refunds(self, most: int, lease: float) -> list[Attempt]:
        rows = await self._pool.fetch(
            f"""
            WITH due AS (
                SELECT merchant_id, invoice_id FROM collection
                WHERE state = 'void' AND paid_charge IS NOT NULL AND refunded_at IS NULL AND refund_call_at <= now()
                  AND NOT EXISTS (
                      SELECT FROM refund WHERE merchant_id = collection.merchant_id AND refund_id = collection.paid_charge
                  )
                  AND amount_minor > (
                      SELECT coalesce(sum(amount_minor), 0) FROM refund
                      WHERE merchant_id = collection.merchant_id AND invoice_id = collection.invoice_id AND status <> 'failed'
                  )
                  AND {_not_blocked("collection")}
                ORDER BY refund_call_at LIMIT $1 FOR UPDATE SKIP LOCKED
            ), owed AS (
                UPDATE collection
                SET refund_call_at = now() + make_interval(secs => $2), refund_calls = collection.refund_calls + 1
                FROM due WHERE collection.merchant_id = due.merchant_id AND collection.invoice_id = due.invoice_id
                RETURNING collection.merchant_id, collection.paid_charge, collection.refund_calls
            ), claimed AS (
                SELECT attempt.merchant_id, invoice_id, customer_id, charge_id, method_id, amount_minor, currency, started_at,
                       owed.refund_calls AS calls, true AS voided, on_session,
                       false AS is_left, provider
                FROM owed JOIN attempt ON attempt.merchant_id = owed.merchant_id AND attempt.charge_id = owed.paid_charge
                WHERE method_id IS NOT NULL
            )
            SELECT {_ATTEMPT}
            """,
            most,
            lease,
        )
        return [_attempt(row) for row in rows]

    async def refunds(self, most: int, lease: float) -> list[DueRefund]:
        rows = await self._pool.fetch(
            f"""
            WITH due AS (
                SELECT merchant_id, refund_id FROM refund
                WHERE ((status = 'requested' AND call_at <= now()) OR (status = 'made' AND review_at <= now()))
                  AND {_not_blocked("refund")}
                ORDER BY call_at LIMIT $1 FOR UPDATE SKIP LOCKED
            ), asked AS (
                UPDATE refund SET call_at = now() + make_interval(secs => $2), calls = refund.calls + 1,
                                  review_at = CASE status WHEN 'made' THEN now() + make_interval(secs => $2) ELSE review_at END
                FROM due WHERE refund.merchant_id = due.merchant_id AND refund.refund_id = due.refund_id
                RETURNING refund.*
            ), claimed AS (
                SELECT charge.merchant_id, charge.invoice_id, charge.customer_id, charge.charge_id, method_id,
                       charge.amount_minor, charge.currency, started_at, asked.calls, false AS voided, refund_id,
                       asked.amount_minor AS refund_minor, CASE asked.status WHEN 'made' THEN asked.reference END AS made_as,
                       on_session, false AS is_left, charge.provider
                FROM asked
                JOIN attempt AS charge ON charge.merchant_id = asked.merchant_id AND charge.charge_id = asked.charge_id
            )
            SELECT refund_id, refund_minor, made_as, {_ATTEMPT}
            """,
            most,
            lease,
        )
        return [_due_refund(row) for row in rows]

    async def disputes(self, most: int, lease: float) -> list[DueDisputes]:
        rows = await self._pool.fetch(
            f"""
            WITH due AS (
                SELECT merchant_id, charge_id FROM attempt WHERE disputes_call_at <= now() AND {_not_blocked("attempt")}
                ORDER BY disputes_call_at LIMIT $1 FOR UPDATE SKIP LOCKED
            ), claimed AS (
                UPDATE attempt
                SET disputes_call_at = now() + make_interval(secs => $2), disputes_calls = attempt.disputes_calls + 1
                FROM due WHERE attempt.merchant_id = due.merchant_id AND attempt.charge_id = due.charge_id
                RETURNING attempt.merchant_id, invoice_id, customer_id, attempt.charge_id, method_id, amount_minor, currency,
                          started_at, disputes_calls AS calls, false AS voided, on_session, false AS is_left, provider
            )
            SELECT {_ATTEMPT}
            """,
            most,
            lease,
        )
        return [DueDisputes(_order(row), row["invoice_id"], row["calls"], row["correlation_id"], row["event_id"]) for row in rows]

    async def agreements(self, most: int, lease: float) -> list[Agreement]:
        rows = await self._pool.fetch(
            f"""
            WITH due AS (
                SELECT merchant_id, invoice_id FROM agreed_charge AS agreed
                WHERE call_at <= now() AND NOT EXISTS (
                    SELECT FROM attempt WHERE merchant_id = agreed.merchant_id AND invoice_id = agreed.invoice_id
                    AND status IN ('open', 'unknown')
                ) AND {_not_blocked("agreed")}
                ORDER BY call_at LIMIT $1 FOR UPDATE SKIP LOCKED
            ), claimed AS (
                UPDATE agreed_charge AS agreed SET call_at = now() + make_interval(secs => $2)
                FROM due WHERE agreed.merchant_id = due.merchant_id AND agreed.invoice_id = due.invoice_id
                RETURNING agreed.*
            )
            SELECT method.*, claimed.invoice_id, claimed.confirmation_id, claimed.confirmed_at, (
                SELECT max(ended_at) FROM attempt WHERE merchant_id = claimed.merchant_id AND invoice_id = claimed.invoice_id
            ) AS ended_at
            FROM claimed JOIN payment_method AS method
                ON method.merchant_id = claimed.merchant_id AND method.id = claimed.method_id AND method.removed_at IS NULL
            """,
            most,
            lease,
        )
        return [Agreement(row["merchant_id"], row["invoice_id"], _method(row), row["ended_at"], _consent(row)) for row in rows]

    async def agreed(self, merchant_id: UUID, invoice_id: UUID) -> AgreedMethod | None:
        row = await self._pool.fetchrow(
            """
            SELECT method.*, agreed.confirmation_id, agreed.confirmed_at FROM agreed_charge AS agreed
            JOIN payment_method AS method ON method.merchant_id = agreed.merchant_id AND method.id = agreed.method_id
            WHERE agreed.merchant_id = $1 AND agreed.invoice_id = $2 AND method.removed_at IS NULL
            """,
            merchant_id,
            invoice_id,
        )
        return None if row is None else AgreedMethod(_method(row), _consent(row))

    async def backup(self, merchant_id: UUID, customer_id: UUID) -> Method | None:
        sql = "SELECT * FROM payment_method WHERE merchant_id = $1 AND customer_id = $2 AND is_backup"
        row = await self._pool.fetchrow(sql, merchant_id, customer_id)
        return None if row is None else _method(row)

    async def forget(self, agreement: Agreement) -> None:
        await self._pool.execute(
            "DELETE FROM agreed_charge WHERE merchant_id = $1 AND invoice_id = $2 AND method_id = $3",
            agreement.merchant_id,
            agreement.invoice_id,
            agreement.method.id,
        )

    async def postpone(self, attempt: Attempt, seconds: float) -> None:
        """An attempt that was woken since it was claimed stays due."""
        await self._pool.execute(
            """
            UPDATE attempt SET call_at = now() + make_interval(secs => $3)
            WHERE merchant_id = $1 AND charge_id = $2 AND call_at > now()
            """,
            attempt.order.merchant_id,
            attempt.order.charge_id,
            seconds,
        )

    async def postpone_refund(self, refund: DueRefund, seconds: float) -> None:
        """A refund that was woken since it was claimed stays due."""
        await self._pool.execute(
            """
            UPDATE refund SET call_at = now() + make_interval(secs => $3),
                              review_at = CASE status WHEN 'made' THEN now() + make_interval(secs => $3) ELSE review_at END
            WHERE merchant_id = $1 AND refund_id = $2 AND CASE status WHEN 'made' THEN review_at ELSE call_at END > now()
            """,
            refund.order.charge.merchant_id,
            refund.order.refund_id,
            seconds,
        )

    async def confirm_refund(self, refund: DueRefund) -> None:
        """One that was woken since it was claimed stays due."""
        sql = "UPDATE refund SET review_at = NULL WHERE merchant_id = $1 AND refund_id = $2 AND review_at > now()"
        await self._pool.execute(sql, refund.order.charge.merchant_id, refund.order.refund_id)

    async def postpone_disputes(self, due: DueDisputes, seconds: float | None) -> None:
        """A charge that was woken since it was claimed stays due."""
        await self._pool.execute(
            """
            UPDATE attempt SET disputes_call_at = now() + make_interval(secs => $3)
            WHERE merchant_id = $1 AND charge_id = $2 AND disputes_call_at > now()
            """,
            due.order.merchant_id,
            due.order.charge_id,
            seconds,
        )


def _due_refund(row: asyncpg.Record) -> DueRefund:
    order = RefundOrder(_order(row), row["refund_id"], Money(row["refund_minor"], row["currency"]), row["made_as"])
    return DueRefund(order, row["invoice_id"], row["calls"], row["correlation_id"], row["event_id"])


def _attempt(row: asyncpg.Record) -> Attempt:
    facts = row["calls"], row["voided"], row["correlation_id"], row["event_id"], row["is_left"]
    return Attempt(_order(row), row["invoice_id"], *facts)


def _order(row: asyncpg.Record) -> ChargeOrder:
    return ChargeOrder(
        merchant_id=row["merchant_id"],
        customer_id=row["customer_id"],
        charge_id=row["charge_id"],
        method_id=row["method_id"],
        amount=Money(row["amount_minor"], row["currency"]),
        at=row["started_at"],
        zone=row["time_zone"] or LAST_ZONE,
        on_session=row["on_session"],
        provider=row["provider"],
    )


def _method(row: asyncpg.Record) -> Method:
    face = row["last4"], row["exp_month"], row["exp_year"], row["fingerprint"]
    return Method(row["id"], Brand(row["brand"]), *face, provider=row["provider"])


def _consent(row: asyncpg.Record) -> Consent | None:
    return Consent(row["confirmation_id"], row["confirmed_at"]) if row["confirmation_id"] else None
