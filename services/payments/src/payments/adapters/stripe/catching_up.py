"""Lists the events of each account every five minutes: lost webhooks delay an outcome, and change nothing else."""

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import asyncpg
import structlog

from chassis.runtime.background import repeat, survives
from payments.adapters.stripe.account import StripeMode
from payments.adapters.stripe.connections import StripeConnections
from payments.adapters.stripe.events import TYPES, EventIntake, read_event
from payments.application.charges import NoAnswer

if TYPE_CHECKING:
    from stripe.params import EventListParams

INTERVAL: Final = timedelta(minutes=5)
OVERLAP: Final = timedelta(minutes=10)
"""Events are listed again for this time, because Stripe may list one after later ones."""
LISTED_MAX: Final = timedelta(days=29)
"""Stripe lists events of 30 days."""
PAGE: Final = 100
_IDLE_SECONDS: Final = 5.0

log = structlog.get_logger()


class CatchingUp:
    def __init__(self, pool: asyncpg.Pool, connections: StripeConnections, intake: EventIntake) -> None:
        self._pool, self._connections, self._intake = pool, connections, intake

    async def run(self, stop: asyncio.Event) -> None:
        """Catch up with each account when it is due, until `stop`."""
        await repeat("stripe_events", self.step, stop)

    async def step(self) -> float | None:
        """Catch up with one account that is due. None: another one may be due too."""
        row = await self._pool.fetchrow(
            """
            UPDATE stripe_account SET poll_at = now() + $1::interval
            WHERE (merchant_id, mode) = (
                SELECT merchant_id, mode FROM stripe_account WHERE state = 'connected' AND poll_at <= now()
                ORDER BY poll_at LIMIT 1 FOR UPDATE SKIP LOCKED
            )
            RETURNING merchant_id, mode, greatest(caught_up_to - $2::interval, now() - $3::interval) AS since, now() AS until
            """,
            INTERVAL,
            OVERLAP,
            LISTED_MAX,
        )
        if row is None:
            return _IDLE_SECONDS
        await self._intake.forget_old()
        await survives("stripe_events", self._catch_up(row["merchant_id"], row["mode"], row["since"], row["until"]))
        return None

    async def _catch_up(self, merchant_id: UUID, mode: StripeMode, since: datetime, until: datetime) -> None:
        """The newest events come first. The time is stored only after the oldest one, so that an interrupted run is repeated."""
        new, last = 0, None
        try:
            while True:
                page = await self._page(merchant_id, mode, since, last)
                for document in page["data"]:
                    event = read_event(document)
                    new += await self._intake.take_in(merchant_id, mode, event) == "new"
                    last = event.id
                if not page["has_more"] or not page["data"]:
                    break
        except NoAnswer as error:
            log.warning("stripe.events_not_listed", merchant=str(merchant_id), mode=mode, reason=str(error))
            return
        sql = "UPDATE stripe_account SET caught_up_to = $3 WHERE merchant_id = $1 AND mode = $2 AND caught_up_to < $3"
        await self._pool.execute(sql, merchant_id, mode, until)
        if new:
            log.info("stripe.events_caught_up", merchant=str(merchant_id), mode=mode, new=new)

    async def _page(self, merchant_id: UUID, mode: StripeMode, since: datetime, after: str | None) -> dict[str, Any]:
        """Raises NoAnswer."""
        api = await self._connections.of(merchant_id, mode)
        parameters: EventListParams = {"types": list(TYPES), "created": {"gte": int(since.timestamp())}, "limit": PAGE}
        if after is not None:
            parameters["starting_after"] = after
        return await api.ask(lambda v1, options: v1.events.list_async(parameters, options))
