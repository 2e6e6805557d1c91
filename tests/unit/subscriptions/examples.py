"""Ana's subscription, the start of the examples."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from chassis.eventsourcing.decider import Decider
from subscriptions.domain import dunning
from subscriptions.domain.dunning import Policies, WhenRetriesEnd
from subscriptions.domain.period import Interval, Period
from subscriptions.domain.plan.terms import Money, Plan
from subscriptions.domain.subscription.commands import Command, RecordFailure, RecordPaid
from subscriptions.domain.subscription.events import (
    CancellationScheduled,
    Event,
    Feedback,
    FellPastDue,
    RenewalDue,
    Renewed,
    RetryDue,
    Started,
)
from subscriptions.domain.subscription.subscription import Subscription, decide, evolve
from support.spec import Scenario

RULES: Decider[Command, Event, Subscription] = Decider(decide, evolve)

ANA = UUID(int=0xA7A)
PREMIUM = Plan(UUID(int=0x9E), "Premium Mensual", "Suscripción mensual renovable", Money(2999, "USD"), Interval("month"))
INVOICE = UUID(int=0x11)
ZONE = "America/Mexico_City"
POLICIES = Policies()
LENIENT = Policies(when_retries_end=WhenRetriesEnd.UNPAID)


def day(month: int, of: int = 14, hour: int = 6) -> datetime:
    """2023, in UTC; hour 6 is midnight in Mexico City."""
    return datetime(2023, month, of, hour, tzinfo=UTC)


MAY, JUNE, JULY = Period(day(5), day(6)), Period(day(6), day(7)), Period(day(7), day(8))

STARTED = Started(ANA, PREMIUM, 1, ZONE, MAY, day(5))
MAY_DUE = RenewalDue(MAY, 1, 1, day(5))
MAY_PAID = Renewed(INVOICE, day(5))
ACTIVE = (STARTED, MAY_DUE, MAY_PAID)
JUNE_DUE = RenewalDue(JUNE, 2, 1, day(6))
ENTERED_JUNE = (*ACTIVE, JUNE_DUE)

SCHEDULED = CancellationScheduled(day(6), "customer", Feedback.UNUSED, "void", at=day(5, of=20))

PAID = RecordPaid(JUNE, INVOICE, day(6))
FAILED = RecordFailure(JUNE, INVOICE, Money(2999, "USD"), "insufficient_funds", True, 1, POLICIES, day(6))
PURSUIT = dunning.begin(POLICIES, day(6))
FELL = FellPastDue(INVOICE, Money(2999, "USD"), "insufficient_funds", 1, day(6, of=15), PURSUIT, day(6))
PAST_DUE = (*ENTERED_JUNE, FELL)
LAST_RETRY = (
    *PAST_DUE,
    RetryDue(INVOICE, 1, day(6, of=15)),
    replace(FELL, failed_attempts=2, next_attempt_at=day(6, of=21), at=day(6, of=19)),
    RetryDue(INVOICE, 2, day(6, of=21)),
)


def given(*past: Event) -> Scenario[Command, Event, Subscription]:
    return Scenario(RULES, past)
