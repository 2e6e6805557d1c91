"""The tables `stripe_*`: which object at Stripe belongs to which id of this service.

A row is inserted once and then read: of concurrent workers, all use the one that was stored first.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid5

import asyncpg

from payments.adapters.stripe.account import StripeMode
from payments.application.charges import Refused
from payments.domain.shapes import FailureCode, Remedy

RECOVERY: Final = timedelta(days=60)
"""After a reconciliation: longer than the retries of an invoice last."""


@dataclass(frozen=True, slots=True)
class StripeSetup:
    customer_id: UUID
    mode: StripeMode
    customer: str
    """`cus_…`"""
    reference: str
    """`seti_…`"""


@dataclass(frozen=True, slots=True)
class StripeMethod:
    customer_id: UUID
    mode: StripeMode
    customer: str
    """`cus_…`"""
    reference: str
    """`pm_…`"""
    forgotten: bool = False


@dataclass(frozen=True, slots=True)
class StoredIntent:
    mode: StripeMode
    reference: str
    """`pi_…`"""
    refused: Refused | None = None
    """The refusal that was first reported."""


class StripeBooks:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def customer(self, merchant_id: UUID, mode: StripeMode, customer_id: UUID) -> str | None:
        sql = "SELECT reference FROM stripe_customer WHERE merchant_id = $1 AND mode = $2 AND customer_id = $3"
        reference: str | None = await self._pool.fetchval(sql, merchant_id, mode, customer_id)
        return reference

    async def store_customer(self, merchant_id: UUID, mode: StripeMode, customer_id: UUID, reference: str) -> str:
        sql = """
            INSERT INTO stripe_customer (merchant_id, mode, customer_id, reference) VALUES ($1, $2, $3, $4)
            ON CONFLICT DO NOTHING
            """
        await self._pool.execute(sql, merchant_id, mode, customer_id, reference)
        return await self.customer(merchant_id, mode, customer_id) or reference

    async def drop_customer(self, merchant_id: UUID, mode: StripeMode, reference: str) -> None:
        sql = "DELETE FROM stripe_customer WHERE merchant_id = $1 AND mode = $2 AND reference = $3"
        await self._pool.execute(sql, merchant_id, mode, reference)

    async def setup(self, merchant_id: UUID, setup_id: UUID) -> StripeSetup | None:
        sql = "SELECT customer_id, mode, customer, reference FROM stripe_setup WHERE merchant_id = $1 AND setup_id = $2"
        row = await self._pool.fetchrow(sql, merchant_id, setup_id)
        return StripeSetup(*row) if row else None

    async def store_setup(self, merchant_id: UUID, setup_id: UUID, setup: StripeSetup) -> StripeSetup:
        sql = """
            INSERT INTO stripe_setup (merchant_id, setup_id, customer_id, mode, customer, reference)
            VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING
            """
        facts = (setup.customer_id, setup.mode, setup.customer, setup.reference)
        await self._pool.execute(sql, merchant_id, setup_id, *facts)
        return await self.setup(merchant_id, setup_id) or setup

    async def method(self, merchant_id: UUID, method_id: UUID) -> StripeMethod | None:
        sql = """
            SELECT customer_id, mode, customer, reference, forgotten_at IS NOT NULL
            FROM stripe_method WHERE merchant_id = $1 AND id = $2
            """
        row = await self._pool.fetchrow(sql, merchant_id, method_id)
        return StripeMethod(*row) if row else None

    async def store_method(self, merchant_id: UUID, method: StripeMethod, fingerprint: str | None) -> UUID:
        """The method's id. The same object at Stripe always has the same id."""
        id = method_id_of(merchant_id, method.reference)
        sql = """
            INSERT INTO stripe_method (merchant_id, id, customer_id, mode, customer, reference, fingerprint)
            VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING
            """
        facts = (method.customer_id, method.mode, method.customer, method.reference, fingerprint)
        await self._pool.execute(sql, merchant_id, id, *facts)
        return id

    async def others_with(self, merchant_id: UUID, mode: StripeMode, reference: str, customer_id: UUID) -> bool:
        """Whether this customer at Stripe belongs to another customer here."""
        sql = """
            SELECT EXISTS (
                SELECT FROM stripe_customer WHERE merchant_id = $1 AND mode = $2 AND reference = $3 AND customer_id <> $4
                UNION ALL SELECT FROM stripe_method WHERE merchant_id = $1 AND mode = $2 AND customer = $3 AND customer_id <> $4
            )
            """
        return bool(await self._pool.fetchval(sql, merchant_id, mode, reference, customer_id))

    async def forget_method(self, merchant_id: UUID, method_id: UUID) -> None:
        sql = "UPDATE stripe_method SET forgotten_at = coalesce(forgotten_at, now()) WHERE merchant_id = $1 AND id = $2"
        await self._pool.execute(sql, merchant_id, method_id)

    async def intent(self, merchant_id: UUID, charge_id: UUID) -> StoredIntent | Refused | None:
        """Refused: the charge ended before it had an intent, and never gets one."""
        sql = """
            SELECT mode, reference, code, remedy, provider_code FROM stripe_intent WHERE merchant_id = $1 AND charge_id = $2
            """
        row = await self._pool.fetchrow(sql, merchant_id, charge_id)
        if row is None:
            return None
        refused = _refused(row) if row["code"] else None
        if row["reference"] is None:
            assert refused is not None, "a check of the table"
            return refused
        return StoredIntent(row["mode"], row["reference"], refused)

    async def may_be_lost(self, merchant_id: UUID, charge_id: UUID) -> bool:
        """Whether a restore may have lost the row of the charge's intent.

        True for `RECOVERY` after a reconciliation, and for the payments that it blocked. For all others a row is not lost.
        """
        sql = """
            SELECT EXISTS (SELECT FROM stripe_recovery WHERE reconciled_at > now() - $3::interval) OR EXISTS (
                SELECT FROM attempt JOIN blocked_streams AS blocked
                ON blocked.merchant_id = attempt.merchant_id AND stream = 'payment-' || invoice_id
                WHERE attempt.merchant_id = $1 AND charge_id = $2
            )
            """
        return bool(await self._pool.fetchval(sql, merchant_id, charge_id, RECOVERY))

    async def store_intent(self, merchant_id: UUID, charge_id: UUID, mode: StripeMode, reference: str) -> StoredIntent | Refused:
        sql = """
            INSERT INTO stripe_intent (merchant_id, charge_id, mode, reference) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING
            """
        await self._pool.execute(sql, merchant_id, charge_id, mode, reference)
        return await self.intent(merchant_id, charge_id) or StoredIntent(mode, reference)

    async def close_charge(self, merchant_id: UUID, charge_id: UUID, refused: Refused) -> StoredIntent | Refused:
        """End a charge that has no intent. Returns the intent if it has one."""
        sql = """
            INSERT INTO stripe_intent (merchant_id, charge_id, code, remedy, provider_code) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT DO NOTHING
            """
        await self._pool.execute(sql, merchant_id, charge_id, *_facts(refused))
        return await self.intent(merchant_id, charge_id) or refused

    async def store_refusal(self, merchant_id: UUID, charge_id: UUID, refused: Refused) -> Refused:
        """The refusal that was first reported, which is this one if there was none."""
        sql = """
            UPDATE stripe_intent SET code = $3, remedy = $4, provider_code = $5
            WHERE merchant_id = $1 AND charge_id = $2 AND code IS NULL
            """
        await self._pool.execute(sql, merchant_id, charge_id, *_facts(refused))
        stored = await self.intent(merchant_id, charge_id)
        return stored.refused or refused if isinstance(stored, StoredIntent) else stored or refused

    async def broken(self, merchant_id: UUID, mode: StripeMode, key: str) -> int:
        sql = "SELECT times FROM stripe_broken WHERE merchant_id = $1 AND mode = $2 AND key = $3"
        return await self._pool.fetchval(sql, merchant_id, mode, key) or 0

    async def break_key(self, merchant_id: UUID, mode: StripeMode, key: str, times: int) -> None:
        """Change the key, unless it has changed since it was read as `times`."""
        sql = """
            INSERT INTO stripe_broken AS broken (merchant_id, mode, key, times) VALUES ($1, $2, $3, $4)
            ON CONFLICT (merchant_id, mode, key) DO UPDATE SET times = excluded.times WHERE broken.times < excluded.times
            """
        await self._pool.execute(sql, merchant_id, mode, key, times + 1)


def method_id_of(merchant_id: UUID, reference: str) -> UUID:
    """`reference`: `pm_…`"""
    return uuid5(merchant_id, reference)


def _refused(row: asyncpg.Record) -> Refused:
    remedy = Remedy(row["remedy"]) if row["remedy"] else None
    return Refused(FailureCode(row["code"]), row["reference"], remedy, row["provider_code"])


def _facts(refused: Refused) -> tuple[str, str | None, str | None]:
    return refused.code.value, refused.remedy.value if refused.remedy else None, refused.provider_code
