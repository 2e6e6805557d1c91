"""In a world in which all is well nothing is broken; whatever is spoilt in it breaks the invariant that it should."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from unit.portalctl_verify.telling import (
    ANA,
    GOING,
    STAYING,
    TECHSOLUTIONS,
    Told,
    a_sound_world,
    broken,
    charge,
    confirm_and_pay,
    day,
    id_of,
)

from billing_contracts.invoicing import InvoiceIssued
from subscriptions.application.aggregates import SUBSCRIPTION
from subscriptions.domain.subscription import commands
from verify.invariants import card_numbers_nowhere
from verify.rows import Record
from verify.topics import envelope_of


@pytest.fixture
def told() -> Told:
    return a_sound_world()


def test_nothing_is_broken_where_all_is_well(told: Told) -> None:
    assert broken(told) == {}


def test_what_happened_since_the_cut_alarms_nobody(told: Told) -> None:
    told.committed = {name: events[-1].position if events else (0, 0, 0) for name, events in told.events.items()}
    told.ask("subscriptions", SUBSCRIPTION, STAYING, commands.ReachBoundary(1, day(6)))
    told.records[-1] = replace(told.records[-1], settled=False)
    told.row("subscriptions", "open_sagas", subscription_id=STAYING)
    assert broken(told) == {}


def test_what_happened_since_the_cut_and_has_not_even_been_sent_alarms_nobody(told: Told) -> None:
    told.committed = {name: events[-1].position if events else (0, 0, 0) for name, events in told.events.items()}
    told.ask("subscriptions", SUBSCRIPTION, STAYING, commands.ReachBoundary(1, day(6)))
    del told.records[-1]
    told.row("subscriptions", "open_sagas", subscription_id=STAYING)
    assert broken(told) == {}


def test_a_saga_whose_events_have_all_been_heard_and_that_nobody_works_on_is_stuck(told: Told) -> None:
    told.ask("subscriptions", SUBSCRIPTION, STAYING, commands.ReachBoundary(1, day(6)))
    told.row("subscriptions", "open_sagas", subscription_id=STAYING)
    assert any("nobody works on" in line for line in broken(told)["I16"])


def rows(told: Told, database: str, table: str) -> list[dict[str, Any]]:
    return told.tables[database, table]


def forget(database: str, table: str) -> Callable[[Told], object]:
    return lambda told: rows(told, database, table).pop(0)


def change(database: str, table: str, **columns: Any) -> Callable[[Told], object]:
    return lambda told: rows(told, database, table)[0].update(columns)


def lose_a_record(told: Told) -> None:
    place = next(place for place, record in enumerate(told.records) if record.topic == "billing.invoicing")
    del told.records[place]


def reverse_two_records(told: Told) -> None:
    first, second = [place for place, record in enumerate(told.records) if record.key == told.records[-1].key][:2]
    told.records[first], told.records[second] = told.records[second], told.records[first]


def announce_it_otherwise(told: Told) -> None:
    place = next(place for place, record in enumerate(told.records) if record.topic == "billing.subscriptions")
    told.records[place] = replace(told.records[place], value=(told.records[place].value or b"") + b" ")


def announce_what_never_happened(told: Told) -> None:
    envelope = told.records[0].envelope
    assert envelope is not None
    forged = envelope.model_copy(update={"id": uuid4(), "sequence": envelope.sequence + 1})
    told.announce("billing.subscriptions", forged.key(), forged.value(), settled=True)


def lose_a_profile(told: Told) -> None:
    told.records[:] = [record for record in told.records if record.topic != "billing.customers"]


def charge_twice(told: Told) -> None:
    charge = rows(told, "payments", "sandbox_charge")[0]
    attempt = rows(told, "payments", "attempt")[0]
    other = {"charge_id": id_of("second charge")}
    rows(told, "payments", "sandbox_charge").append(charge | other)
    rows(told, "payments", "attempt").append(attempt | other)


def swap_dates(told: Told) -> None:
    told.events["invoicing"][:] = [
        replace(event, body=event.body.replace('"issued_on":"2023-04-14"', '"issued_on":"2024-04-14"'))
        for event in told.events["invoicing"]
    ]


def announce_another_total(told: Told) -> None:
    def raised(record: Record) -> Record:
        if record.envelope is None or record.envelope.type != InvoiceIssued.TYPE:
            return record
        data = record.envelope.data | {"total": {"amount_minor": 1, "currency": "USD"}}
        return replace(record, envelope=record.envelope.model_copy(update={"data": data}))

    told.records[:] = [raised(record) for record in told.records]


def renumber(told: Told) -> None:
    event = told.events["subscriptions"][1]
    told.events["subscriptions"][1] = replace(event, version=event.version + 1)


def spoil_a_body(told: Told) -> None:
    event = told.events["subscriptions"][1]
    told.events["subscriptions"][1] = replace(event, body="{}")


def scheduled_end(told: Told) -> dict[str, Any]:
    return next(row for row in rows(told, "subscriptions", "timers") if row["id"] == GOING)


def lose_an_end(told: Told) -> None:
    rows(told, "subscriptions", "timers").remove(scheduled_end(told))


def lose_a_boundary(told: Told) -> None:
    rows(told, "subscriptions", "timers").remove(
        next(row for row in rows(told, "subscriptions", "timers") if row["id"] == STAYING)
    )


def postpone_an_end(told: Told) -> None:
    scheduled_end(told)["due_at"] += timedelta(days=1)


def end_before_what_was_charged(told: Told) -> None:
    told.ask("subscriptions", SUBSCRIPTION, GOING, commands.Cancel("immediately", "customer", "void", day(4, 25)))
    ended = told.events["subscriptions"][-1]
    told.events["subscriptions"][-1] = replace(ended, body=ended.body.replace("2023-04-25", "2023-04-01"))


def promise(told: Told, aggregate: str, version: int) -> None:
    told.row("portal_gateway", "accepted_command", customer_id=ANA, aggregate=aggregate, version=version, kind="cancellation")


def answer(told: Told, **columns: Any) -> None:
    given = {"subject": "merchant:k1", "route": "POST /v1/subscriptions", "key": "a", "status": 201, "answer": {}}
    told.row("subscriptions", "idempotency", **given | columns)


def answer_twice(told: Told) -> None:
    answer(told)
    answer(told)


SPOILT: list[tuple[str, Callable[[Told], object], str]] = [
    ("I1", lose_a_record, "never reached"),
    ("I1", reverse_two_records, "follows version"),
    ("I1", announce_it_otherwise, "says something else"),
    ("I1", announce_what_never_happened, "is in no store"),
    ("I1", lose_a_profile, "revision 1 never reached"),
    ("I1", forget("payments", "inbox"), "payments.collection did not handle"),
    ("I1", forget("invoicing", "projection"), "at version 0 of"),
    ("I2", forget("payments", "sandbox_charge"), "unknown to the provider"),
    ("I2", forget("payments", "attempt"), "in no row"),
    ("I2", change("payments", "attempt", status="failed"), "failed in its row, succeeded in its stream"),
    ("I2", change("payments", "sandbox_charge", code="card_declined"), "failed at the provider"),
    ("I2", change("payments", "sandbox_charge", amount_minor=1), "succeeded at the provider"),
    ("I2", change("payments", "collection", paid_charge=None), "names another paid charge"),
    ("I2", charge_twice, "in no stream"),
    ("I2", lambda told: told.row("payments", "sandbox_refund", charge_id=id_of("x")), "refunded at the provider"),
    ("I4", change("invoicing", "series", last=4), "counter"),
    ("I4", forget("invoicing", "series"), "counter"),
    ("I4", swap_dates, "is dated before"),
    ("I5", change("invoicing", "invoices", issued={}), "another in its row"),
    ("I5", change("invoicing", "invoices", ordinal=9), "another in its row"),
    ("I5", change("invoicing", "bill_to", sha256="00"), "made out to"),
    ("I5", forget("invoicing", "bill_to"), "made out to"),
    ("I5", announce_another_total, "another on its topic"),
    ("I6", announce_another_total, "its lines sum to"),
    ("I6", change("invoicing", "movements", total=1), "otherwise than it was"),
    ("I6", forget("invoicing", "movements"), "lacks a"),
    ("I6", lambda told: rows(told, "invoicing", "movements")[-1].update(total=-5000), "5000 paid"),
    ("I7", change("invoicing", "invoices", period_start=day(1)), "another period"),
    ("I7", lambda told: told.ask("subscriptions", SUBSCRIPTION, STAYING, commands.ReachBoundary(1, day(6))), "has no invoice"),
    ("I9", lose_an_end, "waits for nothing"),
    ("I9", postpone_an_end, "is to end at"),
    ("I9", lambda told: promise(told, f"subscription-{GOING}", 9), "is in no stream"),
    ("I9", lambda told: promise(told, f"subscription-{STAYING}", 3), "is not in its stream"),
    ("I10", change("portal_gateway", "projection", doc={}), "is not the fold"),
    ("I10", change("portal_gateway", "projection", event_id=id_of("other")), "is not the fold"),
    ("I10", change("portal_gateway", "customer_view", doc={}), "is not composed"),
    ("I10", forget("portal_gateway", "customer_view"), "no view"),
    ("I10", change("subscriptions", "projection", doc={}), "subscriptions' merchant"),
    ("I10", change("invoicing", "invoices", status="open"), "is open in its row"),
    ("I10", change("payments", "payment_method", is_default=False), "default payment method"),
    ("I11", renumber, "has the versions 2"),
    ("I11", spoil_a_body, "cannot be folded"),
    ("I12", lambda told: told.leaks.append("log file payments.log"), "payments.log"),
    ("I15", lambda told: answer(told, answer={"charges": [{"aggregate": "payment-x", "version": 1}]}), "payment-x version 1"),
    ("I15", lambda told: answer(told, status=0), "has no answer"),
    ("I15", answer_twice, "2 answers"),
    ("I15", lambda told: answer(told, route="POST /v1/customers", answer={"id": "x"}), "customer that is not there"),
    ("I16", lose_a_boundary, "should wait for boundary"),
    ("I16", lambda told: told.row("subscriptions", "open_sagas", subscription_id=STAYING), "has an open saga"),
]


@pytest.mark.parametrize(("invariant", "spoil", "said"), SPOILT, ids=[f"{id}-{at}" for at, (id, _, _) in enumerate(SPOILT)])
def test_what_is_spoilt_is_named(told: Told, invariant: str, spoil: Callable[[Told], object], said: str) -> None:
    spoil(told)
    found = broken(told)
    assert any(said in line for line in found.get(invariant, [])), json.dumps(found, indent=2)


def test_nothing_may_be_taken_for_a_period_after_the_end(told: Told) -> None:
    end_before_what_was_charged(told)
    assert any("charged for a period after the end" in line for line in broken(told)["I8"])


def test_what_was_taken_all_the_same_may_be_given_back(told: Told) -> None:
    end_before_what_was_charged(told)
    for row in rows(told, "payments", "collection"):
        row["refunded_at"] = day(5)
    assert "I8" not in broken(told)


def give_up_what_has_been_charged(told: Told) -> None:
    told.ask("subscriptions", SUBSCRIPTION, STAYING, commands.ReachBoundary(1, day(6)))
    charge(told, STAYING, ordinal=4)
    told.ask("subscriptions", SUBSCRIPTION, STAYING, commands.Cancel("immediately", "customer", "void", day(6, 15)))


def test_a_period_given_up_unpaid_is_not_paid_for_whatever_was_heard_of_first() -> None:
    told = a_sound_world(give_up_what_has_been_charged)
    assert any("charged for the period given up at the end" in line for line in broken(told)["I8"])
    rows(told, "payments", "collection")[-1]["refunded_at"] = day(6, 15)
    assert "I8" not in broken(told)


def test_what_was_confirmed_may_be_charged_with_the_period_that_had_begun() -> None:
    assert broken(a_sound_world(confirm_and_pay)) == {}


def rewrite(told: Told, name: str, old: str, new: str) -> None:
    events = told.events["payments"]
    assert any(event.name == name and old in event.body for event in events)
    events[:] = [replace(event, body=event.body.replace(old, new)) if event.name == name else event for event in events]


def test_more_than_was_confirmed_is_named() -> None:
    told = a_sound_world(confirm_and_pay)
    rewrite(told, "PaymentConfirmed", '"amount_minor":2999', '"amount_minor":2998')
    differences = broken(told)["I17"]
    assert sum("does not list that" in line for line in differences) == 2
    assert any("is of 5996 USD, and 5998 was taken" in line for line in differences)


def test_a_begun_period_that_was_not_confirmed_is_named_whether_or_not_its_charge_names_the_confirmation() -> None:
    for named in (1, 2):
        told = a_sound_world(lambda told, named=named: confirm_and_pay(told, listed=1, named=named))  # type: ignore[misc]
        differences = broken(told)["I17"]
        assert any("does not list that" in line for line in differences)
        assert any("is of 2999 USD, and 5998 was taken" in line for line in differences)


def test_a_boundary_that_was_reached_after_the_confirmation_is_an_ordinary_renewal() -> None:
    told = a_sound_world(lambda told: confirm_and_pay(told, listed=1, named=1))
    rewrite(told, "AttemptStarted", '"at":"2023-06-20T12:00:00Z"}', '"at":"2023-06-15T11:59:59Z"}')
    rewrite(told, "AttemptSucceeded", '"at":"2023-06-20T12:00:00Z"}', '"at":"2023-06-15T11:59:59Z"}')
    assert "I17" not in broken(told)


def test_a_charge_that_names_a_confirmation_that_does_not_exist_is_named() -> None:
    told = a_sound_world(confirm_and_pay)
    rewrite(told, "AttemptStarted", str(id_of("confirmation")), str(id_of("another")))
    assert any("which does not exist" in line for line in broken(told)["I17"])


def test_a_tombstone_leaves_no_profile_behind(told: Told) -> None:
    rows(told, "subscriptions", "customers")[0].update(erased_at=day(6))
    assert any("still has the profile" in line for line in broken(told)["I1"])
    told.announce("billing.customers", f"{TECHSOLUTIONS}/customer-{ANA}".encode(), None)
    assert "I1" not in broken(told)
    assert any(f"customer of customer-{ANA}" in line for line in broken(told)["I10"])


def test_what_an_operator_discarded_is_no_loss(told: Told) -> None:
    lost = rows(told, "payments", "inbox").pop(0)["event_id"]
    record = next(record for record in told.records if record.envelope and record.envelope.id == lost)
    place = {"topic": record.topic, "partition": record.partition, "record_offset": record.offset}
    row = told.row("payments", "quarantine", consumer_group="payments.collection", state="kept", **place)
    assert any("lies in quarantine" in line for line in broken(told)["I1"])
    row["state"] = "discarded"
    assert "I1" not in broken(told)


def test_unreadable_records_are_nobodys_event() -> None:
    assert envelope_of(b"{}") is None
    assert envelope_of(None) is None


def test_of_a_compacted_topic_the_latest_profile_counts(told: Told) -> None:
    """Compaction removes the others, and a new revision is how a card number is taken out of a profile."""
    record = next(record for record in told.records if record.topic == "billing.customers")
    assert record.key is not None
    assert record.envelope is not None

    def announce(name: str) -> None:
        changed = record.envelope.model_copy(update={"data": {**record.envelope.data, "name": name}})  # type: ignore[union-attr]
        told.announce("billing.customers", record.key or b"", changed.value())

    announce("Ana 4111.1111.1111.1111")
    assert list(card_numbers_nowhere(told.world())) == ["record billing.customers/0@1"]
    announce("Ana")
    assert list(card_numbers_nowhere(told.world())) == []
