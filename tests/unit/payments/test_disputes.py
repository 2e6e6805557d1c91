"""Disputes: announced once and closed once, in any order of reports; they cause no attempt."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given as every

from payments.adapters.stripe.disputes import report
from payments.application.aggregates import PAYMENT
from payments.application.charges import DisputeReport
from payments.domain.confirmation import Consent
from payments.domain.payment.commands import Command, PayNow, RecordDispute, TryAgain
from payments.domain.payment.events import (
    AttemptSucceeded,
    Dispute,
    DisputeClosed,
    DisputeOpened,
    Event,
)
from payments.domain.payment.payment import Payment
from payments.domain.payment.refusals import NothingOwed, NothingTaken
from payments.domain.shapes import DisputeOutcome, Money
from support.payments.examples import OTHER, PAYMENTS, STARTED, charge, day, id_of
from support.spec import Scenario

CONSENT = Consent(id_of("confirmation"), day(17))
FIRST = charge(1)
PAID = AttemptSucceeded(FIRST, "pi_1", day(14))
DUE = datetime(2023, 6, 1, tzinfo=UTC)
DISPUTE = Dispute(id_of("dispute"), Money(2999, "USD"), "fraudulent", "dp_1", inquiry=False, respond_by=DUE)
INQUIRY = replace(DISPUTE, inquiry=True)
OPENED, INQUIRED = DisputeOpened(FIRST, DISPUTE, day(15)), DisputeOpened(FIRST, INQUIRY, day(15))
LOST = DisputeClosed(FIRST, DISPUTE, DisputeOutcome.LOST, True, day(16))
WON = DisputeClosed(FIRST, DISPUTE, DisputeOutcome.WON, False, day(16))


def given(*past: Event) -> Scenario[Command, Event, Payment]:
    return Scenario(PAYMENTS, past)


def opened(dispute: Dispute = DISPUTE, on: int = 15) -> RecordDispute:
    return RecordDispute(FIRST.id, dispute, day(on))


def closed(outcome: DisputeOutcome, returned: bool, dispute: Dispute = DISPUTE, on: int = 16) -> RecordDispute:
    return RecordDispute(FIRST.id, dispute, day(on), outcome, returned)


def test_a_dispute_is_announced_once_and_closed_once() -> None:
    given(STARTED, PAID).when(opened()).then(OPENED)
    given(STARTED, PAID, OPENED).when(opened()).then()
    given(STARTED, PAID, OPENED).when(closed(DisputeOutcome.LOST, True)).then(LOST)
    given(STARTED, PAID, OPENED).when(closed(DisputeOutcome.WON, False)).then(WON)
    given(STARTED, PAID, OPENED, LOST).when(closed(DisputeOutcome.LOST, True)).then()


def test_a_report_that_is_late_reopens_nothing() -> None:
    given(STARTED, PAID, OPENED, LOST).when(opened()).then()
    given(STARTED, PAID, OPENED, WON).when(closed(DisputeOutcome.LOST, True)).then()


def test_a_dispute_that_is_closed_when_it_is_first_reported_is_announced_first() -> None:
    given(STARTED, PAID).when(closed(DisputeOutcome.LOST, True)).then(replace(OPENED, at=day(16)), LOST)


def test_an_inquiry_that_becomes_a_dispute_is_announced_again() -> None:
    given(STARTED, PAID, INQUIRED).when(opened(DISPUTE, 16)).then(replace(OPENED, at=day(16)))
    given(STARTED, PAID, INQUIRED, OPENED).when(opened(INQUIRY)).then()
    end = DisputeClosed(FIRST, INQUIRY, DisputeOutcome.INQUIRY_CLOSED, False, day(16))
    given(STARTED, PAID, INQUIRED).when(closed(DisputeOutcome.INQUIRY_CLOSED, False, INQUIRY)).then(end)


def test_the_amount_of_a_closed_dispute_is_the_one_that_was_decided() -> None:
    less = replace(DISPUTE, amount=Money(1000, "USD"))
    given(STARTED, PAID, OPENED).when(closed(DisputeOutcome.LOST, True, less)).then(replace(LOST, dispute=less))


def test_only_a_charge_that_took_money_is_disputed() -> None:
    given(STARTED).when(opened()).refused(NothingTaken)
    given(STARTED, PAID).when(replace(opened(), charge_id=id_of("another charge"))).refused(NothingTaken)


@pytest.mark.parametrize("past", [(OPENED,), (OPENED, LOST)], ids=["open", "lost"])
def test_a_dispute_causes_no_attempt(past: tuple[Event, ...]) -> None:
    given(STARTED, PAID, *past).when(TryAgain(OTHER, day(17))).then()
    given(STARTED, PAID, *past).when(PayNow(OTHER, CONSENT, day(17))).refused(NothingOwed)


@pytest.mark.parametrize("event", [OPENED, INQUIRED, LOST])
def test_a_stored_dispute_is_read_as_it_was_written(event: Event) -> None:
    assert PAYMENT.codec.decode(*PAYMENT.codec.encode(event)) == event


REPORTS = st.lists(
    st.tuples(st.integers(0, 2), st.booleans(), st.sampled_from([None, *DisputeOutcome]), st.booleans()), max_size=30
)


@every(REPORTS)
def test_any_reports_in_any_order_open_and_close_each_dispute_at_most_once(
    reports: list[tuple[int, bool, DisputeOutcome | None, bool]],
) -> None:
    events: list[Event] = [STARTED, PAID]
    for number, inquiry, outcome, returned in reports:
        dispute = replace(DISPUTE, id=id_of(f"dispute {number}"), inquiry=inquiry)
        command = RecordDispute(FIRST.id, dispute, day(15), outcome, returned)
        events += PAYMENTS.decide(command, PAYMENTS.fold(events))
    for number in range(3):
        about = id_of(f"dispute {number}")
        of_one = [e for e in events if isinstance(e, DisputeOpened | DisputeClosed) and e.dispute.id == about]
        formal = [e for e in of_one if isinstance(e, DisputeOpened) and not e.dispute.inquiry]
        inquiries = [e for e in of_one if isinstance(e, DisputeOpened) and e.dispute.inquiry]
        ends = [e for e in of_one if isinstance(e, DisputeClosed)]
        assert len(formal) <= 1
        assert len(inquiries) <= 1
        assert len(ends) <= 1
        assert not of_one or isinstance(of_one[0], DisputeOpened)
        assert not ends or of_one[-1] == ends[0]


def at_stripe(status: str, **fields: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {"id": "dp_1", "amount": 2999, "currency": "usd", "reason": "fraudulent", "balance_transactions": []}
    return plain | {"status": status, "evidence_details": {"due_by": int(DUE.timestamp())}} | fields


TAKEN = Money(2999, "USD")
REPORTED = DisputeReport("dp_1", TAKEN, "fraudulent")
WITHDRAWN, REINSTATED = {"amount": -2999}, {"amount": 2999}


@pytest.mark.parametrize(
    ("dispute", "expected"),
    [
        (at_stripe("needs_response"), replace(REPORTED, respond_by=DUE)),
        (at_stripe("needs_response", evidence_details={"due_by": None}), REPORTED),
        (at_stripe("needs_response", evidence_details={"due_by": 0}), REPORTED),
        (at_stripe("under_review"), REPORTED),
        (at_stripe("warning_needs_response"), replace(REPORTED, inquiry=True, respond_by=DUE)),
        (at_stripe("warning_under_review"), replace(REPORTED, inquiry=True)),
        (at_stripe("warning_closed"), replace(REPORTED, inquiry=True, outcome=DisputeOutcome.INQUIRY_CLOSED)),
        (at_stripe("won", balance_transactions=[WITHDRAWN, REINSTATED]), replace(REPORTED, outcome=DisputeOutcome.WON)),
        (at_stripe("lost"), replace(REPORTED, outcome=DisputeOutcome.LOST, returned=True)),
        (at_stripe("prevented"), replace(REPORTED, outcome=DisputeOutcome.PREVENTED)),
        (
            at_stripe("prevented", balance_transactions=[WITHDRAWN]),
            replace(REPORTED, outcome=DisputeOutcome.PREVENTED, returned=True),
        ),
        (at_stripe("a_status_of_a_later_version"), REPORTED),
        (at_stripe("under_review", amount=1000), replace(REPORTED, amount=Money(1000, "USD"))),
        (at_stripe("under_review", currency="eur"), REPORTED),
        (at_stripe("under_review", reason="The customer's own words"), replace(REPORTED, reason="general")),
    ],
)
def test_a_dispute_is_read_from_its_object_at_stripe(dispute: dict[str, Any], expected: DisputeReport) -> None:
    assert report(dispute, TAKEN) == expected
