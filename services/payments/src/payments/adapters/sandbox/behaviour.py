"""The faults that the sandbox can simulate."""

import asyncio
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from payments.adapters.sandbox.ledger import LedgerPool
from payments.application.charges import NoAnswer

Mode = Literal["normal", "hang", "late", "lose"]


@dataclass(frozen=True, slots=True)
class Behaviour:
    mode: Mode = "normal"
    """hang: does nothing, never answers · late: acts at once, answers after `seconds` · lose: acts, never answers"""
    seconds: float = 0

    async def before(self) -> None:
        """Raises NoAnswer after the configured time if calls hang."""
        if self.mode == "hang":
            await asyncio.sleep(self.seconds)
            raise NoAnswer

    @property
    def delay(self) -> float:
        return self.seconds if self.mode == "late" else 0

    async def after(self) -> None:
        """Raises NoAnswer if answers are lost; waits if they are late."""
        await asyncio.sleep(self.delay)
        if self.mode == "lose":
            raise NoAnswer


async def behaviour_for(ledger_pool: LedgerPool, merchant_id: UUID, customer_id: UUID) -> Behaviour:
    """The customer's behaviour, or the merchant's, or the one without faults."""
    pool = await ledger_pool.pool()
    row = await pool.fetchrow(
        """
        SELECT mode, seconds FROM sandbox_behaviour WHERE merchant_id = $1 AND (customer_id = $2 OR customer_id IS NULL)
        ORDER BY customer_id NULLS LAST LIMIT 1
        """,
        merchant_id,
        customer_id,
    )
    return Behaviour(row["mode"], row["seconds"]) if row else Behaviour()


async def behave(ledger_pool: LedgerPool, merchant_id: UUID, customer_id: UUID | None, mode: Mode, seconds: float) -> None:
    pool = await ledger_pool.pool()
    await pool.execute(
        """
        INSERT INTO sandbox_behaviour (merchant_id, customer_id, mode, seconds) VALUES ($1, $2, $3, $4)
        ON CONFLICT (merchant_id, customer_id) DO UPDATE SET mode = excluded.mode, seconds = excluded.seconds
        """,
        merchant_id,
        customer_id,
        mode,
        seconds,
    )
