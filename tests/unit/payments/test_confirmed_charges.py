"""Only confirmed charges are made: for begun periods, and for payments with the card on file."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from payments.domain.confirmation import Confirmation, ConfirmedCharge, Consent, Period
from payments.domain.payment.commands import Command, PayNow, RecordFailure, TryAgain
from payments.domain.payment.events import AttemptFailed, AttemptStarted, AttemptSucceeded, Event, OutcomeUnknown
from payments.domain.payment.payment import Payment
from payments.domain.payment.refusals import ChargeRunning, NothingOwed
from payments.domain.shapes import FailureCode, Money, Remedy
from payments.domain.wallet.commands import Command as WalletCommand
from payments.domain.wallet.commands import ConfirmPayment, RemoveMethod, UseMethod
from payments.domain.wallet.events import DefaultChanged, MethodRemoved, PaymentConfirmed
from payments.domain.wallet.events import Event as WalletEvent
from payments.domain.wallet.refusals import NoSuchPaymentMethod
from payments.domain.wallet.wallet import Wallet
from support.payments.examples import (
    ANA,
    BILL,
    COLLECT,
    INVOICE,
    OTHER,
    PAYMENTS,
    PRICE,
    STARTED,
    SUBSCRIPTION,
    VISA,
    WALLETS,
    charge,
    day,
    id_of,
)
from support.spec import Scenario

NEXT = id_of("the next period's invoice")
THIRD = id_of("the invoice of the period after that")
MAY, JUNE, JULY = (Period(day(1) + timedelta(days=30 * n), day(1) + timedelta(days=30 * (n + 1))) for n in range(3))
AT = JUNE.start + timedelta(days=6)
OWED, BEGUN = ConfirmedCharge(INVOICE, SUBSCRIPTION, PRICE, MAY), ConfirmedCharge(NEXT, SUBSCRIPTION, PRICE, JUNE)
CONFIRMATION = Confirmation(id_of("confirmation"), AT, (OWED, BEGUN))
CONSENT = CONFIRMATION.consent
DECLINED = AttemptFailed(BILL, charge(1), FailureCode.CARD_DECLINED, True, "ch_1", day(14), remedy=Remedy.WAIT)
PAID = AttemptSucceeded(charge(1), "ch_1", day(14))
AGREED = DefaultChanged(ANA, VISA, None, (INVOICE,), AT, CONFIRMATION)


def given(*past: Event) -> Scenario[Command, Event, Payment]:
    return Scenario(PAYMENTS, past)


def wallet(*past: WalletEvent) -> Scenario[WalletCommand, WalletEvent, Wallet]:
    return Scenario(WALLETS, past)


def folded(*past: WalletEvent) -> Wallet:
    wallet = WALLETS.fold(past)
    assert wallet is not None
    return wallet


def test_a_begun_period_that_is_listed_is_charged_because_of_the_confirmation() -> None:
    consented = replace(charge(1), consent=CONSENT)
    given().when(replace(COLLECT, consent=CONSENT)).then(replace(STARTED, charge=consented))


def test_one_that_is_not_listed_is_not_tried_and_waits_for_another_confirmation() -> None:
    nothing = AttemptFailed(BILL, charge(1, None), FailureCode.PROCESSING_ERROR, False, None, day(14), needs_confirmation=True)
    given().when(replace(COLLECT, withheld=True)).then(nothing)
    paying = replace(charge(2), consent=CONSENT, manual=True)
    given(nothing).when(PayNow(VISA, CONSENT, day(15))).then(AttemptStarted(BILL, paying, day(15)))


def test_a_card_that_was_agreed_to_meanwhile_names_its_confirmation() -> None:
    agreed = RecordFailure(charge(1).id, FailureCode.CARD_DECLINED, day(14), "ch_1", OTHER, consent=CONSENT)
    following = replace(charge(2, OTHER), consent=CONSENT)
    given(STARTED).when(agreed).then(replace(DECLINED, followed=True), AttemptStarted(BILL, following, day(14)))
    given(STARTED, DECLINED).when(TryAgain(OTHER, day(15), CONSENT)).then(AttemptStarted(BILL, following, day(15)))


def test_an_invoice_is_paid_by_hand_once_no_charge_runs() -> None:
    pay = PayNow(VISA, CONSENT, day(15))
    paying = replace(charge(2), consent=CONSENT, manual=True)
    given(STARTED, DECLINED).when(pay).then(AttemptStarted(BILL, paying, day(15)))
    given(STARTED).when(pay).refused(ChargeRunning)
    given(STARTED, OutcomeUnknown(charge(1), day(15), day(14))).when(pay).refused(ChargeRunning)
    given(STARTED, PAID).when(pay).refused(NothingOwed)


def test_a_retry_that_falls_due_meanwhile_waits_for_its_outcome() -> None:
    paying = AttemptStarted(BILL, replace(charge(2), consent=CONSENT, manual=True), day(15))
    given(STARTED, DECLINED, paying).when(TryAgain(VISA, day(15))).then()


def test_a_confirmation_allows_what_it_lists_and_less_but_not_more() -> None:
    assert CONFIRMATION.allows(NEXT, PRICE)
    assert CONFIRMATION.allows(NEXT, Money(2998, "USD"))
    assert not CONFIRMATION.allows(NEXT, Money(3000, "USD"))
    assert not CONFIRMATION.allows(NEXT, Money(2999, "EUR"))
    assert not CONFIRMATION.allows(THIRD, PRICE)


def test_a_period_that_had_begun_follows_from_the_payment_of_the_one_before() -> None:
    it = folded(AGREED)
    assert it.may_have_led_to(SUBSCRIPTION, JUNE) == [(CONFIRMATION, INVOICE)]
    assert it.may_have_led_to(id_of("another subscription"), JUNE) == []
    assert it.may_have_led_to(SUBSCRIPTION, MAY) == []


def test_a_boundary_that_is_crossed_after_the_confirmation_is_an_ordinary_renewal() -> None:
    assert folded(AGREED).may_have_led_to(SUBSCRIPTION, JULY) == []
    at_the_boundary = replace(AGREED, confirmation=replace(CONFIRMATION, at=JULY.start))
    assert folded(at_the_boundary).may_have_led_to(SUBSCRIPTION, JULY) == [(replace(CONFIRMATION, at=JULY.start), NEXT)]


def test_where_the_period_of_an_invoice_is_not_known_it_may_be_the_one_before() -> None:
    unknown = Confirmation(UUID(int=1), AT, (replace(OWED, period=None),))
    assert folded(replace(AGREED, confirmation=unknown)).may_have_led_to(SUBSCRIPTION, JUNE) == [(unknown, INVOICE)]


def test_the_newest_confirmation_is_looked_at_first() -> None:
    later = replace(CONFIRMATION, id=UUID(int=2), at=AT + timedelta(hours=1))
    it = folded(AGREED, PaymentConfirmed(INVOICE, VISA, later, later.at))
    assert [confirmation.id for confirmation, _ in it.may_have_led_to(SUBSCRIPTION, JUNE)] == [later.id, CONFIRMATION.id]


def test_paying_by_hand_takes_a_card_that_is_on_file() -> None:
    confirm = ConfirmPayment(INVOICE, VISA.id, CONFIRMATION, AT)
    with_other = DefaultChanged(ANA, OTHER, VISA.id, (), AT)
    confirmed = PaymentConfirmed(INVOICE, VISA, CONFIRMATION, AT)
    wallet(AGREED).when(confirm).then(confirmed)
    wallet(AGREED, with_other).when(confirm).then(confirmed)
    wallet(AGREED, with_other).when(replace(confirm, method_id=OTHER.id)).then(replace(confirmed, method=OTHER))
    wallet(AGREED).when(replace(confirm, method_id=OTHER.id)).refused(NoSuchPaymentMethod)
    wallet(AGREED, with_other, MethodRemoved(VISA.id, AT)).when(confirm).refused(NoSuchPaymentMethod)
    wallet().when(confirm).refused(NoSuchPaymentMethod)


def test_confirmations_outlive_the_card() -> None:
    other = UseMethod(ANA, OTHER, AT)
    events = [*WALLETS.decide(other, folded(AGREED)), MethodRemoved(VISA.id, AT)]
    assert folded(AGREED, *events).confirmations == (CONFIRMATION,)
    assert WALLETS.decide(RemoveMethod(VISA.id, False, AT), folded(AGREED, *events[:1])) == [MethodRemoved(VISA.id, AT)]


def test_the_card_that_was_named_is_found_while_it_is_on_file() -> None:
    other = DefaultChanged(ANA, OTHER, VISA.id, (), AT)
    assert folded(AGREED, other).method(VISA.id) == VISA
    assert folded(AGREED, other).method(None) == OTHER
    assert folded(AGREED, other, MethodRemoved(VISA.id, AT)).method(VISA.id) is None


def test_consent_names_its_confirmation() -> None:
    assert Consent(CONFIRMATION.id, AT) == CONSENT
