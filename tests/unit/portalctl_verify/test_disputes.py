"""Disputes: a consistent recording violates no invariant, and each change to it violates the expected one."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from unit.portalctl_verify.recording import ANA, Recording, consistent_recording, day, id_of, violations
from unit.portalctl_verify.test_refunds import credited_invoice

from payments.application.aggregates import PAYMENT
from payments.domain.payment.commands import RecordDispute
from payments.domain.payment.events import Dispute
from payments.domain.shapes import DisputeOutcome, Money

DISPUTE, AT = id_of("dispute"), day(5, 20)


def report(recording: Recording, outcome: DisputeOutcome | None = None, minor: int = 2999) -> None:
    """A bank reports a dispute about the charge of Ana's last invoice."""
    invoice, returned = credited_invoice(recording), outcome is DisputeOutcome.LOST
    dispute = Dispute(DISPUTE, Money(minor, "USD"), "fraudulent", "dp_1", inquiry=False, respond_by=AT)
    charge = recording.state("payment", invoice).paid.id
    recording.decide("payments", PAYMENT, invoice, RecordDispute(charge, dispute, AT, outcome, returned))
    facts = {"reference": "dp_1", "amount_minor": minor, "currency": "USD", "reason": "fraudulent", "inquiry": False}
    ids = {"dispute_id": DISPUTE, "invoice_id": invoice, "customer_id": ANA, "charge_id": charge}
    (attempt,) = (row for row in recording.tables["payments", "attempt"] if row["charge_id"] == charge)
    attempt["disputes_call_at"] = None if outcome else AT
    recording.row("payments", "dispute", **ids, **facts, status=outcome.value if outcome else "open", returned=returned)


def lost(recording: Recording) -> None:
    report(recording, DisputeOutcome.LOST)


def lost_for_more(recording: Recording) -> None:
    """The bank took back more than the charge had taken."""
    report(recording, DisputeOutcome.LOST, 3100)


def won(recording: Recording) -> None:
    report(recording, DisputeOutcome.WON)


@pytest.mark.parametrize("story", [report, lost, lost_for_more, won])
def test_a_dispute_has_no_violation(story: Callable[[Recording], object]) -> None:
    assert violations(consistent_recording(story)) == {}


def change(database: str, table: str, **columns: Any) -> Callable[[Recording], object]:
    return lambda recording: recording.tables[database, table][-1].update(columns)


def without_chargeback(recording: Recording) -> None:
    rows = recording.tables["invoicing", "movements"]
    rows[:] = [row for row in rows if row["reason"] != "dispute_lost"]


CHANGES: list[tuple[str, Callable[[Recording], object], str]] = [
    ("I2", change("payments", "dispute", status="won"), "is won in its row, lost in its stream"),
    ("I2", change("payments", "dispute", returned=False), "is lost in its row, lost in its stream"),
    ("I2", change("payments", "dispute", amount_minor=1), "is lost in its row"),
    ("I2", lambda recording: recording.tables["payments", "dispute"].pop(), "is in no row"),
    ("I2", lambda recording: recording.row("payments", "dispute", dispute_id=id_of("x"), customer_id=ANA), "is in no stream"),
    ("I6", without_chargeback, "lacks a chargeback"),
]


@pytest.mark.parametrize(
    ("invariant", "change_it", "message"), CHANGES, ids=[f"{id}-{at}" for at, (id, _, _) in enumerate(CHANGES)]
)
def test_a_change_violates_its_invariant(invariant: str, change_it: Callable[[Recording], object], message: str) -> None:
    recording = consistent_recording(lost)
    change_it(recording)
    violated = violations(recording)
    assert any(message in line for line in violated.get(invariant, [])), json.dumps(violated, indent=2)


def test_an_open_dispute_that_is_not_read_any_more_is_stuck() -> None:
    recording = consistent_recording(report)
    for row in recording.tables["payments", "attempt"]:
        row["disputes_call_at"] = None
    assert any("is open, and the provider is not called" in line for line in violations(recording)["I16"])
