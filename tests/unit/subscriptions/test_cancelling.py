from dataclasses import replace
from datetime import datetime, timedelta

from unit.subscriptions.examples import (
    ACTIVE,
    ENTERED_JUNE,
    FAILED,
    INVOICE,
    MAY_DUE,
    PAID,
    PAST_DUE,
    RULES,
    SCHEDULED,
    STARTED,
    day,
    given,
)

from subscriptions.domain.plan.terms import Money
from subscriptions.domain.preview import Preview, preview
from subscriptions.domain.subscription.commands import Cancel, ReachBoundary, WithdrawCancellation
from subscriptions.domain.subscription.events import (
    CancellationScheduled,
    CancellationWithdrawn,
    Cancelled,
    Event,
    Feedback,
    Renewed,
    WentUnpaid,
)
from subscriptions.domain.subscription.refusals import (
    AlreadyCancelled,
    CancellationTookEffect,
    NoCancellationToWithdraw,
    NoSuchSubscription,
)
from subscriptions.domain.subscription.subscription import timers

CANCEL = Cancel("at_period_end", "customer", "void", day(5, of=20), Feedback.UNUSED)
AT_ONCE = replace(CANCEL, mode="immediately")
ENDED = Cancelled(day(6), "customer", Feedback.UNUSED, "void", day(6))


def ended_at(month: int, of: int) -> Cancelled:
    return replace(ENDED, effective_at=day(month, of), at=day(month, of))


def test_access_lasts_until_the_paid_period_ends() -> None:
    given(*ACTIVE).when(CANCEL).then(SCHEDULED)


def test_cancelling_twice_changes_nothing() -> None:
    given(*ACTIVE, SCHEDULED).when(replace(CANCEL, at=day(5, of=21), feedback=None)).then()


def test_a_cancelled_subscription_ends_instead_of_renewing() -> None:
    given(*ACTIVE, SCHEDULED).when(ReachBoundary(1, day(6))).then(ENDED)


def test_it_ends_at_the_promised_instant_even_when_the_clock_comes_late() -> None:
    given(*ACTIVE, SCHEDULED).when(ReachBoundary(1, day(6, of=15))).then(replace(ENDED, at=day(6, of=15)))
    given(*ACTIVE, SCHEDULED).when(ReachBoundary(1, day(6, of=13))).then()


def test_a_renewal_decided_first_moves_the_end() -> None:
    given(*ENTERED_JUNE).when(replace(CANCEL, at=day(6, of=15))).then(replace(SCHEDULED, effective_at=day(7), at=day(6, of=15)))


def test_a_cancellation_at_the_boundary_ends_it_when_it_is_decided_before_the_renewal() -> None:
    given(*ACTIVE).when(replace(CANCEL, at=day(6))).then(ENDED)


def test_cancelling_immediately_ends_it_now() -> None:
    given(*ACTIVE).when(AT_ONCE).then(ended_at(5, of=20))


def test_cancelling_after_a_renewal_was_stored_ends_the_new_period() -> None:
    just_after = day(6) + timedelta(microseconds=1)
    given(*ENTERED_JUNE).when(AT_ONCE).then(replace(ENDED, effective_at=just_after, at=just_after))
    given(*ACTIVE, SCHEDULED).when(replace(AT_ONCE, at=day(5, of=21))).then(ended_at(5, of=21))
    given(*ENTERED_JUNE).when(replace(AT_ONCE, at=day(6, of=20))).then(ended_at(6, of=20))


def test_giving_up_an_unpaid_period_ends_it_at_once() -> None:
    given(*PAST_DUE).when(replace(CANCEL, at=day(6, of=16))).then(ended_at(6, of=16))


def test_a_policy_can_leave_unpaid_invoices_open() -> None:
    given(*PAST_DUE).when(replace(CANCEL, by="merchant", open_invoices="keep", at=day(6, of=16))).then(
        replace(ended_at(6, of=16), cause="merchant", open_invoices="keep")
    )


def test_a_charge_that_fails_after_cancelling_leaves_no_debt() -> None:
    cancelled = replace(SCHEDULED, effective_at=day(7), at=day(6))
    given(*ENTERED_JUNE, cancelled).when(FAILED).then(ENDED)
    given(*ENTERED_JUNE, cancelled).when(PAID).then(Renewed(INVOICE, day(6)))


def test_a_failure_that_another_charge_follows_does_not_end_the_subscription() -> None:
    cancelled = replace(SCHEDULED, effective_at=day(7), at=day(6))
    given(*ENTERED_JUNE, cancelled).when(replace(FAILED, followed=True)).then()


def test_a_paid_renewal_still_ends_as_scheduled() -> None:
    cancelled = replace(SCHEDULED, effective_at=day(7), at=day(6))
    given(*ENTERED_JUNE, cancelled, Renewed(INVOICE, day(6))).when(ReachBoundary(1, day(7))).then(ended_at(7, of=14))


def test_a_running_charge_does_not_delay_the_cancellation() -> None:
    cancelled = replace(SCHEDULED, effective_at=day(7), at=day(6))
    given(*ENTERED_JUNE, cancelled).when(ReachBoundary(1, day(7))).then(ended_at(7, of=14))


def test_outcomes_after_the_end_change_nothing() -> None:
    given(*ENTERED_JUNE, ENDED).when(PAID).then()
    given(*ENTERED_JUNE, ENDED).when(FAILED).then()
    given(*ENTERED_JUNE, ENDED).when(ReachBoundary(1, day(7))).then()


def test_a_customer_can_change_their_mind_until_it_takes_effect() -> None:
    given(*ACTIVE, SCHEDULED).when(WithdrawCancellation(day(6, of=13))).then(CancellationWithdrawn(day(6, of=13)))
    given(*ACTIVE, SCHEDULED).when(WithdrawCancellation(day(6))).refused(CancellationTookEffect)
    given(*ACTIVE, SCHEDULED, ENDED).when(WithdrawCancellation(day(6))).refused(AlreadyCancelled)
    given(*ACTIVE).when(WithdrawCancellation(day(5))).refused(NoCancellationToWithdraw)


def test_it_renews_after_a_withdrawal() -> None:
    state = RULES.fold((*ACTIVE, SCHEDULED, CancellationWithdrawn(day(5, of=21))))
    assert state == RULES.fold(ACTIVE)


def test_an_ended_subscription_cannot_be_cancelled_and_has_no_timer() -> None:
    given(*ACTIVE, ENDED).when(CANCEL).refused(AlreadyCancelled)
    over = RULES.fold((*ACTIVE, ENDED))
    assert over
    assert timers(over) == {}


def test_a_subscription_that_does_not_exist_cannot_be_cancelled() -> None:
    given().when(CANCEL).refused(NoSuchSubscription)


PRICE = Money(2999, "USD")


def test_the_preview_agrees_with_the_rules() -> None:
    assert preview(CANCEL, RULES.fold(ACTIVE), PRICE) == Preview("at_period_end", day(6), day(6))
    now = day(5, of=20)
    assert preview(AT_ONCE, RULES.fold(ACTIVE), PRICE) == Preview("immediately", now, now, paid_until=day(6))
    later = day(6, of=20)
    owed = preview(replace(CANCEL, at=later), RULES.fold(PAST_DUE), PRICE)
    assert owed == Preview("immediately", later, later, PRICE, "void")


def test_the_preview_of_a_scheduled_cancellation_shows_its_date() -> None:
    later = replace(CANCEL, at=day(5, of=25))
    scheduled: CancellationScheduled = SCHEDULED
    promised = Preview("at_period_end", scheduled.effective_at, scheduled.effective_at)
    assert preview(later, RULES.fold((*ACTIVE, SCHEDULED)), PRICE) == promised
    given_up = preview(replace(AT_ONCE, at=day(5, of=25)), RULES.fold((*ACTIVE, SCHEDULED)), PRICE)
    assert given_up == Preview("immediately", day(5, of=25), day(5, of=25), paid_until=day(6))


def test_the_preview_counts_a_charge_that_is_under_way() -> None:
    """With what a period costs, its tax included; nothing becomes of it until it is known how it ends."""
    entered, price = RULES.fold((STARTED, MAY_DUE)), Money(3629, "USD")
    shown = preview(AT_ONCE, entered, price)
    assert (shown.open_amount, shown.open_invoices, shown.paid_until) == (price, "void", None)
    assert preview(CANCEL, entered, price) == Preview("at_period_end", day(6), day(6), price)


def test_the_preview_shows_no_access_that_has_ended() -> None:
    gone = day(6, of=21)
    unpaid = RULES.fold((*PAST_DUE, WentUnpaid(INVOICE, day(6, of=22))))
    shown = preview(replace(CANCEL, at=day(7, of=20)), unpaid, PRICE)
    assert shown == Preview("immediately", day(7, of=20), gone, PRICE, "void")


def test_access_ends_with_the_dunning_of_an_unpaid_renewal() -> None:
    """The event at the end equals the preview."""
    story = (*PAST_DUE, WentUnpaid(INVOICE, day(6, of=22)))
    (ended,) = RULES.decide(replace(CANCEL, at=day(7, of=20)), RULES.fold(story))
    over = RULES.fold((*story, ended))
    assert over is not None
    assert over.access_until == day(6, of=21)


def test_access_lasts_as_long_as_the_rules_say_in_each_state() -> None:
    stories: list[tuple[tuple[Event, ...], datetime]] = [
        ((STARTED, MAY_DUE), day(6)),
        (ACTIVE, day(6)),
        (ENTERED_JUNE, day(7)),
        ((*ACTIVE, SCHEDULED), day(6)),
        (PAST_DUE, day(6, of=21)),
        ((*ACTIVE, ENDED), day(6)),
        ((*ACTIVE, SCHEDULED, ENDED), day(6)),
        ((*PAST_DUE, ended_at(6, of=16)), day(6, of=16)),
    ]
    for story, until in stories:
        it = RULES.fold(story)
        assert it is not None
        assert it.access_until == until, story
