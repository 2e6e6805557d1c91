"""A consistent recording violates no invariant. Each change to it violates the expected one."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from unit.portalctl_verify.recording import (
    ANA,
    GOING,
    STAYING,
    TECHSOLUTIONS,
    Recording,
    charge,
    confirm_and_pay,
    consistent_recording,
    day,
    id_of,
    violations,
)

from billing_contracts.invoicing import InvoiceIssued
from subscriptions.application.aggregates import SUBSCRIPTION
from subscriptions.domain.subscription import commands
from verify.invariants import card_numbers_nowhere
from verify.rows import Record
from verify.topics import envelope_of


@pytest.fixture
def recording() -> Recording:
    return consistent_recording()


def test_a_consistent_recording_has_no_violation(recording: Recording) -> None:
    assert violations(recording) == {}


def test_an_event_after_the_cut_is_no_violation(recording: Recording) -> None:
    recording.committed = {name: events[-1].position if events else (0, 0, 0) for name, events in recording.events.items()}
    recording.decide("subscriptions", SUBSCRIPTION, STAYING, commands.ReachBoundary(1, day(6)))
    recording.records[-1] = replace(recording.records[-1], settled=False)
    recording.row("subscriptions", "open_sagas", subscription_id=STAYING)
    assert violations(recording) == {}


def test_an_unsent_event_after_the_cut_is_no_violation(recording: Recording) -> None:
    recording.committed = {name: events[-1].position if events else (0, 0, 0) for name, events in recording.events.items()}
    recording.decide("subscriptions", SUBSCRIPTION, STAYING, commands.ReachBoundary(1, day(6)))
    del recording.records[-1]
    recording.row("subscriptions", "open_sagas", subscription_id=STAYING)
    assert violations(recording) == {}


def test_a_renewal_without_payment_in_progress_is_stuck(recording: Recording) -> None:
    recording.decide("subscriptions", SUBSCRIPTION, STAYING, commands.ReachBoundary(1, day(6)))
    recording.row("subscriptions", "open_sagas", subscription_id=STAYING)
    assert any("not in progress" in line for line in violations(recording)["I16"])


def rows(recording: Recording, database: str, table: str) -> list[dict[str, Any]]:
    return recording.tables[database, table]


def delete_first(database: str, table: str) -> Callable[[Recording], object]:
    return lambda recording: rows(recording, database, table).pop(0)


def change(database: str, table: str, **columns: Any) -> Callable[[Recording], object]:
    return lambda recording: rows(recording, database, table)[0].update(columns)


def lose_a_record(recording: Recording) -> None:
    place = next(place for place, record in enumerate(recording.records) if record.topic == "billing.invoicing")
    del recording.records[place]


def reverse_two_records(recording: Recording) -> None:
    first, second = [place for place, record in enumerate(recording.records) if record.key == recording.records[-1].key][:2]
    before, after = recording.records[first], recording.records[second]
    recording.records[first] = replace(after, offset=before.offset)
    recording.records[second] = replace(before, offset=after.offset)


def change_a_message(recording: Recording) -> None:
    place = next(place for place, record in enumerate(recording.records) if record.topic == "billing.subscriptions")
    recording.records[place] = replace(recording.records[place], value=(recording.records[place].value or b"") + b" ")


def publish_a_forged_event(recording: Recording) -> None:
    envelope = recording.records[0].envelope
    assert envelope is not None
    forged = envelope.model_copy(update={"id": uuid4(), "sequence": envelope.sequence + 1})
    recording.publish("billing.subscriptions", forged.key(), forged.value(), settled=True)


def lose_a_profile(recording: Recording) -> None:
    recording.records[:] = [record for record in recording.records if record.topic != "billing.customers"]


def charge_twice(recording: Recording) -> None:
    charge = rows(recording, "payments", "sandbox_charge")[0]
    attempt = rows(recording, "payments", "attempt")[0]
    other = {"charge_id": id_of("second charge")}
    rows(recording, "payments", "sandbox_charge").append(charge | other)
    rows(recording, "payments", "attempt").append(attempt | other)


def swap_dates(recording: Recording) -> None:
    recording.events["invoicing"][:] = [
        replace(event, body=event.body.replace('"issued_on":"2023-04-14"', '"issued_on":"2024-04-14"'))
        for event in recording.events["invoicing"]
    ]


def publish_another_total(recording: Recording) -> None:
    def raised(record: Record) -> Record:
        if record.envelope is None or record.envelope.type != InvoiceIssued.TYPE:
            return record
        data = record.envelope.data | {"total": {"amount_minor": 1, "currency": "USD"}}
        envelope = record.envelope.model_copy(update={"data": data})
        return replace(record, value=envelope.value(), envelope=envelope)

    recording.records[:] = [raised(record) for record in recording.records]


def renumber(recording: Recording) -> None:
    event = recording.events["subscriptions"][1]
    recording.events["subscriptions"][1] = replace(event, version=event.version + 1)


def empty_a_body(recording: Recording) -> None:
    event = recording.events["subscriptions"][1]
    recording.events["subscriptions"][1] = replace(event, body="{}")


def scheduled_end(recording: Recording) -> dict[str, Any]:
    return next(row for row in rows(recording, "subscriptions", "timers") if row["id"] == GOING)


def lose_the_timer_of_an_end(recording: Recording) -> None:
    rows(recording, "subscriptions", "timers").remove(scheduled_end(recording))


def lose_the_timer_of_a_boundary(recording: Recording) -> None:
    rows(recording, "subscriptions", "timers").remove(
        next(row for row in rows(recording, "subscriptions", "timers") if row["id"] == STAYING)
    )


def postpone_an_end(recording: Recording) -> None:
    scheduled_end(recording)["due_at"] += timedelta(days=1)


def end_before_a_charged_period(recording: Recording) -> None:
    recording.decide("subscriptions", SUBSCRIPTION, GOING, commands.Cancel("immediately", "customer", "void", day(4, 25)))
    ended = recording.events["subscriptions"][-1]
    recording.events["subscriptions"][-1] = replace(ended, body=ended.body.replace("2023-04-25", "2023-04-01"))


def accept_a_cancellation(recording: Recording, aggregate: str, version: int) -> None:
    recording.row(
        "portal_gateway", "accepted_command", customer_id=ANA, aggregate=aggregate, version=version, kind="cancellation"
    )


def answer(recording: Recording, **columns: Any) -> None:
    row = {"subject": "merchant:k1", "route": "POST /v1/subscriptions", "key": "a", "status": 201, "answer": {}}
    recording.row("subscriptions", "idempotency", **row | columns)


def answer_twice(recording: Recording) -> None:
    answer(recording)
    answer(recording)


CHANGES: list[tuple[str, Callable[[Recording], object], str]] = [
    ("I1", lose_a_record, "never reached"),
    ("I1", reverse_two_records, "follows version"),
    ("I1", change_a_message, "differs from"),
    ("I1", publish_a_forged_event, "is in no store"),
    ("I1", lose_a_profile, "revision 1 never reached"),
    ("I1", delete_first("payments", "inbox"), "payments.collection did not handle"),
    ("I1", delete_first("invoicing", "projection"), "at version 0 of"),
    ("I2", delete_first("payments", "sandbox_charge"), "unknown to the provider"),
    ("I2", delete_first("payments", "attempt"), "in no row"),
    ("I2", change("payments", "attempt", status="failed"), "failed in its row, succeeded in its stream"),
    ("I2", change("payments", "sandbox_charge", code="card_declined"), "failed at the provider"),
    ("I2", change("payments", "sandbox_charge", amount_minor=1), "succeeded at the provider"),
    ("I2", change("payments", "collection", paid_charge=None), "names another paid charge"),
    ("I2", charge_twice, "in no stream"),
    ("I2", lambda recording: recording.row("payments", "sandbox_refund", charge_id=id_of("x")), "refunded at the provider"),
    ("I4", change("invoicing", "series", last=4), "counter"),
    ("I4", delete_first("invoicing", "series"), "counter"),
    ("I4", swap_dates, "is dated before"),
    ("I5", change("invoicing", "invoices", issued={}), "differs in its row"),
    ("I5", change("invoicing", "invoices", ordinal=9), "differs in its row"),
    ("I5", change("invoicing", "bill_to", sha256="00"), "another buyer"),
    ("I5", delete_first("invoicing", "bill_to"), "another buyer"),
    ("I5", publish_another_total, "differs on its topic"),
    ("I6", publish_another_total, "its lines sum to"),
    ("I6", change("invoicing", "movements", total=1), "differs from its event"),
    ("I6", delete_first("invoicing", "movements"), "lacks a"),
    ("I6", lambda recording: rows(recording, "invoicing", "movements")[-1].update(total=-5000), "5000 paid"),
    ("I7", change("invoicing", "invoices", period_start=day(1)), "another period"),
    (
        "I7",
        lambda recording: recording.decide("subscriptions", SUBSCRIPTION, STAYING, commands.ReachBoundary(1, day(6))),
        "has no invoice",
    ),
    ("I9", lose_the_timer_of_an_end, "waits for nothing"),
    ("I9", postpone_an_end, "is to end at"),
    ("I9", lambda recording: accept_a_cancellation(recording, f"subscription-{GOING}", 9), "is in no stream"),
    ("I9", lambda recording: accept_a_cancellation(recording, f"subscription-{STAYING}", 3), "is not cancelled in its stream"),
    ("I10", change("portal_gateway", "projection", doc={}), "is not the fold"),
    ("I10", change("portal_gateway", "projection", event_id=id_of("other")), "is not the fold"),
    ("I10", change("portal_gateway", "customer_view", doc={}), "is not composed"),
    ("I10", delete_first("portal_gateway", "customer_view"), "no view"),
    ("I10", change("subscriptions", "projection", doc={}), "subscriptions' merchant"),
    ("I10", change("invoicing", "invoices", status="open"), "is open in its row"),
    ("I10", change("payments", "payment_method", is_default=False), "payment methods of customer"),
    ("I10", change("payments", "payment_method", is_backup=True), "payment methods of customer"),
    ("I10", change("payments", "payment_method", last4="0000"), "payment methods of customer"),
    ("I10", change("payments", "payment_method", removed_at="2023-05-01"), "payment methods of customer"),
    ("I11", renumber, "has the versions 2"),
    ("I11", empty_a_body, "cannot be folded"),
    ("I12", lambda recording: recording.leaks.append("log file payments.log"), "payments.log"),
    (
        "I15",
        lambda recording: answer(recording, answer={"charges": [{"aggregate": "payment-x", "version": 1}]}),
        "payment-x version 1",
    ),
    ("I15", lambda recording: answer(recording, status=0), "has no answer"),
    ("I15", answer_twice, "2 answers"),
    ("I15", lambda recording: answer(recording, route="POST /v1/customers", answer={"id": "x"}), "customer that does not exist"),
    ("I16", lose_the_timer_of_a_boundary, "should wait for boundary"),
    ("I16", lambda recording: recording.row("subscriptions", "open_sagas", subscription_id=STAYING), "has an open saga"),
]


@pytest.mark.parametrize(
    ("invariant", "change_it", "message"), CHANGES, ids=[f"{id}-{at}" for at, (id, _, _) in enumerate(CHANGES)]
)
def test_a_change_violates_its_invariant(
    recording: Recording, invariant: str, change_it: Callable[[Recording], object], message: str
) -> None:
    change_it(recording)
    violated = violations(recording)
    assert any(message in line for line in violated.get(invariant, [])), json.dumps(violated, indent=2)


def test_a_charge_for_a_period_after_the_end_is_a_violation(recording: Recording) -> None:
    end_before_a_charged_period(recording)
    assert any("charged for a period after the end" in line for line in violations(recording)["I8"])


def test_a_refund_resolves_a_charge_after_the_end(recording: Recording) -> None:
    end_before_a_charged_period(recording)
    for row in rows(recording, "payments", "collection"):
        row["refunded_at"] = day(5)
    assert "I8" not in violations(recording)


def end_unpaid_after_a_charge(recording: Recording) -> None:
    recording.decide("subscriptions", SUBSCRIPTION, STAYING, commands.ReachBoundary(1, day(6)))
    charge(recording, STAYING, ordinal=4)
    recording.decide("subscriptions", SUBSCRIPTION, STAYING, commands.Cancel("immediately", "customer", "void", day(6, 15)))


def test_a_late_charge_for_a_period_that_ended_unpaid_has_to_be_refunded() -> None:
    recording = consistent_recording(end_unpaid_after_a_charge)
    assert any("charged for the period given up at the end" in line for line in violations(recording)["I8"])
    rows(recording, "payments", "collection")[-1]["refunded_at"] = day(6, 15)
    assert "I8" not in violations(recording)


def test_confirmed_charges_are_no_violation() -> None:
    assert violations(consistent_recording(confirm_and_pay)) == {}


def rewrite(recording: Recording, name: str, old: str, new: str) -> None:
    events = recording.events["payments"]
    assert any(event.name == name and old in event.body for event in events)
    events[:] = [replace(event, body=event.body.replace(old, new)) if event.name == name else event for event in events]


def test_a_charge_above_the_confirmed_amount_is_a_violation() -> None:
    recording = consistent_recording(confirm_and_pay)
    rewrite(recording, "PaymentConfirmed", '"amount_minor":2999', '"amount_minor":2998')
    differences = violations(recording)["I17"]
    assert sum("does not list that" in line for line in differences) == 2
    assert any("is of 5996 USD, and 5998 was taken" in line for line in differences)


def test_a_period_that_was_not_confirmed_is_a_violation_with_and_without_a_named_confirmation() -> None:
    for named in (1, 2):
        recording = consistent_recording(lambda recording, named=named: confirm_and_pay(recording, listed=1, named=named))  # type: ignore[misc]
        differences = violations(recording)["I17"]
        assert any("does not list that" in line for line in differences)
        assert any("is of 2999 USD, and 5998 was taken" in line for line in differences)


def test_a_period_after_the_confirmation_is_an_ordinary_renewal() -> None:
    recording = consistent_recording(lambda recording: confirm_and_pay(recording, listed=1, named=1))
    rewrite(recording, "AttemptStarted", '"at":"2023-06-20T12:00:00Z"}', '"at":"2023-06-15T11:59:59Z"}')
    rewrite(recording, "AttemptSucceeded", '"at":"2023-06-20T12:00:00Z"}', '"at":"2023-06-15T11:59:59Z"}')
    assert "I17" not in violations(recording)


def test_a_backup_card_without_a_consent_is_a_violation() -> None:
    recording = consistent_recording(lambda _: None)
    rewrite(recording, "AttemptStarted", '"backup":false', '"backup":true')
    assert any("without a consent" in line for line in violations(recording)["I17"])


def test_an_unknown_confirmation_is_a_violation() -> None:
    recording = consistent_recording(confirm_and_pay)
    rewrite(recording, "AttemptStarted", str(id_of("confirmation")), str(id_of("another")))
    assert any("which does not exist" in line for line in violations(recording)["I17"])


def test_a_profile_after_a_tombstone_is_a_violation(recording: Recording) -> None:
    rows(recording, "subscriptions", "customers")[0].update(erased_at=day(6))
    assert any("still has the profile" in line for line in violations(recording)["I1"])
    recording.publish("billing.customers", f"{TECHSOLUTIONS}/customer-{ANA}".encode(), None)
    assert "I1" not in violations(recording)
    assert any(f"customer of customer-{ANA}" in line for line in violations(recording)["I10"])


def test_a_discarded_record_is_no_violation(recording: Recording) -> None:
    lost = rows(recording, "payments", "inbox").pop(0)["event_id"]
    record = next(record for record in recording.records if record.envelope and record.envelope.id == lost)
    place = {"topic": record.topic, "partition": record.partition, "record_offset": record.offset}
    row = recording.row("payments", "quarantine", consumer_group="payments.collection", state="kept", **place)
    assert any("is in quarantine" in line for line in violations(recording)["I1"])
    row["state"] = "discarded"
    assert "I1" not in violations(recording)


def test_undecodable_records_have_no_envelope() -> None:
    assert envelope_of(b"{}") is None
    assert envelope_of(None) is None


def test_only_the_latest_profile_of_a_compacted_topic_counts(recording: Recording) -> None:
    """Compaction removes the others, and a new revision redacts a card number in a profile."""
    record = next(record for record in recording.records if record.topic == "billing.customers")
    assert record.key is not None
    assert record.envelope is not None

    def announce(name: str) -> None:
        changed = record.envelope.model_copy(update={"data": {**record.envelope.data, "name": name}})  # type: ignore[union-attr]
        recording.publish("billing.customers", record.key or b"", changed.value())

    announce("Ana 4111.1111.1111.1111")
    assert list(card_numbers_nowhere(recording.recorded_state())) == ["record billing.customers/0@1"]
    announce("Ana")
    assert list(card_numbers_nowhere(recording.recorded_state())) == []
