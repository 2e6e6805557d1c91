from dataclasses import replace

from unit.subscriptions.examples import (
    ACTIVE,
    ANA,
    ENTERED_JUNE,
    INVOICE,
    JULY,
    JUNE,
    JUNE_DUE,
    MAY,
    MAY_DUE,
    PAID,
    PREMIUM,
    RULES,
    STARTED,
    ZONE,
    day,
    given,
)

from subscriptions.domain.period import Period
from subscriptions.domain.subscription.commands import ReachBoundary, Start
from subscriptions.domain.subscription.events import RenewalDue, Renewed, Started
from subscriptions.domain.subscription.refusals import AlreadyStarted, NoSuchSubscription, StartInTheFuture
from subscriptions.domain.subscription.subscription import timers

START = Start(ANA, 1, PREMIUM, 1, ZONE, started_at=day(5), at=day(5))


def test_a_subscription_starts_with_its_first_period_due() -> None:
    given().when(START).then(STARTED, MAY_DUE)


def test_it_starts_once() -> None:
    given(STARTED, MAY_DUE).when(START).refused(AlreadyStarted)


def test_it_does_not_start_in_the_future() -> None:
    given().when(replace(START, started_at=day(5, of=15))).refused(StartInTheFuture)


def test_a_start_in_the_past_bills_each_period_since_in_order() -> None:
    late = replace(START, at=day(7, of=20))
    given().when(late).then(replace(STARTED, at=late.at), replace(MAY_DUE, at=late.at))
    first_paid = (replace(STARTED, at=late.at), replace(MAY_DUE, at=late.at), Renewed(INVOICE, late.at))
    given(*first_paid).when(ReachBoundary(1, late.at)).then(replace(JUNE_DUE, at=late.at))


def test_the_quantity_is_kept() -> None:
    given().when(replace(START, quantity=3)).then(Started(ANA, PREMIUM, 3, ZONE, MAY, day(5)), MAY_DUE)


def test_a_paid_period_is_followed_by_the_next() -> None:
    given(*ACTIVE).when(ReachBoundary(4, day(6))).then(RenewalDue(JUNE, 2, 4, day(6)))


def test_an_early_timer_changes_nothing() -> None:
    given(*ACTIVE).when(ReachBoundary(1, day(6, of=13))).then()


def test_the_next_period_waits_while_the_current_charge_runs() -> None:
    given(*ENTERED_JUNE).when(ReachBoundary(1, day(7))).then()
    given(*ENTERED_JUNE, Renewed(INVOICE, day(7, of=15))).when(ReachBoundary(1, day(7, of=15))).then(
        RenewalDue(JULY, 3, 1, day(7, of=15))
    )


def test_a_payment_renews_it_once() -> None:
    given(*ENTERED_JUNE).when(PAID).then(Renewed(INVOICE, day(6)))
    given(*ENTERED_JUNE, Renewed(INVOICE, day(6))).when(PAID).then()


def test_outcomes_of_another_periods_invoice_change_nothing() -> None:
    given(*ENTERED_JUNE).when(replace(PAID, period=MAY)).then()
    given(*ENTERED_JUNE).when(replace(PAID, period=Period(JUNE.start, JULY.end))).then()


def test_commands_to_a_subscription_that_does_not_exist_are_refused() -> None:
    given().when(ReachBoundary(1, day(6))).refused(NoSuchSubscription)
    given().when(PAID).refused(NoSuchSubscription)


def test_it_waits_for_its_boundary_once_paid() -> None:
    unpaid, paid = RULES.fold(ENTERED_JUNE), RULES.fold(ACTIVE)
    assert unpaid
    assert paid
    assert (timers(unpaid), timers(paid)) == ({}, {"boundary": day(6)})
