"""Refunds: requested before the provider is called, each made once, together at most what was taken."""

from dataclasses import replace
from uuid import UUID

import hypothesis.strategies as st
from hypothesis import given as every

from payments.application.aggregates import PAYMENT
from payments.domain.payment.commands import Command, RecordRefund, RecordRefundFailed, RequestRefund
from payments.domain.payment.events import (
    AttemptSucceeded,
    Event,
    Refund,
    Refunded,
    RefundFailed,
    RefundRequested,
)
from payments.domain.payment.payment import Payment
from payments.domain.payment.refusals import NoSuchRefund, NothingTaken, RefundExceedsPayment, Refusal
from payments.domain.shapes import Money, RefundReason
from support.payments.examples import PAYMENTS, STARTED, charge, day, id_of
from support.spec import Scenario

FIRST, FIRST_AMOUNT = charge(1), Money(2999, "USD")
PAID = AttemptSucceeded(FIRST, "ch_1", day(14))
NOTE, OTHER_NOTE = id_of("TS-NC-000001"), id_of("TS-NC-000002")


def given(*past: Event) -> Scenario[Command, Event, Payment]:
    return Scenario(PAYMENTS, past)


def ask(refund_id: UUID, minor: int | None, reason: RefundReason = RefundReason.CREDIT_NOTE) -> RequestRefund:
    return RequestRefund(refund_id, Money(minor, "USD") if minor is not None else None, reason, day(15))


def refund(refund_id: UUID, minor: int, reason: RefundReason = RefundReason.CREDIT_NOTE) -> Refund:
    return Refund(refund_id, Money(minor, "USD"), reason)


def requested(refund_id: UUID, minor: int, reason: RefundReason = RefundReason.CREDIT_NOTE) -> RefundRequested:
    return RefundRequested(FIRST, refund(refund_id, minor, reason), day(15))


PART = requested(NOTE, 1000)
REFUNDED = Refunded(FIRST, "re_1", day(16), refund(NOTE, 1000))
FAILED = RefundFailed(FIRST, refund(NOTE, 1000), "expired_or_canceled_card", "re_1", day(16))
RETURNED = RefundFailed(FIRST, refund(NOTE, 1000), "lost_or_stolen_card", "re_1", day(20), made_before=True)
OF_EARLIER_RELEASE = Refunded(FIRST, "re_0", day(15))


def test_a_part_of_a_payment_is_requested_then_made() -> None:
    given(STARTED, PAID).when(ask(NOTE, 1000)).then(PART)
    given(STARTED, PAID, PART).when(ask(NOTE, 1000)).then()
    given(STARTED, PAID, PART).when(RecordRefund(NOTE, "re_1", day(16))).then(REFUNDED)
    given(STARTED, PAID, PART, REFUNDED).when(RecordRefund(NOTE, "re_1", day(16))).then()
    given(STARTED, PAID, PART, REFUNDED).when(ask(NOTE, 1000)).then()


def test_without_an_amount_all_that_is_left_is_refunded() -> None:
    voided = RefundReason.INVOICE_VOIDED
    given(STARTED, PAID).when(ask(FIRST.id, None, voided)).then(requested(FIRST.id, 2999, voided))
    given(STARTED, PAID, PART).when(ask(FIRST.id, None, voided)).then(requested(FIRST.id, 1999, voided))
    given(STARTED, PAID, requested(NOTE, 2999)).when(ask(FIRST.id, None, voided)).then()


def test_requested_and_made_refunds_never_exceed_the_payment() -> None:
    given(STARTED, PAID).when(ask(NOTE, 3000)).refused(RefundExceedsPayment)
    given(STARTED, PAID, PART).when(ask(OTHER_NOTE, 2000)).refused(RefundExceedsPayment)
    given(STARTED, PAID, PART, REFUNDED).when(ask(OTHER_NOTE, 2000)).refused(RefundExceedsPayment)
    given(STARTED, PAID, PART, REFUNDED).when(ask(OTHER_NOTE, 1999)).then(requested(OTHER_NOTE, 1999))
    given(STARTED, PAID).when(ask(NOTE, 0)).refused(RefundExceedsPayment)
    euros = replace(ask(NOTE, 1000), amount=Money(1000, "EUR"))
    given(STARTED, PAID).when(euros).refused(RefundExceedsPayment)


def test_a_refused_refund_is_final_and_its_amount_is_free_again() -> None:
    given(STARTED, PAID, PART).when(RecordRefundFailed(NOTE, "expired_or_canceled_card", day(16), "re_1")).then(FAILED)
    given(STARTED, PAID, PART, FAILED).when(RecordRefundFailed(NOTE, "again", day(17))).then()
    given(STARTED, PAID, PART, FAILED).when(RecordRefund(NOTE, "re_1", day(16))).refused(NoSuchRefund)
    given(STARTED, PAID, PART, FAILED).when(ask(NOTE, 1000)).then()
    given(STARTED, PAID, PART, FAILED).when(ask(OTHER_NOTE, 2999)).then(requested(OTHER_NOTE, 2999))


def test_a_refund_that_the_bank_returned_has_failed_and_its_amount_is_free_again() -> None:
    refunded = STARTED, PAID, PART, REFUNDED
    given(*refunded).when(RecordRefundFailed(NOTE, "lost_or_stolen_card", day(20), "re_1")).then(RETURNED)
    given(*refunded, RETURNED).when(RecordRefundFailed(NOTE, "again", day(21))).then()
    given(*refunded, RETURNED).when(ask(NOTE, 1000)).then()
    given(*refunded, RETURNED).when(ask(OTHER_NOTE, 2999)).then(requested(OTHER_NOTE, 2999))


def test_a_returned_refund_of_an_earlier_release_was_of_the_whole_payment() -> None:
    whole = Refund(FIRST.id, FIRST_AMOUNT, RefundReason.INVOICE_VOIDED)
    returned = RefundFailed(FIRST, whole, "unknown", "re_0", day(20), made_before=True)
    given(STARTED, PAID, OF_EARLIER_RELEASE).when(RecordRefundFailed(FIRST.id, "unknown", day(20), "re_0")).then(returned)


def test_only_money_that_was_taken_can_be_refunded() -> None:
    given(STARTED).when(ask(NOTE, 1000)).refused(NothingTaken)
    given(STARTED, PAID).when(RecordRefund(NOTE, "re_1", day(16))).refused(NoSuchRefund)
    given(STARTED, PAID).when(RecordRefundFailed(NOTE, "no", day(16))).refused(NoSuchRefund)


def test_a_refund_of_an_earlier_release_is_of_the_whole_payment() -> None:
    given(STARTED, PAID, OF_EARLIER_RELEASE).when(ask(FIRST.id, None, RefundReason.INVOICE_VOIDED)).then()
    given(STARTED, PAID, OF_EARLIER_RELEASE).when(ask(NOTE, 1)).refused(RefundExceedsPayment)


def test_a_stored_refund_without_the_newer_fields_is_still_read() -> None:
    name, schema, body = PAYMENT.codec.encode(OF_EARLIER_RELEASE)
    assert PAYMENT.codec.decode(name, schema, body.replace(',"refund":null', "")) == OF_EARLIER_RELEASE
    for event in (PART, REFUNDED, FAILED, RETURNED):
        assert PAYMENT.codec.decode(*PAYMENT.codec.encode(event)) == event
    name, schema, body = PAYMENT.codec.encode(FAILED)
    assert PAYMENT.codec.decode(name, schema, body.replace(',"made_before":false', "")) == FAILED


STEPS = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from(["ask", "ask for the rest", "made", "failed"]), st.integers(-1, 3200)),
    max_size=30,
)


@every(STEPS)
def test_any_commands_in_any_order_promise_at_most_what_was_taken(steps: list[tuple[int, str, int]]) -> None:
    events: list[Event] = [STARTED, PAID]
    for number, what, minor in steps:
        refund_id = id_of(f"refund {number}")
        commands: dict[str, Command] = {
            "ask": ask(refund_id, minor),
            "ask for the rest": ask(refund_id, None),
            "made": RecordRefund(refund_id, "re", day(16)),
            "failed": RecordRefundFailed(refund_id, "no", day(16)),
        }
        try:
            events += PAYMENTS.decide(commands[what], PAYMENTS.fold(events))
        except Refusal:
            continue
        failed = {event.refund.id for event in events if isinstance(event, RefundFailed)}
        requests = [event.refund for event in events if isinstance(event, RefundRequested)]
        assert len({each.id for each in requests}) == len(requests)
        assert sum(each.amount.amount_minor for each in requests if each.id not in failed) <= 2999
        outcomes = [event.refund for event in events if isinstance(event, Refunded)]
        assert len(outcomes) == len(set(outcomes) & set(requests))
        amounts = {each.id: each.amount.amount_minor for each in outcomes if each and each.id not in failed}
        state = PAYMENTS.fold(events)
        assert state is not None
        assert state.refunds.repaid_minor == sum(amounts.values())
