from dataclasses import replace
from uuid import UUID

from payments.domain.confirmation import Confirmation, ConfirmedCharge
from payments.domain.shapes import Money
from payments.domain.wallet.commands import Command, ConfirmOneTimePayment, ConfirmPayment, RemoveMethod, UseMethod
from payments.domain.wallet.events import DefaultChanged, Event, MethodRemoved, OneTimePaymentConfirmed
from payments.domain.wallet.refusals import LastMethodInUse, NoSuchPaymentMethod
from payments.domain.wallet.wallet import Wallet
from support.payments.examples import ANA, INVOICE, OTHER, VISA, WALLETS, day
from support.spec import Scenario

CONFIRMATION = Confirmation(UUID(int=7), day(3), (ConfirmedCharge(INVOICE, UUID(int=8), Money(2999, "USD"), None),), OTHER.id)
USE = UseMethod(ANA, VISA, day(1))
VISA_USED = DefaultChanged(ANA, VISA, None, (), day(1))
OTHER_USED = DefaultChanged(ANA, OTHER, VISA.id, (INVOICE,), day(2))
REMOVE = RemoveMethod(VISA.id, False, day(3))


def given(*past: Event) -> Scenario[Command, Event, Wallet]:
    return Scenario(WALLETS, past)


def test_a_new_card_is_charged_from_now_on() -> None:
    given().when(USE).then(VISA_USED)
    given(VISA_USED).when(UseMethod(ANA, OTHER, day(2), (INVOICE,))).then(OTHER_USED)


def test_the_same_card_twice_changes_nothing() -> None:
    given(VISA_USED).when(replace(USE, at=day(2))).then()


def test_a_card_on_file_can_become_the_default_again() -> None:
    given(VISA_USED, OTHER_USED).when(replace(USE, at=day(3))).then(DefaultChanged(ANA, VISA, OTHER.id, (), day(3)))


def test_the_last_card_stays_while_it_pays_for_a_subscription() -> None:
    given(VISA_USED).when(replace(REMOVE, subscription_active=True)).refused(LastMethodInUse)
    given(VISA_USED).when(REMOVE).then(MethodRemoved(VISA.id, day(3)))


def test_removing_the_default_falls_back_to_the_one_before() -> None:
    given(VISA_USED, OTHER_USED).when(RemoveMethod(OTHER.id, True, day(3))).then(
        MethodRemoved(OTHER.id, day(3)), DefaultChanged(ANA, VISA, None, (), day(3))
    )
    given(VISA_USED, OTHER_USED).when(replace(REMOVE, subscription_active=True)).then(MethodRemoved(VISA.id, day(3)))


def test_a_card_that_is_not_there_cannot_be_removed() -> None:
    given().when(REMOVE).refused(NoSuchPaymentMethod)
    given(VISA_USED).when(RemoveMethod(OTHER.id, False, day(3))).refused(NoSuchPaymentMethod)
    given(VISA_USED, MethodRemoved(VISA.id, day(3))).when(REMOVE).refused(NoSuchPaymentMethod)


ONE_TIME = ConfirmOneTimePayment(ANA, INVOICE, OTHER, CONFIRMATION, day(3))
PAID_ONCE = OneTimePaymentConfirmed(ANA, INVOICE, OTHER, CONFIRMATION, day(3))


def test_a_one_time_payment_is_confirmed_without_a_card_on_file_and_puts_none_there() -> None:
    given().when(ONE_TIME).then(PAID_ONCE)
    given(PAID_ONCE).when(ConfirmPayment(INVOICE, OTHER.id, CONFIRMATION, day(4))).refused(NoSuchPaymentMethod)
    given(PAID_ONCE).when(replace(REMOVE, method_id=OTHER.id)).refused(NoSuchPaymentMethod)
    given(PAID_ONCE).when(USE).then(VISA_USED)


def test_the_default_stays_the_default_after_a_one_time_payment() -> None:
    given(VISA_USED).when(ONE_TIME).then(PAID_ONCE)
    given(VISA_USED, PAID_ONCE).when(USE).then()
    given(VISA_USED, PAID_ONCE).when(replace(REMOVE, subscription_active=True)).refused(LastMethodInUse)
