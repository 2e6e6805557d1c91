"""The rules of a subscription.

`decide` returns the events of a command or raises a refusal; `evolve` folds an event into the state that later decisions
need. Cancellations and renewals are decided on one stream, so the first decision that is stored holds.

A period is entered before it is paid. The next one is entered only once this one is settled.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import assert_never
from uuid import UUID

from subscriptions.domain import dunning
from subscriptions.domain.dunning import Dunning, WhenRetriesEnd
from subscriptions.domain.period import Calendar, Period
from subscriptions.domain.plan.terms import Money, Plan
from subscriptions.domain.subscription.commands import (
    Cancel,
    Command,
    GiveUp,
    ReachBoundary,
    RecordFailure,
    RecordPaid,
    RecordWaived,
    Retry,
    Start,
    WithdrawCancellation,
)
from subscriptions.domain.subscription.events import (
    CancellationScheduled,
    CancellationWithdrawn,
    Cancelled,
    Event,
    FellPastDue,
    Recovered,
    RenewalDue,
    Renewed,
    RetryDue,
    Started,
    WentUnpaid,
)
from subscriptions.domain.subscription.refusals import (
    AlreadyCancelled,
    AlreadyStarted,
    CancellationTookEffect,
    NoCancellationToWithdraw,
    NoSuchSubscription,
    StartInTheFuture,
)

SHORTEST_PERIOD = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Debt:
    """The current period's charge has failed and its invoice is open."""

    invoice_id: UUID
    amount: Money
    reason: str
    failed_attempts: int
    next_attempt_at: datetime | None
    dunning: Dunning
    retries: int = 0
    trying: bool = False
    """Whether another attempt is under way. Its outcome decides what follows."""
    given_up_at: datetime | None = None

    @property
    def given_up(self) -> bool:
        return self.given_up_at is not None


@dataclass(frozen=True, slots=True)
class Subscription:
    customer_id: UUID
    plan: Plan
    quantity: int
    calendar: Calendar
    period: Period
    number: int = 1
    """Number of the period, from 1."""
    paid: bool = False
    """Whether the current period is paid."""
    ever_paid: bool = False
    debt: Debt | None = None
    ending: CancellationScheduled | None = None
    ended: Cancelled | None = None
    access_ended: datetime | None = None
    """Set when the subscription ends. Earlier than the end if the last days were not paid."""

    @property
    def access_until(self) -> datetime:
        """End of the customer's access, as decided so far. It may be in the past."""
        if self.access_ended is not None:
            return self.access_ended
        if self.ending is not None:
            return self.ending.effective_at
        return self.debt.dunning.ends_at if self.debt else self.period.end


def decide(command: Command, it: Subscription | None) -> list[Event]:
    match command:
        case Start():
            return start(command, it)
        case ReachBoundary():
            return reach_boundary(command, existing(it))
        case RecordPaid():
            return record_paid(command, existing(it))
        case RecordWaived():
            return record_waived(command, existing(it))
        case RecordFailure():
            return record_failure(command, existing(it))
        case Retry():
            return retry(command, existing(it))
        case GiveUp():
            return give_up(command, existing(it))
        case Cancel():
            return cancel(command, living(it))
        case WithdrawCancellation():
            return withdraw_cancellation(command, living(it))


def start(command: Start, it: Subscription | None) -> list[Event]:
    if it is not None:
        raise AlreadyStarted
    if command.started_at > command.at:
        raise StartInTheFuture
    if command.objection is not None:
        raise command.objection
    first = Calendar(command.started_at, command.zone, command.plan.interval).first()
    return [
        Started(command.customer_id, command.plan, command.quantity, command.zone, first, command.at),
        RenewalDue(first, 1, command.customer_revision, command.at),
    ]


def reach_boundary(command: ReachBoundary, it: Subscription) -> list[Event]:
    """End the subscription or enter the next period, never both."""
    if it.ended:
        return []
    if it.ending is not None:
        return [end_as_scheduled(it.ending, it.ending.effective_at, command.at)] if command.at >= it.ending.effective_at else []
    if not it.paid or command.at < it.period.end:
        return []  # the timer is early, or the period is not settled: the timer is set again
    return [RenewalDue(it.calendar.after(it.period, it.number), it.number + 1, command.customer_revision, command.at)]


def record_paid(command: RecordPaid, it: Subscription) -> list[Event]:
    if it.ended or it.paid or command.period != it.period:
        return []
    return settle(it, command.invoice_id, command.at, command.agreed_at or command.at)


def record_waived(command: RecordWaived, it: Subscription) -> list[Event]:
    """Settle the current period: no other period of a subscription has an open invoice."""
    if it.ended or it.paid or (it.debt and it.debt.invoice_id != command.invoice_id):
        return []
    return settle(it, command.invoice_id, command.at, command.at)


def settle(it: Subscription, invoice_id: UUID, at: datetime, agreed_at: datetime) -> list[Event]:
    """Settle the current period. What follows is decided as of `agreed_at`, when the customer confirmed the payment."""
    if it.debt is None:
        return [Renewed(invoice_id, at)]
    given_up_at = it.debt.given_up_at
    if given_up_at is not None and given_up_at <= agreed_at and agreed_at >= it.period.end:
        # Access ended with the last retry. A customer who pays an old debt is not charged for the time since then.
        ended = Cancelled(at, "payment_failed", None, "keep", at, access_until=it.debt.dunning.ends_at)
        return [Recovered(invoice_id, at), ended]
    return [Recovered(invoice_id, at)]


def record_failure(command: RecordFailure, it: Subscription) -> list[Event]:
    """Start or continue the dunning, by the merchant's policies of the first failure, unless another attempt is under way."""
    if it.ended or it.paid or command.period != it.period:
        return []
    if it.ending is not None:
        # The period was never paid and a cancellation is scheduled: it ends now, unless another card is being charged.
        return [] if command.followed else [end_as_scheduled(it.ending, command.at, command.at)]
    if it.debt and (it.debt.given_up or command.attempt <= it.debt.failed_attempts):
        return []
    what = command.invoice_id, command.amount, command.reason, command.attempt
    if command.manual and it.debt and not it.debt.trying:
        return [FellPastDue(*what, it.debt.next_attempt_at, it.debt.dunning, command.at)]
    pursuit = it.debt.dunning if it.debt else dunning.begin(command.policies, command.at)
    exhausted = command.at >= pursuit.ends_at and not command.followed
    if exhausted and pursuit.then is WhenRetriesEnd.CANCEL:
        return [Cancelled(command.at, "payment_failed", None, pursuit.open_invoices, command.at)]
    again = pursuit.next_retry(command.at) if command.retryable and not command.followed else None
    failed = FellPastDue(*what, again, pursuit, command.at, command.followed)
    return [failed, WentUnpaid(command.invoice_id, command.at)] if exhausted else [failed]


def retry(command: Retry, it: Subscription) -> list[Event]:
    if it.ended or it.debt is None or it.debt.next_attempt_at is None or command.at < it.debt.next_attempt_at:
        return []
    last = it.debt.dunning.next_retry(command.at) is None
    return [RetryDue(it.debt.invoice_id, it.debt.retries + 1, command.at, last)]


def give_up(command: GiveUp, it: Subscription) -> list[Event]:
    if it.ended or it.debt is None or it.debt.trying or it.debt.given_up or command.at < it.debt.dunning.ends_at:
        return []
    if it.debt.dunning.then is WhenRetriesEnd.CANCEL:
        return [Cancelled(command.at, "payment_failed", None, it.debt.dunning.open_invoices, command.at)]
    return [WentUnpaid(it.debt.invoice_id, command.at)]


def cancel(command: Cancel, it: Subscription) -> list[Event]:
    ends_now = command.mode == "immediately" or it.debt is not None or command.at >= it.period.end
    if it.ending and not (command.mode == "immediately" and command.at < it.ending.effective_at):
        return []  # a repetition: the first decision holds
    if ends_now:
        # If a renewal was stored first, its period ends just after its start: the customer gets no time after the old end.
        at = max(command.at, it.period.start + SHORTEST_PERIOD)
        return [Cancelled(at, command.by, command.feedback, command.open_invoices, at)]
    return [CancellationScheduled(it.period.end, command.by, command.feedback, command.open_invoices, command.at)]


def withdraw_cancellation(command: WithdrawCancellation, it: Subscription) -> list[Event]:
    if it.ending is None:
        raise NoCancellationToWithdraw
    if command.at >= it.ending.effective_at:
        raise CancellationTookEffect  # even if the timer has not fired yet
    return [CancellationWithdrawn(command.at)]


def end_as_scheduled(ending: CancellationScheduled, effective_at: datetime, at: datetime) -> Cancelled:
    return Cancelled(effective_at, ending.by, ending.feedback, ending.open_invoices, at)


def existing(it: Subscription | None) -> Subscription:
    if it is None:
        raise NoSuchSubscription
    return it


def living(it: Subscription | None) -> Subscription:
    if existing(it).ended:
        raise AlreadyCancelled
    return existing(it)


def timers(it: Subscription) -> dict[str, datetime]:
    """The timers of the state: `boundary`, `retry` or `give_up`, at most one of them."""
    if it.ended:
        return {}
    if it.ending is not None:
        return {"boundary": it.ending.effective_at}
    if it.paid:
        return {"boundary": it.period.end}
    if it.debt is None or it.debt.trying or it.debt.given_up:
        return {}  # waits for the payment's outcome, or for the customer
    if it.debt.next_attempt_at is not None:
        return {"retry": it.debt.next_attempt_at}
    return {"give_up": it.debt.dunning.ends_at}


def evolve(it: Subscription | None, event: Event) -> Subscription:
    if isinstance(event, Started):
        calendar = Calendar(event.period.start, event.zone, event.plan.interval)
        return Subscription(event.customer_id, event.plan, event.quantity, calendar, event.period)
    assert it is not None, "a stream begins with Started"
    match event:
        case RenewalDue(period, number):
            return replace(it, period=period, number=number, paid=False)
        case Renewed() | Recovered():
            return replace(it, paid=True, ever_paid=True, debt=None)
        case FellPastDue(invoice_id, amount, reason, failed_attempts, next_attempt_at, pursuit, trying=trying):
            retries = it.debt.retries if it.debt else 0
            debt = Debt(invoice_id, amount, reason, failed_attempts, next_attempt_at, pursuit, retries, trying)
            return replace(it, debt=debt)
        case RetryDue(_, number):
            assert it.debt is not None, "only a debt is retried"
            return replace(it, debt=replace(it.debt, next_attempt_at=None, retries=number, trying=True))
        case WentUnpaid(_, at):
            assert it.debt is not None, "only a debt is given up"
            return replace(it, debt=replace(it.debt, next_attempt_at=None, trying=False, given_up_at=at))
        case CancellationScheduled():
            return replace(it, ending=event)
        case CancellationWithdrawn():
            return replace(it, ending=None)
        case Cancelled():
            access_ended = event.access_until or min(event.effective_at, it.access_until)
            return replace(it, ended=event, ending=None, debt=None, access_ended=access_ended)
        case _:
            assert_never(event)
