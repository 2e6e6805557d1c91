"""The backup card: charged once after the default has failed, and only with the customer's consent."""

from dataclasses import replace

from payments.domain.confirmation import Consent
from payments.domain.payment.commands import Command, RecordFailure, RecordSuccess, TryAgain
from payments.domain.payment.events import AttemptFailed, AttemptStarted, AttemptSucceeded, AuthenticationNeeded, Charge, Event
from payments.domain.payment.payment import Payment
from payments.domain.shapes import FailureCode, Method, Remedy
from support.payments.examples import BILL, OTHER, PAYMENTS, STARTED, VISA, card, charge, day, id_of
from support.spec import Scenario

BACKUP = card("1117")
HARD, SOFT = FailureCode.EXPIRED_CARD, FailureCode.INSUFFICIENT_FUNDS
FIRST = charge(1)


def given(*past: Event) -> Scenario[Command, Event, Payment]:
    return Scenario(PAYMENTS, past)


def failure(of: Charge, code: FailureCode, backup: Method | None = BACKUP, remedy: Remedy | None = None) -> RecordFailure:
    return RecordFailure(of.id, code, day(14), remedy=remedy, backup=backup)


def failed(of: Charge, code: FailureCode, remedy: Remedy | None, *, followed: bool = False) -> AttemptFailed:
    return AttemptFailed(BILL, of, code, remedy is Remedy.WAIT, None, day(14), followed, remedy=remedy)


def on_backup(number: int) -> Charge:
    return replace(charge(number, BACKUP), backup=True)


def test_a_hard_decline_is_followed_by_the_backup_for_the_same_amount() -> None:
    given(STARTED).when(failure(FIRST, HARD)).then(
        failed(FIRST, HARD, Remedy.ANOTHER_CARD, followed=True), AttemptStarted(BILL, on_backup(2), day(14))
    )


def test_what_the_provider_calls_hard_is_hard() -> None:
    given(STARTED).when(failure(FIRST, FailureCode.CARD_DECLINED, remedy=Remedy.ANOTHER_CARD)).then(
        failed(FIRST, FailureCode.CARD_DECLINED, Remedy.ANOTHER_CARD, followed=True),
        AttemptStarted(BILL, on_backup(2), day(14)),
    )


def test_without_a_backup_nothing_follows() -> None:
    given(STARTED).when(failure(FIRST, HARD, None)).then(failed(FIRST, HARD, Remedy.ANOTHER_CARD))


def test_a_soft_decline_waits_for_the_retries_until_the_last_one() -> None:
    given(STARTED).when(failure(FIRST, SOFT)).then(failed(FIRST, SOFT, Remedy.WAIT))
    past = STARTED, failed(FIRST, SOFT, Remedy.WAIT)
    last = replace(charge(2), last=True)
    retried = AttemptStarted(BILL, last, day(20))
    given(*past).when(TryAgain(VISA, day(20), last=True)).then(retried)
    given(*past, retried).when(failure(last, SOFT)).then(
        failed(last, SOFT, Remedy.WAIT, followed=True), AttemptStarted(BILL, on_backup(3), day(14))
    )
    middle = AttemptStarted(BILL, charge(2), day(20))
    given(*past, middle).when(failure(charge(2), SOFT)).then(failed(charge(2), SOFT, Remedy.WAIT))


def test_the_backup_is_charged_once_for_an_invoice() -> None:
    used = failed(FIRST, HARD, Remedy.ANOTHER_CARD, followed=True), AttemptStarted(BILL, on_backup(2), day(14))
    refused = failed(on_backup(2), SOFT, Remedy.ANOTHER_CARD)
    given(STARTED, *used).when(failure(on_backup(2), SOFT, OTHER)).then(refused)
    again = AttemptStarted(BILL, charge(3), day(20))
    given(STARTED, *used, refused, again).when(failure(charge(3), HARD)).then(failed(charge(3), HARD, Remedy.ANOTHER_CARD))


def test_a_bank_that_asks_for_the_customer_is_not_passed_by_with_the_backup() -> None:
    code = FailureCode.AUTHENTICATION_REQUIRED
    for sent in (FIRST, replace(FIRST, last=True)):
        given(AttemptStarted(BILL, sent, day(14))).when(failure(sent, code)).then(
            failed(sent, code, Remedy.AUTHENTICATE), AuthenticationNeeded(sent, None, day(14))
        )


def test_a_charge_with_the_customer_present_stays_with_its_card() -> None:
    present = replace(FIRST, on_session=True)
    past = AttemptStarted(BILL, present, day(14)), AuthenticationNeeded(present, day(15), day(14))
    given(*past).when(failure(present, HARD)).then(failed(present, HARD, Remedy.ANOTHER_CARD))


def test_only_the_merchant_can_help_with_an_amount() -> None:
    code = FailureCode.AMOUNT_NOT_CHARGEABLE
    given(STARTED).when(failure(FIRST, code)).then(failed(FIRST, code, None))


def test_a_charge_that_was_confirmed_for_one_card_stays_with_it() -> None:
    manual = replace(FIRST, manual=True)
    given(AttemptStarted(BILL, manual, day(14))).when(failure(manual, HARD)).then(failed(manual, HARD, Remedy.ANOTHER_CARD))
    agreed = replace(FIRST, consent=Consent(id_of("confirmation"), day(13)))
    given(AttemptStarted(BILL, agreed, day(14))).when(failure(agreed, HARD)).then(failed(agreed, HARD, Remedy.ANOTHER_CARD))


def test_a_card_that_the_customer_has_just_confirmed_comes_first() -> None:
    command = replace(failure(FIRST, HARD), agreed=OTHER)
    given(STARTED).when(command).then(
        failed(FIRST, HARD, Remedy.ANOTHER_CARD, followed=True), AttemptStarted(BILL, charge(2, OTHER), day(14))
    )


def test_a_voided_invoice_is_not_charged_to_the_backup() -> None:
    given(STARTED).when(replace(failure(FIRST, HARD), final=True)).then(failed(FIRST, HARD, None))


def test_the_backups_success_pays_the_invoice_once() -> None:
    used = failed(FIRST, HARD, Remedy.ANOTHER_CARD, followed=True), AttemptStarted(BILL, on_backup(2), day(14))
    paid = AttemptSucceeded(on_backup(2), "ok", day(15))
    given(STARTED, *used).when(RecordSuccess(on_backup(2).id, "ok", day(15))).then(paid)
    given(STARTED, *used, paid).when(TryAgain(VISA, day(16), last=True)).then()
    given(STARTED, *used, paid).when(failure(FIRST, HARD)).then()
