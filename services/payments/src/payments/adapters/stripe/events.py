"""Takes in Stripe's events, from webhooks and from lists: an event names what to read again, and is not believed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

import asyncpg

from chassis.outbox.commit_signals import CommitSignals
from chassis.postgres.connection import Connection
from payments.adapters.stripe.account import StripeMode
from payments.application.ports import Rows
from payments.domain.shapes import STRIPE

DISPUTE_TYPES: Final = (
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
    "charge.dispute.closed",
)
TYPES: Final = (
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.canceled",
    "payment_intent.processing",
    "payment_intent.requires_action",
    "charge.refunded",
    "refund.updated",
    "refund.failed",
    *DISPUTE_TYPES,
    "payment_method.automatically_updated",
    "payment_method.updated",
    "payment_method.detached",
    "customer.deleted",
)
"""The events that have an effect here. Others are accepted and not stored."""
_OF_REFUNDS: Final = frozenset({"refund.updated", "refund.failed"})
"""A refund that was made may have failed."""
RETENTION: Final = timedelta(days=40)
"""How long ids are stored. Stripe sends an event again for 3 days, and lists it for 30."""
_ID: Final = re.compile(r"[A-Za-z0-9_]{1,255}")

IntakeOutcome: TypeAlias = Literal["new", "known", "other_type"]


class MalformedEvent(Exception):
    """The body is not an event of Stripe."""


class WrongMode(Exception):
    """The event is of the other mode than the account."""


@dataclass(frozen=True, slots=True)
class StripeEvent:
    """The parts of an event that are used."""

    id: str
    type: str
    created: datetime
    live: bool
    intent: str | None
    """The payment intent that the event is about."""
    charge_id: UUID | None
    """Our charge that the event's object names."""
    method: str | None = None
    """The payment method that the event is about."""
    customer: str | None = None
    """The customer that the event is about: all their cards may have changed."""


def read_event(document: Any) -> StripeEvent:
    """Raises MalformedEvent."""
    match document:
        case {
            "object": "event",
            "id": str() as id,
            "type": str() as type,
            "created": int() as created,
            "livemode": bool() as live,
            "data": {"object": {"object": str()} as about},
        } if _ID.fullmatch(id) and len(type) <= 255 and not isinstance(created, bool) and 0 <= created < 2**36:
            at, cards = datetime.fromtimestamp(created, UTC), (_own_id(about, "payment_method"), _own_id(about, "customer"))
            return StripeEvent(id, type, at, live, _intent(about), _charge_id(about), *cards)
    raise MalformedEvent


def _intent(about: Mapping[str, Any]) -> str | None:
    return _own_id(about, "payment_intent") or _id(about.get("payment_intent"))


def _own_id(about: Mapping[str, Any], kind: str) -> str | None:
    """The id of the event's object, if it is of this kind."""
    return _id(about.get("id")) if about["object"] == kind else None


def _id(value: object) -> str | None:
    return value if isinstance(value, str) and _ID.fullmatch(value) else None


def _charge_id(about: Mapping[str, Any]) -> UUID | None:
    metadata = about.get("metadata")
    named = metadata.get("charge_id") if isinstance(metadata, dict) else None
    try:
        return UUID(named) if isinstance(named, str) else None
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class EventIntake:
    pool: asyncpg.Pool
    commits: CommitSignals
    rows: Rows

    async def take_in(self, merchant_id: UUID, mode: StripeMode, event: StripeEvent) -> IntakeOutcome:
        """Store the event's id and make due what it is about, in one transaction. Raises WrongMode."""
        if event.live != (mode == "live"):
            raise WrongMode
        if event.type not in TYPES:
            return "other_type"
        async with self.pool.acquire() as connection, connection.transaction():
            stored = await connection.execute(
                """
                INSERT INTO stripe_event (merchant_id, event_id, type, created) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING
                """,
                merchant_id,
                event.id,
                event.type,
                event.created,
            )
            if stored != "INSERT 0 1":
                return "known"
            await self._make_charge_due(connection, merchant_id, event)
            await self._make_cards_due(connection, merchant_id, event)
        self.commits.signal()
        return "new"

    async def _make_charge_due(self, connection: Connection, merchant_id: UUID, event: StripeEvent) -> None:
        """Nothing happens to a charge of another provider."""
        charge_id = await connection.fetchval(
            """
            SELECT charge_id FROM attempt WHERE merchant_id = $1 AND provider = $2 AND charge_id = coalesce(
                $3, (SELECT charge_id FROM stripe_intent WHERE merchant_id = $1 AND reference = $4)
            )
            """,
            merchant_id,
            STRIPE,
            event.charge_id,
            event.intent,
        )
        if charge_id is not None:
            due = [*self.rows.outcomes_due(merchant_id, charge_id)]
            if event.type in _OF_REFUNDS:
                due.append(self.rows.made_refunds_due(merchant_id, charge_id))
            if event.type in DISPUTE_TYPES:
                due.append(self.rows.disputes_due(merchant_id, charge_id))
            for statement in due:
                await connection.execute(statement.sql, *statement.args)

    async def _make_cards_due(self, connection: Connection, merchant_id: UUID, event: StripeEvent) -> None:
        if event.method is None and event.customer is None:
            return
        sql = "SELECT id FROM stripe_method WHERE merchant_id = $1 AND (reference = $2 OR customer = $3) ORDER BY id"
        for row in await connection.fetch(sql, merchant_id, event.method, event.customer):
            statement = self.rows.method_reported(merchant_id, row["id"])
            await connection.execute(statement.sql, *statement.args)

    async def forget_old(self) -> None:
        await self.pool.execute("DELETE FROM stripe_event WHERE received_at < now() - $1::interval", RETENTION)
