"""The sandbox provider: a durable ledger with one row per charge id."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from billing_contracts.expiry import expired
from payments.adapters.sandbox import challenges, refunds
from payments.adapters.sandbox.behaviour import behaviour_for
from payments.adapters.sandbox.ledger import LedgerPool
from payments.adapters.sandbox.vault import Vault
from payments.application.card_setup import OwnFields
from payments.application.charges import (
    Challenge,
    ChargeOrder,
    DisputeReport,
    NeedsCustomer,
    NoAnswer,
    Outcome,
    Pending,
    RefundOrder,
    RefundOutcome,
    Refused,
    Status,
    Taken,
    UnknownCharge,
)
from payments.domain.shapes import FailureCode, Method

_RECORD = """
INSERT INTO sandbox_charge (merchant_id, charge_id, customer_id, method_id, amount_minor, currency, code, reference, answers_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now() + make_interval(secs => $9))
ON CONFLICT DO NOTHING
"""


class Sandbox:
    def __init__(self, ledger_pool: LedgerPool) -> None:
        self._ledger, self._vault = ledger_pool, Vault(ledger_pool)

    async def open(self, merchant_id: UUID, customer_id: UUID, setup_id: UUID) -> OwnFields:
        return OwnFields()

    async def charge(self, order: ChargeOrder) -> Outcome:
        behaviour = await behaviour_for(self._ledger, order.merchant_id, order.customer_id)
        await behaviour.before()
        code, asks = await self._verdict(order)
        if asks and order.on_session:
            await challenges.begin(self._ledger, order, code, _reference(order))
            await behaviour.after()
        elif await self._record(order, code := FailureCode.AUTHENTICATION_REQUIRED if asks else code, behaviour.delay):
            await behaviour.after()
            return Refused(code, _reference(order)) if code else Taken(_reference(order))
        known = await self._look_up(order)
        if isinstance(known, Pending | UnknownCharge):
            raise NoAnswer
        return known

    async def status(self, order: ChargeOrder) -> Status:
        await (await behaviour_for(self._ledger, order.merchant_id, order.customer_id)).before()
        return await self._look_up(order)

    async def cancel(self, order: ChargeOrder) -> Status:
        await (await behaviour_for(self._ledger, order.merchant_id, order.customer_id)).before()
        left = await challenges.waits(self._ledger, order)
        await self._record(order, FailureCode.AUTHENTICATION_ABANDONED if left else FailureCode.PROCESSING_ERROR, 0)
        return await self._look_up(order)

    async def challenge(self, order: ChargeOrder) -> Challenge | None:
        return await challenges.challenge(self._ledger, order)

    async def refund(self, order: RefundOrder) -> RefundOutcome:
        behaviour = await behaviour_for(self._ledger, order.charge.merchant_id, order.charge.customer_id)
        await behaviour.before()
        is_new, outcome = await refunds.refund(self._ledger, order)
        if is_new:
            await behaviour.after()
        return outcome

    async def disputes(self, order: ChargeOrder) -> Sequence[DisputeReport]:
        return ()

    async def save(self, merchant_id: UUID, customer_id: UUID, setup_id: UUID, token: str) -> Method:
        await (await behaviour_for(self._ledger, merchant_id, customer_id)).before()
        return await self._vault.save(merchant_id, customer_id, setup_id, token)

    async def attach(self, merchant_id: UUID, customer_id: UUID, token: str, at: datetime, zone: str) -> Method:
        return await self._vault.attach(merchant_id, customer_id, token, at.astimezone(ZoneInfo(zone)))

    async def imported(self, merchant_id: UUID, customer_id: UUID, token: str, *, keep: bool) -> Method:
        """A test token stands for a card of an import."""
        return await self._vault.imported(merchant_id, customer_id, token, keep=keep)

    async def read(self, merchant_id: UUID, customer_id: UUID, method_id: UUID) -> Method | None:
        return await self._vault.read(merchant_id, customer_id, method_id)

    async def forget(self, merchant_id: UUID, customer_id: UUID, method_id: UUID) -> None:
        await self._vault.forget(merchant_id, customer_id, method_id)

    async def _verdict(self, order: ChargeOrder) -> tuple[FailureCode | None, bool]:
        """The reason why the charge is refused, or None; and whether the bank has to confirm it before."""
        pool = await self._ledger.pool()
        method = await pool.fetchrow(
            """
            SELECT exp_year, exp_month, on_charge, authentication FROM sandbox_method
            WHERE merchant_id = $1 AND id = $2 AND customer_id = $3
            """,
            order.merchant_id,
            order.method_id,
            order.customer_id,
        )
        if method is None:
            return FailureCode.PROCESSING_ERROR, False
        asks = method["authentication"] is not None
        if method["on_charge"]:
            return FailureCode(method["on_charge"]), asks
        over = expired(method["exp_month"], method["exp_year"], order.at, ZoneInfo(order.zone))
        return (FailureCode.EXPIRED_CARD, False) if over else (None, asks)

    async def _record(self, order: ChargeOrder, code: FailureCode | None, delay: float) -> bool:
        """Whether the charge is new. A known charge is answered from the ledger."""
        pool = await self._ledger.pool()
        amount = order.amount
        facts = (order.customer_id, order.method_id, amount.amount_minor, amount.currency, code, _reference(order), delay)
        status: str = await pool.execute(_RECORD, order.merchant_id, order.charge_id, *facts)
        return status == "INSERT 0 1"

    async def _look_up(self, order: ChargeOrder) -> Status:
        pool = await self._ledger.pool()
        sql = "SELECT code, reference, answers_at <= now() AS says FROM sandbox_charge WHERE merchant_id = $1 AND charge_id = $2"
        row = await pool.fetchrow(sql, order.merchant_id, order.charge_id)
        if row is None:
            return NeedsCustomer() if await challenges.waits(self._ledger, order) else UnknownCharge()
        if not row["says"]:
            return Pending()
        return Refused(FailureCode(row["code"]), row["reference"]) if row["code"] else Taken(row["reference"])


def _reference(order: ChargeOrder) -> str:
    return f"sbx_ch_{order.charge_id.hex[:20]}"


async def ledger(ledger_pool: LedgerPool, merchant_id: UUID) -> dict[str, list[dict[str, Any]]]:
    """All charges and refunds of a merchant, oldest first."""
    pool = await ledger_pool.pool()
    charges = await pool.fetch(
        """
        SELECT charge_id, customer_id, method_id, amount_minor, currency, code, reference, recorded_at
        FROM sandbox_charge WHERE merchant_id = $1 ORDER BY recorded_at, charge_id
        """,
        merchant_id,
    )
    return {"charges": [dict(row) for row in charges], "refunds": await refunds.repayments(ledger_pool, merchant_id)}
