from dataclasses import replace
from datetime import timedelta

from payments.domain.payment.commands import Command, RecordFailure, RecordNoAnswer, RecordSuccess, TryAgain
from payments.domain.payment.events import AttemptFailed, AttemptStarted, AttemptSucceeded, Event, OutcomeUnknown
from payments.domain.payment.payment import NOTHING_DUE, Payment
from payments.domain.payment.refusals import ChargeAlreadyEnded, NoSuchPayment
from payments.domain.shapes import FailureCode, Money, Remedy
from support.payments.examples import BILL, COLLECT, OTHER, PAYMENTS, STARTED, VISA, charge, day
from support.spec import Scenario

FIRST, SECOND = charge(1), charge(2, OTHER)
DECLINED = AttemptFailed(BILL, FIRST, FailureCode.CARD_DECLINED, True, "ch_1", day(14), remedy=Remedy.WAIT)
PAID = AttemptSucceeded(FIRST, "ch_1", day(14))
UNKNOWN = OutcomeUnknown(FIRST, day(14) + timedelta(seconds=5), day(14))
SUCCEED = RecordSuccess(FIRST.id, "ch_1", day(14))
FAIL = RecordFailure(FIRST.id, FailureCode.CARD_DECLINED, day(14), "ch_1")
NO_ANSWER = RecordNoAnswer(FIRST.id, UNKNOWN.next_check_at, day(14))


def given(*past: Event) -> Scenario[Command, Event, Payment]:
    return Scenario(PAYMENTS, past)


def test_an_issued_invoice_is_charged_once() -> None:
    given().when(COLLECT).then(STARTED)
    given(STARTED).when(COLLECT).then()
    given(STARTED, PAID).when(COLLECT).then()


def test_without_a_card_the_attempt_has_failed_before_it_began() -> None:
    no_card = AttemptFailed(
        BILL, charge(1, None), FailureCode.NO_PAYMENT_METHOD, False, None, day(14), remedy=Remedy.ANOTHER_CARD
    )
    given().when(replace(COLLECT, method=None)).then(no_card)
    given(no_card).when(TryAgain(VISA, day(15))).then(AttemptStarted(BILL, charge(2), day(15)))


def test_nothing_due_needs_no_provider() -> None:
    free = replace(BILL, amount=Money(0, "USD"))
    nothing = charge(1, None)
    given().when(replace(COLLECT, amount=free.amount, method=None)).then(
        AttemptStarted(free, nothing, day(14)), AttemptSucceeded(nothing, NOTHING_DUE, day(14))
    )


def test_a_charge_that_succeeds_pays_the_invoice_for_good() -> None:
    given(STARTED).when(SUCCEED).then(PAID)
    given(STARTED, PAID).when(SUCCEED).then()
    given(STARTED, PAID).when(TryAgain(OTHER, day(15))).then()
    given(STARTED, PAID).when(FAIL).refused(ChargeAlreadyEnded)


def test_a_failed_charge_can_be_tried_again_and_is_another_charge() -> None:
    given(STARTED).when(FAIL).then(DECLINED)
    given(STARTED, DECLINED).when(FAIL).then()
    given(STARTED, DECLINED).when(TryAgain(VISA, day(15))).then(AttemptStarted(BILL, charge(2), day(15)))
    given(STARTED, DECLINED).when(SUCCEED).refused(ChargeAlreadyEnded)


def test_only_some_failures_can_pass_by_themselves() -> None:
    for code, remedy in (
        (FailureCode.INSUFFICIENT_FUNDS, Remedy.WAIT),
        (FailureCode.EXPIRED_CARD, Remedy.ANOTHER_CARD),
        (FailureCode.INCORRECT_CVC, Remedy.ANOTHER_CARD),
        (FailureCode.AUTHENTICATION_FAILED, Remedy.AUTHENTICATE),
        (FailureCode.AMOUNT_NOT_CHARGEABLE, None),
    ):
        failed = replace(DECLINED, code=code, retryable=remedy is Remedy.WAIT, remedy=remedy)
        given(STARTED).when(replace(FAIL, code=code)).then(failed)


def test_the_provider_knows_a_better_remedy_than_the_code() -> None:
    stolen = replace(DECLINED, retryable=False, remedy=Remedy.ANOTHER_CARD)
    given(STARTED).when(replace(FAIL, remedy=Remedy.ANOTHER_CARD)).then(stolen)


def test_an_unknown_outcome_is_no_failure_and_keeps_the_next_attempt_waiting() -> None:
    given(STARTED).when(NO_ANSWER).then(UNKNOWN)
    given(STARTED, UNKNOWN).when(NO_ANSWER).then()
    given(STARTED, UNKNOWN).when(TryAgain(OTHER, day(15))).then()
    given(STARTED, UNKNOWN).when(SUCCEED).then(PAID)
    given(STARTED, UNKNOWN).when(FAIL).then(DECLINED)


def test_a_card_that_came_while_an_old_charge_hung_is_not_lost() -> None:
    agreed = replace(FAIL, agreed=OTHER)
    given(STARTED, UNKNOWN).when(agreed).then(replace(DECLINED, followed=True), AttemptStarted(BILL, SECOND, day(14)))


def test_the_card_that_has_just_failed_is_not_tried_at_once() -> None:
    given(STARTED).when(replace(FAIL, agreed=VISA)).then(DECLINED)


def test_a_voided_invoice_is_not_charged_again() -> None:
    given(STARTED).when(replace(FAIL, agreed=OTHER, final=True)).then(replace(DECLINED, retryable=False, remedy=None))


def test_what_never_began_has_no_outcome() -> None:
    given().when(SUCCEED).refused(NoSuchPayment)
    given().when(TryAgain(VISA, day(14))).refused(NoSuchPayment)
