from dataclasses import replace

from invoicing.domain.invoice.commands import RecordFailure, RecordPayment, Void
from invoicing.domain.invoice.refusals import (
    AlreadyIssued,
    AlreadyPaid,
    AlreadyVoid,
    AmountDiffers,
    DoesNotAddUp,
    NoSuchInvoice,
    NothingToInvoice,
)
from invoicing.domain.plan import Tax
from invoicing.domain.totals import Amounts
from support.invoicing.examples import FAILED, FIRST, ISSUE, ISSUED, PAID, PREMIUM, SECOND, VISA, VOIDED, day, given

PAY = RecordPayment(FIRST, 2999, "USD", VISA, PAID.at)
FAIL = RecordFailure(FIRST, 1, 2999, "insufficient_funds", True, VISA, FAILED.at)
VOID = Void("subscription_cancelled", VOIDED.at)


def test_a_period_is_invoiced_once() -> None:
    given().when(ISSUE).then(ISSUED)
    given(ISSUED).when(ISSUE).refused(AlreadyIssued)


def test_an_invoice_states_what_was_sold_and_gets_the_next_number() -> None:
    assert (ISSUED.number, ISSUED.totals.total, ISSUED.lines[0].plan_name) == ("TS-000014", 2999, "Premium Mensual")


def test_a_quantity_below_one_or_a_negative_price_is_refused() -> None:
    given().when(replace(ISSUE, quantity=0)).refused(NothingToInvoice)
    given().when(replace(ISSUE, plan=replace(PREMIUM, price_minor=-1))).refused(NothingToInvoice)


def test_amounts_must_match_the_advertised_price() -> None:
    on_top, within = Tax("IVA", 2100), Tax("IVA", 2100, inclusive=True)
    for tax, amounts in (
        (None, Amounts(2999, 1)),
        (None, Amounts(2998, 0)),
        (on_top, Amounts(3629, 0)),
        (on_top, Amounts(2999, -1)),
        (within, Amounts(2999, 630)),
        (within, Amounts(3000, -1)),
    ):
        given().when(replace(ISSUE, tax=tax, amounts=amounts)).refused(DoesNotAddUp)
    given().when(replace(ISSUE, quantity=2)).refused(DoesNotAddUp)


def test_a_charge_pays_it_once() -> None:
    given(ISSUED).when(PAY).then(PAID)
    given(ISSUED, PAID).when(PAY).then()
    given(ISSUED, PAID).when(replace(PAY, charge_id=SECOND)).refused(AlreadyPaid)


def test_a_failed_charge_is_noted_once_and_can_be_followed_by_one_that_pays() -> None:
    given(ISSUED).when(FAIL).then(FAILED)
    given(ISSUED, FAILED).when(FAIL).then()
    given(ISSUED, FAILED).when(replace(FAIL, charge_id=SECOND, attempt=2)).then(replace(FAILED, charge_id=SECOND, attempt=2))
    given(ISSUED, FAILED).when(replace(PAY, charge_id=SECOND)).then(replace(PAID, charge_id=SECOND))


def test_a_failure_that_comes_after_the_payment_changes_nothing() -> None:
    given(ISSUED, PAID).when(replace(FAIL, charge_id=SECOND)).refused(AlreadyPaid)


def test_only_the_owed_amount_pays_it() -> None:
    given(ISSUED).when(replace(PAY, amount=2998)).refused(AmountDiffers)
    given(ISSUED).when(replace(PAY, currency="EUR")).refused(AmountDiffers)


def test_voiding_ends_it() -> None:
    given(ISSUED, FAILED).when(VOID).then(VOIDED)
    given(ISSUED, VOIDED).when(VOID).then()
    given(ISSUED, VOIDED).when(PAY).refused(AlreadyVoid)
    given(ISSUED, VOIDED).when(FAIL).refused(AlreadyVoid)


def test_a_paid_invoice_is_not_voided() -> None:
    given(ISSUED, PAID).when(Void("merchant", day(5, of=20))).refused(AlreadyPaid)


def test_a_payment_that_overtook_the_cancellation_does_not_bring_the_invoice_back() -> None:
    given(ISSUED, PAID).when(VOID).then(VOIDED)
    given(ISSUED, PAID, VOIDED).when(VOID).then()


def test_an_invoice_that_does_not_exist_can_neither_be_paid_nor_voided() -> None:
    given().when(PAY).refused(NoSuchInvoice)
    given().when(FAIL).refused(NoSuchInvoice)
    given().when(VOID).refused(NoSuchInvoice)
