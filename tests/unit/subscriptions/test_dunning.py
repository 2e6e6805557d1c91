from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from unit.subscriptions.examples import (
    ENTERED_JUNE,
    FAILED,
    FELL,
    INVOICE,
    JULY,
    LAST_RETRY,
    LENIENT,
    PAID,
    PAST_DUE,
    RULES,
    day,
    given,
)

from subscriptions.domain import dunning
from subscriptions.domain.dunning import Policies, WhenRetriesEnd
from subscriptions.domain.subscription.commands import GiveUp, ReachBoundary, RecordWaived, Retry
from subscriptions.domain.subscription.events import Cancelled, Recovered, RenewalDue, Renewed, RetryDue, WentUnpaid
from subscriptions.domain.subscription.subscription import timers

GAVE_UP = Cancelled(day(6, of=21), "payment_failed", None, "void", day(6, of=21))
HARD = replace(FAILED, retryable=False, reason="expired_card")
HARD_FELL = replace(FELL, reason="expired_card", next_attempt_at=None)
LENIENTLY = dunning.begin(LENIENT, day(6))
UNPAID = (*ENTERED_JUNE, replace(FELL, dunning=LENIENTLY), WentUnpaid(INVOICE, day(6, of=21)))


def waits(*past: object) -> object:
    state = RULES.fold(past)  # type: ignore[arg-type]
    assert state
    return timers(state)


def test_a_failed_charge_makes_it_past_due_and_names_the_next_attempt() -> None:
    given(*ENTERED_JUNE).when(FAILED).then(FELL)
    assert waits(*PAST_DUE) == {"retry": day(6, of=15)}


def test_a_retry_is_due_on_its_day_and_only_once() -> None:
    given(*PAST_DUE).when(Retry(day(6, of=14))).then()
    due = RetryDue(INVOICE, 1, day(6, of=15))
    given(*PAST_DUE).when(Retry(day(6, of=15))).then(due)
    given(*PAST_DUE, due).when(Retry(day(6, of=15))).then()
    assert waits(*PAST_DUE, due) == {}


def test_a_failed_retry_waits_for_the_next_day_of_the_policy() -> None:
    again = replace(FAILED, attempt=2, at=day(6, of=15))
    due = RetryDue(INVOICE, 1, day(6, of=15))
    fell = replace(FELL, failed_attempts=2, next_attempt_at=day(6, of=17), at=day(6, of=15))
    given(*PAST_DUE, due).when(again).then(fell)
    given(*PAST_DUE, due, fell).when(Retry(day(6, of=17))).then(RetryDue(INVOICE, 2, day(6, of=17)))


def test_the_policy_of_the_first_failure_holds() -> None:
    changed = replace(FAILED, attempt=2, at=day(6, of=15), policies=Policies(retry_days=(30,)))
    fell = replace(FELL, failed_attempts=2, next_attempt_at=day(6, of=17), at=day(6, of=15))
    given(*PAST_DUE).when(changed).then(fell)


def test_a_repeated_failure_counts_once() -> None:
    given(*PAST_DUE).when(FAILED).then()


def test_a_payment_of_what_was_owed_recovers_it() -> None:
    given(*PAST_DUE).when(PAID).then(Recovered(INVOICE, day(6)))
    assert waits(*PAST_DUE, Recovered(INVOICE, day(6))) == {"boundary": day(7)}


def test_a_hard_decline_waits_for_a_new_card_until_the_last_day() -> None:
    given(*ENTERED_JUNE).when(HARD).then(HARD_FELL)
    assert waits(*ENTERED_JUNE, HARD_FELL) == {"give_up": day(6, of=21)}
    given(*ENTERED_JUNE, HARD_FELL).when(GiveUp(day(6, of=20))).then()
    given(*ENTERED_JUNE, HARD_FELL).when(GiveUp(day(6, of=21))).then(GAVE_UP)


def test_a_bank_that_wants_a_confirmation_costs_no_retry_and_has_until_the_last_day() -> None:
    """Payments reports it as the nearest code that every subscriber knows, and that the card alone cannot succeed."""
    unconfirmed = replace(FAILED, reason="card_declined", retryable=False)
    fell = replace(FELL, reason="card_declined", next_attempt_at=None)
    given(*ENTERED_JUNE).when(unconfirmed).then(fell)
    left = replace(unconfirmed, attempt=2, manual=True, at=day(6, of=15))
    still = replace(fell, failed_attempts=2, at=day(6, of=15))
    given(*ENTERED_JUNE, fell).when(left).then(still)
    poor = replace(left, attempt=3, reason="insufficient_funds", retryable=True, at=day(6, of=16))
    later = replace(still, failed_attempts=3, reason="insufficient_funds", at=day(6, of=16))
    given(*ENTERED_JUNE, fell, still).when(poor).then(later)
    for past in ((fell,), (fell, still), (fell, still, later)):
        assert waits(*ENTERED_JUNE, *past) == {"give_up": day(6, of=21)}
        given(*ENTERED_JUNE, *past).when(Retry(day(6, of=17))).then()
        given(*ENTERED_JUNE, *past).when(GiveUp(day(6, of=21))).then(GAVE_UP)
    given(*ENTERED_JUNE, fell, still).when(PAID).then(Recovered(INVOICE, day(6)))


def test_a_new_card_that_fails_softly_is_tried_again_on_the_days_that_are_left() -> None:
    soft = replace(FAILED, attempt=2, at=day(6, of=16))
    fell = replace(FELL, failed_attempts=2, next_attempt_at=day(6, of=17), at=day(6, of=16))
    given(*ENTERED_JUNE, HARD_FELL).when(soft).then(fell)


def test_a_requested_payment_that_fails_does_not_change_the_schedule() -> None:
    manual = replace(FAILED, attempt=2, reason="card_declined", manual=True, at=day(6, of=14, hour=12))
    fell = replace(FELL, failed_attempts=2, reason="card_declined", at=day(6, of=14, hour=12))
    given(*PAST_DUE).when(manual).then(fell)
    assert waits(*PAST_DUE, fell) == waits(*PAST_DUE) == {"retry": day(6, of=15)}
    given(*PAST_DUE, fell).when(Retry(day(6, of=15))).then(RetryDue(INVOICE, 1, day(6, of=15)))
    hard = replace(manual, reason="expired_card", retryable=False)
    given(*PAST_DUE).when(hard).then(replace(fell, reason="expired_card"))


def test_a_requested_payment_does_not_start_retries_of_a_card_that_must_be_replaced() -> None:
    manual = replace(FAILED, attempt=2, manual=True, at=day(6, of=16))
    fell = replace(HARD_FELL, failed_attempts=2, reason="insufficient_funds", at=day(6, of=16))
    given(*ENTERED_JUNE, HARD_FELL).when(manual).then(fell)
    assert waits(*ENTERED_JUNE, HARD_FELL, fell) == {"give_up": day(6, of=21)}


def test_a_requested_payment_under_way_counts_as_the_retry_that_is_due() -> None:
    due = RetryDue(INVOICE, 1, day(6, of=15))
    manual = replace(FAILED, attempt=2, manual=True, at=day(6, of=15))
    fell = replace(FELL, failed_attempts=2, next_attempt_at=day(6, of=17), at=day(6, of=15))
    given(*PAST_DUE, due).when(manual).then(fell)
    given(*LAST_RETRY).when(replace(manual, attempt=3, at=day(6, of=21))).then(GAVE_UP)


def test_a_requested_payment_that_fails_after_the_last_retry_changes_nothing() -> None:
    given(*UNPAID).when(replace(FAILED, attempt=9, manual=True, at=day(6, of=22))).then()
    given(*ENTERED_JUNE, GAVE_UP).when(replace(FAILED, attempt=9, manual=True, at=day(6, of=22))).then()


def test_the_last_failed_retry_cancels_it() -> None:
    given(*LAST_RETRY).when(replace(FAILED, attempt=3, at=day(6, of=21))).then(GAVE_UP)


def test_giving_up_leaves_a_running_retry_alone() -> None:
    given(*LAST_RETRY).when(GiveUp(day(6, of=21))).then()


def test_a_customer_who_is_paying_with_another_card_is_not_given_up() -> None:
    followed = replace(FAILED, attempt=3, at=day(6, of=21), followed=True)
    fell = replace(FELL, failed_attempts=3, next_attempt_at=None, at=day(6, of=21), trying=True)
    given(*LAST_RETRY).when(followed).then(fell)
    assert waits(*LAST_RETRY, fell) == {}
    given(*LAST_RETRY, fell).when(GiveUp(day(6, of=21))).then()
    given(*LAST_RETRY, fell).when(replace(PAID, at=day(6, of=21))).then(Recovered(INVOICE, day(6, of=21)))
    given(*LAST_RETRY, fell).when(replace(FAILED, attempt=4, at=day(6, of=21))).then(GAVE_UP)


def test_the_last_failed_retry_leaves_it_unpaid_by_policy() -> None:
    lenient = tuple(replace(e, dunning=LENIENTLY) if isinstance(e, type(FELL)) else e for e in LAST_RETRY)
    last = replace(FELL, failed_attempts=3, next_attempt_at=None, dunning=LENIENTLY, at=day(6, of=21))
    given(*lenient).when(replace(FAILED, attempt=3, at=day(6, of=21))).then(last, WentUnpaid(INVOICE, day(6, of=21)))
    given(*ENTERED_JUNE, replace(HARD_FELL, dunning=LENIENTLY)).when(GiveUp(day(6, of=21))).then(
        WentUnpaid(INVOICE, day(6, of=21))
    )


def test_an_unpaid_subscription_has_no_timer() -> None:
    assert waits(*UNPAID) == {}
    given(*UNPAID).when(GiveUp(day(6, of=22))).then()
    given(*UNPAID).when(replace(FAILED, attempt=9, at=day(6, of=22))).then()


def test_paying_within_the_unpaid_period_recovers_it() -> None:
    given(*UNPAID).when(replace(PAID, at=day(6, of=25))).then(Recovered(INVOICE, day(6, of=25)))


def test_paying_an_old_debt_never_charges_for_the_time_without_access() -> None:
    later = day(8)
    given(*UNPAID).when(replace(PAID, at=later)).then(
        Recovered(INVOICE, later), Cancelled(later, "payment_failed", None, "keep", later, access_until=day(6, of=21))
    )


def test_the_confirmation_of_a_payment_decides_its_effect() -> None:
    within, later = day(7) - timedelta(hours=1), day(7) + timedelta(days=3)
    given(*UNPAID).when(replace(PAID, at=later, agreed_at=within)).then(Recovered(INVOICE, later))
    ended = Cancelled(later, "payment_failed", None, "keep", later, access_until=day(6, of=21))
    given(*UNPAID).when(replace(PAID, at=later, agreed_at=day(7))).then(Recovered(INVOICE, later), ended)


def test_a_debt_that_is_given_up_while_its_payment_is_under_way_is_recovered() -> None:
    confirmed, given_up, paid = day(8, of=1), day(8, of=2), day(8, of=3)
    long = dunning.begin(Policies(retry_days=(49,), when_retries_end=WhenRetriesEnd.UNPAID), day(6))
    unpaid = (*ENTERED_JUNE, replace(FELL, dunning=long, next_attempt_at=None), WentUnpaid(INVOICE, given_up))
    given(*unpaid).when(replace(PAID, at=paid, agreed_at=confirmed)).then(Recovered(INVOICE, paid))


def test_without_retry_days_the_first_failure_is_the_last() -> None:
    strict = replace(FAILED, policies=Policies(retry_days=()))
    given(*ENTERED_JUNE).when(strict).then(Cancelled(day(6), "payment_failed", None, "void", day(6)))


def test_periods_that_began_while_past_due_are_entered_after_the_recovery() -> None:
    recovered = Recovered(INVOICE, day(7) + timedelta(days=1))
    given(*PAST_DUE).when(ReachBoundary(1, day(7))).then()
    given(*PAST_DUE, recovered).when(ReachBoundary(1, recovered.at)).then(RenewalDue(JULY, 3, 1, recovered.at))


def test_a_waived_invoice_is_no_longer_owed() -> None:
    waived = RecordWaived(INVOICE, day(6, of=16))
    given(*PAST_DUE).when(waived).then(Recovered(INVOICE, day(6, of=16)))
    given(*ENTERED_JUNE).when(waived).then(Renewed(INVOICE, day(6, of=16)))
    given(*ENTERED_JUNE, Renewed(INVOICE, day(6))).when(waived).then()
    given(*PAST_DUE).when(RecordWaived(UUID(int=9), day(6, of=16))).then()
    given(*ENTERED_JUNE, GAVE_UP).when(waived).then()
