"""Subscriptions with debts, made by the rules of subscriptions, as the portal shows them; and the real effect of a payment."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from unit.subscriptions.examples import INVOICE, RULES

from portal_gateway.application.projections import subscription as projection
from portal_gateway.domain.view import Period as PeriodFacts
from portal_gateway.domain.view import Subscription as SubscriptionFacts
from subscriptions.application.publication import status, subscription
from subscriptions.domain.period import Period
from subscriptions.domain.subscription.commands import Command, ReachBoundary, RecordPaid
from subscriptions.domain.subscription.events import Event, RenewalDue
from subscriptions.domain.subscription.subscription import Subscription, decide, evolve
from support.portal_gateway.story import envelope
from support.portal_page import scenes


@dataclass(frozen=True)
class State:
    """The events of a subscription."""

    events: tuple[Event, ...]
    known: Subscription | None = field(default=None, compare=False, repr=False)
    """The folded state of the events, if it is known already."""

    @property
    def it(self) -> Subscription:
        subscription = self.known or RULES.fold(self.events)
        assert subscription is not None
        return subscription

    def after(self, *commands: Command) -> "State":
        events, it = self.events, self.it
        for command in commands:
            new = decide(command, it)
            for event in new:
                it = evolve(it, event)
            events = (*events, *new)
        return State(events, it)

    def seen(self) -> SubscriptionFacts:
        """The portal's facts, folded from the public events."""
        doc, it = None, None
        for sequence, event in enumerate(self.events, 1):
            it = evolve(it, event)
            doc = projection.fold(doc, envelope(subscription(event, it), f"subscription-{scenes.PREMIUM}", sequence))
        assert doc is not None
        return {**doc, "version": len(self.events), "stale": False}  # type: ignore[typeddict-item]


@dataclass(frozen=True)
class Paid:
    """The events after a payment by the rules, including the boundaries that have passed by then."""

    state: State
    entered: tuple[Period, ...]


def pay(state: State, at: datetime, agreed_at: datetime | None = None) -> Paid:
    """Pay the unpaid period at `at`, and every period that is entered as a consequence."""
    before, period = state, state.it.period
    state = state.after(RecordPaid(period, INVOICE, at, agreed_at))
    while len((renewal := state.after(ReachBoundary(1, at))).events) > len(state.events):
        state = renewal.after(RecordPaid(renewal.it.period, INVOICE, at))
    new = state.events[len(before.events) :]
    return Paid(state, tuple(event.period for event in new if isinstance(event, RenewalDue)))


def facts_of(period: Period) -> PeriodFacts:
    return {"start": period.start.isoformat(), "end": period.end.isoformat()}


def status_of(state: State) -> str:
    return status(state.it).value


def invoice_of(state: State) -> UUID:
    return state.it.debt.invoice_id if state.it.debt else INVOICE
