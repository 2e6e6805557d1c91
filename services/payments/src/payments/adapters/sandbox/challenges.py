"""The sandbox's bank: charges that wait until the customer has answered, and the answers.

A waiting charge has a row in `sandbox_challenge`. Its outcome is a row in `sandbox_charge`: the first one stands.
"""

import secrets
from uuid import UUID

from payments.adapters.sandbox.ledger import LedgerPool
from payments.adapters.sandbox.vault import digest
from payments.application.charges import Challenge, ChargeOrder, UnknownChallenge
from payments.domain.shapes import FailureCode

_OUTCOME = """
INSERT INTO sandbox_charge (merchant_id, charge_id, customer_id, method_id, amount_minor, currency, code, reference, answers_at)
SELECT merchant_id, charge_id, customer_id, method_id, amount_minor, currency, {code}, reference, now() FROM sandbox_challenge
WHERE merchant_id = $1 AND charge_id = $2 ON CONFLICT DO NOTHING
"""


class Challenges:
    """The customer's answers, which the sandbox's confirm page reads. Either raises UnknownChallenge for a wrong secret."""

    def __init__(self, ledger_pool: LedgerPool) -> None:
        self._ledger = ledger_pool

    async def approve(self, merchant_id: UUID, charge_id: UUID, secret: str) -> None:
        method_id = await self._method(merchant_id, charge_id, secret)
        pool = await self._ledger.pool()
        async with pool.acquire() as connection, connection.transaction():
            if await connection.execute(_OUTCOME.format(code="code"), merchant_id, charge_id) == "INSERT 0 1":
                sql = """
                    UPDATE sandbox_method SET authentication = NULL
                    WHERE merchant_id = $1 AND id = $2 AND authentication = 'once'
                    """
                await connection.execute(sql, merchant_id, method_id)

    async def reject(self, merchant_id: UUID, charge_id: UUID, secret: str) -> None:
        await self._method(merchant_id, charge_id, secret)
        pool = await self._ledger.pool()
        code = FailureCode.AUTHENTICATION_FAILED.value
        await pool.execute(_OUTCOME.format(code="$3::text"), merchant_id, charge_id, code)

    async def _method(self, merchant_id: UUID, charge_id: UUID, secret: str) -> UUID:
        pool = await self._ledger.pool()
        sql = "SELECT method_id FROM sandbox_challenge WHERE merchant_id = $1 AND charge_id = $2 AND secret_sha256 = $3"
        method_id: UUID | None = await pool.fetchval(sql, merchant_id, charge_id, digest(secret))
        if method_id is None:
            raise UnknownChallenge
        return method_id


async def begin(ledger_pool: LedgerPool, order: ChargeOrder, code: FailureCode | None, reference: str) -> None:
    """Let the charge wait for the customer, unless it waits or has ended already."""
    pool = await ledger_pool.pool()
    await pool.execute(
        """
        INSERT INTO sandbox_challenge (merchant_id, charge_id, customer_id, method_id, amount_minor, currency, code, reference)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING
        """,
        order.merchant_id,
        order.charge_id,
        order.customer_id,
        order.method_id,
        order.amount.amount_minor,
        order.amount.currency,
        code,
        reference,
    )


async def waits(ledger_pool: LedgerPool, order: ChargeOrder) -> bool:
    """Whether the charge has begun to wait. It may have ended since."""
    pool = await ledger_pool.pool()
    sql = "SELECT EXISTS (SELECT FROM sandbox_challenge WHERE merchant_id = $1 AND charge_id = $2)"
    return bool(await pool.fetchval(sql, order.merchant_id, order.charge_id))


async def challenge(ledger_pool: LedgerPool, order: ChargeOrder) -> Challenge | None:
    """A new secret for the waiting charge, which replaces the former one."""
    secret = f"sbx_chal_{secrets.token_urlsafe(24)}"
    pool = await ledger_pool.pool()
    status: str = await pool.execute(
        """
        UPDATE sandbox_challenge AS challenge SET secret_sha256 = $3 WHERE merchant_id = $1 AND charge_id = $2 AND NOT EXISTS (
            SELECT FROM sandbox_charge WHERE merchant_id = challenge.merchant_id AND charge_id = challenge.charge_id
        )
        """,
        order.merchant_id,
        order.charge_id,
        digest(secret),
    )
    return Challenge(secret) if status == "UPDATE 1" else None
