"""The refunds in the sandbox's ledger: one row per refund id, together at most what the charge took."""

from typing import Any
from uuid import UUID

from payments.adapters.sandbox.ledger import LedgerPool
from payments.application.charges import RefundMade, RefundOrder, RefundOutcome, RefundRefused, RefundUnderway

UNDERWAY_SECONDS = 2.0
"""How long a refund to a card that refunds later is under way."""
TOO_MUCH, REFUSED = "amount_too_large", "expired_or_canceled_card"
"""The provider's codes of refused refunds."""


async def refund(ledger_pool: LedgerPool, order: RefundOrder) -> tuple[bool, RefundOutcome]:
    """Whether the refund is new, and its outcome. Raises LookupError if the charge took nothing.

    The charge's row is locked: two refunds at once do not exceed it.
    """
    pool = await ledger_pool.pool()
    ids = order.charge.merchant_id, order.charge.charge_id
    async with pool.acquire() as connection, connection.transaction():
        taken = await connection.fetchrow(
            """
            SELECT amount_minor, currency, (
                SELECT on_refund FROM sandbox_method WHERE merchant_id = charge.merchant_id AND id = charge.method_id
            ) AS on_refund
            FROM sandbox_charge AS charge WHERE merchant_id = $1 AND charge_id = $2 AND code IS NULL FOR UPDATE
            """,
            *ids,
        )
        if taken is None:
            raise LookupError(f"charge {order.charge.charge_id} took nothing")
        known = await connection.fetchrow(
            """
            SELECT reference, outcome, answers_at > now() AS underway FROM sandbox_refund
            WHERE merchant_id = $1 AND coalesce(refund_id, charge_id) = $2
            """,
            order.charge.merchant_id,
            order.refund_id,
        )
        if known:
            return False, _outcome(known["reference"], known["outcome"], known["underway"])
        back = await connection.fetchval(
            """
            SELECT coalesce(sum(coalesce(amount_minor, $3)), 0) FROM sandbox_refund
            WHERE merchant_id = $1 AND charge_id = $2 AND outcome = 'made'
            """,
            *ids,
            taken["amount_minor"],
        )
        amount, reference = order.amount, f"sbx_re_{order.refund_id.hex[:20]}"
        if amount.currency != taken["currency"] or not 0 < amount.amount_minor <= taken["amount_minor"] - back:
            return True, RefundRefused(TOO_MUCH)
        outcome = "refused" if taken["on_refund"] == "refused" else "made"
        delay = UNDERWAY_SECONDS if taken["on_refund"] == "underway" else 0.0
        await connection.execute(
            """
            INSERT INTO sandbox_refund (merchant_id, charge_id, refund_id, amount_minor, reference, outcome, answers_at)
            VALUES ($1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7))
            """,
            *ids,
            order.refund_id,
            amount.amount_minor,
            reference,
            outcome,
            delay,
        )
        return True, _outcome(reference, outcome, delay > 0)


async def repayments(ledger_pool: LedgerPool, merchant_id: UUID) -> list[dict[str, Any]]:
    """All refunds of a merchant that were made, oldest first."""
    pool = await ledger_pool.pool()
    rows = await pool.fetch(
        """
        SELECT booked.charge_id, booked.reference, booked.recorded_at, coalesce(refund_id, booked.charge_id) AS refund_id,
               coalesce(booked.amount_minor, charge.amount_minor) AS amount_minor
        FROM sandbox_refund AS booked JOIN sandbox_charge AS charge USING (merchant_id, charge_id)
        WHERE merchant_id = $1 AND outcome = 'made' ORDER BY booked.recorded_at, refund_id
        """,
        merchant_id,
    )
    return [dict(row) for row in rows]


def _outcome(reference: str, outcome: str, underway: bool) -> RefundOutcome:
    if underway:
        return RefundUnderway(reference)
    return RefundMade(reference) if outcome == "made" else RefundRefused(REFUSED, reference)
