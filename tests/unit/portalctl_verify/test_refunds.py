"""Credit notes and refunds: a consistent recording violates no invariant, and each change to it violates the expected one."""

import json
from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from unit.portalctl_verify.recording import ANA, STAYING, Recording, consistent_recording, day, id_of, violations

from billing_contracts.invoicing import invoice_id
from billing_contracts.shapes import Period
from invoicing.application.aggregates import CODEC, INVOICE
from invoicing.application.credit_notes import contained
from invoicing.domain.invoice.commands import Credit
from invoicing.domain.invoice.events import Credited
from invoicing.domain.numbering import SeriesNumber
from payments.application.aggregates import PAYMENT
from payments.domain.payment.commands import RecordRefund, RecordRefundFailed, RequestRefund
from payments.domain.shapes import Money, RefundReason

NOTE, AT = id_of("note"), day(5, 20)


def credited_invoice(recording: Recording) -> UUID:
    period = recording.state("subscription", STAYING).period
    return invoice_id(STAYING, Period(start=period.start, end=period.end))


def credit(recording: Recording) -> UUID:
    """Take 10.00 back of Ana's last invoice."""
    invoice, number = credited_invoice(recording), SeriesNumber("TS-NC", 1, AT.date())
    recording.decide("invoicing", INVOICE, invoice, Credit(NOTE, number, 1000, "USD", "goodwill", contained, AT))
    (event,) = (each for each in recording.recorded_state().folded["invoicing"].streams.values() if each.id == invoice)
    note = event.events[-1]
    assert isinstance(note, Credited)
    place = {"series": note.series, "ordinal": note.ordinal, "issued_on": note.issued_on}
    issued = json.loads(CODEC.encode(note)[2])
    recording.row("invoicing", "credit_notes", id=NOTE, invoice_id=invoice, customer_id=ANA, issued=issued, **place)
    recording.row("invoicing", "series", name="TS-NC", last=1, last_issued_on=note.issued_on)
    return invoice


def request(recording: Recording, minor: int = 1000) -> UUID:
    invoice = credit(recording)
    command = RequestRefund(NOTE, Money(minor, "USD"), RefundReason.CREDIT_NOTE, AT)
    charge = recording.decide("payments", PAYMENT, invoice, command).paid
    row = {"refund_id": NOTE, "invoice_id": invoice, "customer_id": ANA, "charge_id": charge.id, "amount_minor": minor}
    recording.row("payments", "refund", **row, status="requested", call_at=AT)
    return invoice


def refund(recording: Recording) -> None:
    invoice = request(recording)
    charge = recording.decide("payments", PAYMENT, invoice, RecordRefund(NOTE, "re_1", AT)).paid
    recording.tables["payments", "refund"][0]["status"] = "made"
    booked = {"charge_id": charge.id, "refund_id": NOTE, "amount_minor": 1000, "outcome": "made"}
    recording.row("payments", "sandbox_refund", **booked)


def refuse(recording: Recording) -> None:
    invoice = request(recording)
    recording.decide("payments", PAYMENT, invoice, RecordRefundFailed(NOTE, "refused", AT))
    recording.tables["payments", "refund"][0]["status"] = "failed"


def returned(recording: Recording) -> None:
    """The bank returns the refund after it was made."""
    invoice = request(recording)
    recording.decide("payments", PAYMENT, invoice, RecordRefund(NOTE, "re_1", AT))
    recording.decide("payments", PAYMENT, invoice, RecordRefundFailed(NOTE, "lost_or_stolen_card", AT, "re_1"))
    recording.tables["payments", "refund"][0]["status"] = "failed"


@pytest.mark.parametrize("story", [request, refund, refuse, returned])
def test_a_credit_note_with_its_refund_has_no_violation(story: Callable[[Recording], object]) -> None:
    assert violations(consistent_recording(story)) == {}


def test_a_provider_that_is_ahead_of_a_requested_refund_is_no_violation() -> None:
    recording = consistent_recording(request)
    charge = recording.tables["payments", "refund"][0]["charge_id"]
    booked = {"charge_id": charge, "refund_id": NOTE, "amount_minor": 1000, "outcome": "made"}
    recording.row("payments", "sandbox_refund", **booked)
    assert violations(recording) == {}


def change(database: str, table: str, **columns: Any) -> Callable[[Recording], object]:
    return lambda recording: recording.tables[database, table][-1].update(columns)


def delete(database: str, table: str) -> Callable[[Recording], object]:
    return lambda recording: recording.tables[database, table].pop()


CHANGES: list[tuple[str, Callable[[Recording], object], str]] = [
    ("I2", delete("payments", "sandbox_refund"), "is refunded in payments, not at the provider"),
    ("I2", change("payments", "sandbox_refund", amount_minor=999), "1000 in payments, 999 at the provider"),
    ("I2", change("payments", "sandbox_refund", refund_id=id_of("x")), "neither records nor expects it"),
    ("I2", change("payments", "refund", status="requested"), "is requested in its row, made in its stream"),
    ("I2", delete("payments", "refund"), "is absent in its row"),
    ("I4", change("invoicing", "series", last=2), "the counter of series TS-NC"),
    ("I4", change("invoicing", "series", last_issued_on=date(2023, 5, 19)), "the counter of series TS-NC"),
    ("I5", change("invoicing", "credit_notes", issued={}), "differs in its row"),
    ("I5", change("invoicing", "credit_notes", ordinal=2), "differs in its row"),
    ("I5", delete("invoicing", "credit_notes"), "differs in its row"),
]


@pytest.mark.parametrize(
    ("invariant", "change_it", "message"), CHANGES, ids=[f"{id}-{at}" for at, (id, _, _) in enumerate(CHANGES)]
)
def test_a_change_violates_its_invariant(invariant: str, change_it: Callable[[Recording], object], message: str) -> None:
    recording = consistent_recording(refund)
    change_it(recording)
    violated = violations(recording)
    assert any(message in line for line in violated.get(invariant, [])), json.dumps(violated, indent=2)


def test_a_credit_note_without_a_refund_is_a_violation() -> None:
    assert any("has no refund" in line for line in violations(consistent_recording(credit))["I2"])


def test_a_refund_of_another_amount_than_its_credit_note_is_a_violation() -> None:
    recording = consistent_recording(lambda recording: request(recording, 999))
    assert any("is of 1000, its refund of 999" in line for line in violations(recording)["I2"])


def test_a_request_that_waits_too_long_is_stuck() -> None:
    recording = consistent_recording(request)
    recording.tables["payments", "refund"][0]["call_at"] = day(5).replace(year=2030)
    assert any("is requested, and the provider is not called" in line for line in violations(recording)["I16"])
