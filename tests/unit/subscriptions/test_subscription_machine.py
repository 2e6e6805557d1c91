"""The invariants of a subscription hold for any commands in any order."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from unit.subscriptions.examples import ANA, PREMIUM, day

from subscriptions.domain.dunning import Policies, WhenRetriesEnd
from subscriptions.domain.period import Interval, Period
from subscriptions.domain.plan.terms import Money
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
    Cancelled,
    Event,
    Recovered,
    RenewalDue,
    Renewed,
    RetryDue,
)
from subscriptions.domain.subscription.refusals import Refusal
from subscriptions.domain.subscription.subscription import Subscription, decide, evolve, timers
from support.property_tests import examples

POLICIES = st.builds(
    Policies,
    retry_days=st.sampled_from([(1, 3, 5, 7), (), (2,)]),
    when_retries_end=st.sampled_from(WhenRetriesEnd),
)
WAITS = st.sampled_from([timedelta(0), timedelta(milliseconds=1), timedelta(hours=20), timedelta(days=9), timedelta(days=40)])


class Life(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now: datetime = day(5)
        self.state: Subscription | None = None
        self.events: list[Event] = []
        self.outstanding: list[tuple[Period, int]] = []
        """Charges under way: (period, attempt)"""

    def ask(self, command: Command) -> list[Event]:
        events = decide(command, self.state)
        for event in events:
            self.state = evolve(self.state, event)
            match event:
                case RenewalDue(period):
                    self.outstanding.append((period, 1))
                case RetryDue() if self.state.debt:
                    self.outstanding.append((self.state.period, self.state.debt.failed_attempts + 1))
        self.events += events
        return events

    @initialize(
        unit=st.sampled_from(["day", "week", "month", "year"]), zone=st.sampled_from(["UTC", "Europe/Madrid", "Pacific/Apia"])
    )
    def start(self, unit: Any, zone: str) -> None:
        plan = replace(PREMIUM, interval=Interval(unit))
        self.ask(Start(ANA, 1, plan, 1, zone, self.now, self.now))

    @rule(wait=WAITS)
    def time_passes(self, wait: timedelta) -> None:
        self.now += wait

    @rule()
    def the_billing_clock_comes(self) -> None:
        assert self.state
        for name, due in timers(self.state).items():
            at = max(self.now, due)
            command: dict[str, Command] = {"boundary": ReachBoundary(1, at), "retry": Retry(at), "give_up": GiveUp(at)}
            assert self.ask(command[name]), "a timer that is due leads to something"
            self.now = at

    @rule(early=st.sampled_from([ReachBoundary, Retry, GiveUp]))
    def a_timer_comes_unasked(self, early: Any) -> None:
        before = self.state
        assert before
        due = timers(before).values()
        self.ask(ReachBoundary(1, self.now) if early is ReachBoundary else early(self.now))
        assert self.state == before or min(due) <= self.now

    @rule(data=st.data(), policies=POLICIES, retryable=st.booleans(), repeated=st.booleans())
    def a_charge_fails(self, data: Any, policies: Policies, retryable: bool, repeated: bool) -> None:
        if self.outstanding:
            charge = data.draw(st.sampled_from(self.outstanding))
            if not repeated:
                self.outstanding.remove(charge)
            self.ask(
                RecordFailure(
                    charge[0], UUID(int=1), Money(2999, "USD"), "card_declined", retryable, charge[1], policies, self.now
                )
            )

    @rule(data=st.data(), repeated=st.booleans())
    def a_charge_succeeds(self, data: Any, repeated: bool) -> None:
        if self.outstanding:
            charge = data.draw(st.sampled_from(self.outstanding))
            if not repeated:
                self.outstanding.remove(charge)
            self.ask(RecordPaid(charge[0], UUID(int=1), self.now))

    @rule()
    def a_new_card_pays_what_is_owed(self) -> None:
        if self.state and self.state.debt:
            assert self.ask(RecordPaid(self.state.period, UUID(int=1), self.now))

    @rule(retryable=st.booleans())
    def the_card_on_file_is_tried_by_hand_and_declined(self, retryable: bool) -> None:
        if self.state and self.state.debt and not self.state.debt.trying:
            before, attempt = timers(self.state), self.state.debt.failed_attempts + 1
            failure = RecordFailure(
                self.state.period, UUID(int=1), Money(2999, "USD"), "x", retryable, attempt, Policies(), self.now, manual=True
            )
            self.ask(failure)
            assert timers(self.state) == before, "it moves no timer"

    @rule()
    def the_merchant_waives_what_is_owed(self) -> None:
        assert self.state
        if not self.state.paid and not self.state.ended:
            assert self.ask(RecordWaived(UUID(int=1), self.now))

    @rule(mode=st.sampled_from(["at_period_end", "immediately"]))
    def somebody_cancels(self, mode: Any) -> None:
        assert self.state
        try:
            self.ask(Cancel(mode, "customer", "void", self.now))
        except Refusal:
            assert self.state.ended
        assert self.state.ended or self.state.ending

    @rule()
    def somebody_withdraws(self) -> None:
        assert self.state
        ending = self.state.ending
        try:
            self.ask(WithdrawCancellation(self.now))
        except Refusal:
            assert ending is None or self.now >= ending.effective_at

    @invariant()
    def periods_are_contiguous_and_numbered_without_gaps(self) -> None:
        due = [event for event in self.events if isinstance(event, RenewalDue)]
        assert [event.number for event in due] == list(range(1, len(due) + 1))
        assert all(earlier.period.end == later.period.start for earlier, later in pairwise(due))
        assert all(event.period.start < event.period.end for event in due)

    @invariant()
    def each_period_is_paid_at_most_once_and_before_the_next(self) -> None:
        paid = sum(isinstance(event, Renewed | Recovered) for event in self.events)
        entered = sum(isinstance(event, RenewalDue) for event in self.events)
        assert entered - 1 <= paid <= entered

    @invariant()
    def nothing_is_charged_for_what_starts_after_a_cancellation_took_effect(self) -> None:
        ends = [event for event in self.events if isinstance(event, Cancelled)]
        assert len(ends) <= 1
        for end in ends:
            assert self.events[-1] == end, "nothing follows the end"
            assert all(e.period.start <= end.effective_at for e in self.events if isinstance(e, RenewalDue))

    @invariant()
    def no_cancellation_takes_effect_before_it_was_asked_for(self) -> None:
        assert all(e.effective_at >= e.at for e in self.events if isinstance(e, CancellationScheduled))

    @invariant()
    def it_waits_for_one_thing_at_most(self) -> None:
        if self.state:
            waits_for_others = not self.state.paid and not self.state.ended
            assert len(timers(self.state)) <= 1
            assert timers(self.state) or waits_for_others or self.state.ended


Life.TestCase.settings = settings(max_examples=examples(150), stateful_step_count=40)
TestLife = Life.TestCase
