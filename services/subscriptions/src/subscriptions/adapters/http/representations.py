"""Subscriptions and decisions about them, as JSON."""

from datetime import datetime
from typing import Any
from uuid import UUID

from chassis.eventsourcing.aggregate import Outcome
from chassis.eventsourcing.event_store import Answer
from chassis.http.commands import accepted
from subscriptions.application import publication
from subscriptions.domain.plan.terms import Money
from subscriptions.domain.subscription.events import Event
from subscriptions.domain.subscription.subscription import Subscription


def cancelled(outcome: Outcome[Event, Subscription]) -> Answer:
    """A repetition gets the first decision."""
    subscription = outcome.state
    decided = subscription.ended or subscription.ending
    assert decided, "a cancellation ends it, now or later"
    mode = "immediately" if subscription.ended else "at_period_end"
    when = {"effective_at": iso(decided.effective_at), "access_until": iso(subscription.access_until)}
    return Answer(202, {**accepted(outcome).body, **when, "mode": mode})


def withdrawn(outcome: Outcome[Event, Subscription]) -> Answer:
    return Answer(202, {**accepted(outcome).body, "effective_at": None, "mode": None})


def document(id: UUID, version: int, subscription: Subscription) -> dict[str, Any]:
    """The current state of a subscription, with the fields of the contracts."""
    ending, debt = subscription.ending, subscription.debt
    return {
        "id": str(id),
        "version": version,
        "customer_id": str(subscription.customer_id),
        "status": publication.status(subscription),
        "plan": publication.plan(subscription.plan).model_dump(mode="json"),
        "quantity": subscription.quantity,
        "started_at": iso(subscription.calendar.anchor),
        "current_period": {"start": iso(subscription.period.start), "end": iso(subscription.period.end)},
        "cancellation": ending
        and {"mode": "at_period_end", "effective_at": iso(ending.effective_at), "feedback": ending.feedback},
        "debt": debt
        and {
            "invoice_id": str(debt.invoice_id),
            "amount": money(debt.amount),
            "reason": debt.reason,
            "failed_attempts": debt.failed_attempts,
            "next_attempt_at": debt.next_attempt_at and iso(debt.next_attempt_at),
            "access_until": iso(debt.dunning.ends_at),
        },
        "ended_at": subscription.ended and iso(subscription.ended.effective_at),
    }


def money(amount: Money) -> dict[str, Any]:
    return {"amount_minor": amount.amount_minor, "currency": amount.currency}


def iso(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")
