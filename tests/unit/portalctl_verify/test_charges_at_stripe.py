"""Charges and refunds at Stripe: a consistent recording violates no invariant, and each change to it violates I2 or I16."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from unit.portalctl_verify.recording import (
    ANA,
    LATE,
    PLAN_OF_ALL,
    PRICE,
    VISA,
    Recording,
    charge,
    consistent_recording,
    day,
    id_of,
    violations,
)

from payments.application.aggregates import PAYMENT
from payments.domain.payment.commands import Collect, Command, RecordFailure, RecordNoAnswer, RecordRefund, RequestRefund
from payments.domain.shapes import SANDBOX, STRIPE, FailureCode, RefundReason
from subscriptions.application.aggregates import SUBSCRIPTION
from subscriptions.domain.subscription import commands

CARD, AT = replace(VISA, provider=STRIPE), day(5, 16)
READ_AT = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
"""When the recording's databases were read."""


def paid(recording: Recording) -> None:
    """Ana begins a third subscription on 15 May, and pays its first period with a card at Stripe."""
    start = commands.Start(ANA, 1, PLAN_OF_ALL, 1, "America/Mexico_City", day(5, 15), day(5, 15))
    period = recording.decide("subscriptions", SUBSCRIPTION, LATE, start).period
    invoice = charge(recording, LATE, 4, method=CARD)
    recording.decide("subscriptions", SUBSCRIPTION, LATE, commands.RecordPaid(period, invoice, AT))
    recording.tables["invoicing", "series"][0].update(last=4, last_issued_on=day(5, 15).date())


def refunded(recording: Recording) -> None:
    """All that the charge took went back."""
    paid(recording)
    collection = recording.tables["payments", "collection"][-1]
    invoice, charge_id = collection["invoice_id"], collection["paid_charge"]
    recording.decide("payments", PAYMENT, invoice, RequestRefund(charge_id, None, RefundReason.INVOICE_VOIDED, AT))
    recording.decide("payments", PAYMENT, invoice, RecordRefund(charge_id, "re_1", AT))
    row = {"refund_id": charge_id, "invoice_id": invoice, "customer_id": ANA, "charge_id": charge_id, "amount_minor": 2999}
    recording.row("payments", "refund", **row, status="made", call_at=AT)
    collection["refunded_at"] = AT


@pytest.mark.parametrize("story", [paid, refunded])
def test_a_charge_at_stripe_has_no_violation(story: Callable[[Recording], object]) -> None:
    assert violations(consistent_recording(story)) == {}


def change(table: str, **columns: Any) -> Callable[[Recording], object]:
    return lambda recording: recording.tables["payments", table][-1].update(columns)


def delete(table: str) -> Callable[[Recording], object]:
    return lambda recording: recording.tables["payments", table].pop()


def add_an_intent(recording: Recording) -> None:
    recording.row("payments", "stripe_intent", charge_id=id_of("x"), reference="pi_2", code=None)


def add_an_intent_of_a_charge_in_the_sandbox(recording: Recording) -> None:
    charge_id = recording.tables["payments", "sandbox_charge"][0]["charge_id"]
    recording.row("payments", "stripe_intent", charge_id=charge_id, reference="pi_2", code=None)


CHANGES: list[tuple[Callable[[Recording], object], str]] = [
    (delete("stripe_intent"), "succeeded with pi_1, and none is stored"),
    (change("stripe_intent", reference="pi_2"), "succeeded with pi_1, and pi_2 is stored"),
    (change("stripe_intent", reference=None, code="card_declined"), "succeeded with pi_1, and none is stored"),
    (add_an_intent, "payments has no such charge at Stripe"),
    (add_an_intent_of_a_charge_in_the_sandbox, "payments has no such charge at Stripe"),
    (change("attempt", reference="pi_2"), "is succeeded in its row, succeeded in its stream"),
    (delete("refund"), "is absent in its row, made in its stream"),
    (change("refund", status="failed"), "is absent in its row, made in its stream"),
]


@pytest.mark.parametrize(("change_it", "message"), CHANGES, ids=[str(at) for at in range(len(CHANGES))])
def test_a_change_is_a_violation(change_it: Callable[[Recording], object], message: str) -> None:
    recording = consistent_recording(refunded)
    change_it(recording)
    violated = violations(recording)
    assert any(message in line for line in violated.get("I2", [])), json.dumps(violated, indent=2)


def collected(recording: Recording, outcome: Callable[[UUID], Command], provider: str = STRIPE) -> UUID:
    """The charge of a payment without an invoice in this recording."""
    invoice, method = id_of("alone"), replace(VISA, provider=provider)
    collect = Collect(invoice, LATE, ANA, PRICE, method, AT)
    charge_id: UUID = recording.decide("payments", PAYMENT, invoice, collect).open.id
    recording.decide("payments", PAYMENT, invoice, outcome(charge_id))
    row = {"charge_id": charge_id, "invoice_id": invoice, "number": 1, "amount_minor": 2999, "currency": "USD"}
    recording.row("payments", "attempt", **row, status="unknown", code=None, reference=None, call_at=AT)
    return charge_id


def test_a_charge_that_was_refused_without_an_intent_has_none() -> None:
    recording = consistent_recording(paid)
    charge_id = collected(recording, lambda id: RecordFailure(id, FailureCode.PROCESSING_ERROR, AT))
    change("attempt", status="failed", code="processing_error")(recording)
    recording.row("payments", "stripe_intent", charge_id=charge_id, reference=None, code="processing_error")
    assert "I2" not in violations(recording)
    change("stripe_intent", reference="pi_2")(recording)
    assert any("failed with no payment intent, and pi_2 is stored" in line for line in violations(recording)["I2"])


@pytest.mark.parametrize("provider", [SANDBOX, STRIPE])
def test_a_charge_without_an_outcome_is_requested_again_from_each_provider(provider: str) -> None:
    recording = consistent_recording()
    collected(recording, lambda id: RecordNoAnswer(id, AT, AT), provider)
    assert not {"I2", "I16"} & violations(recording).keys()
    change("attempt", call_at=READ_AT + timedelta(hours=2))(recording)
    assert any("is unknown, and the provider is not called before" in line for line in violations(recording)["I16"])
