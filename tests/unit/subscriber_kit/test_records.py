"""The services' consumers and the kit for subscribers classify the same records alike."""

import json
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing_contracts.envelope import EventData
from billing_contracts.records import Erased, RawRecord, Record, aggregate_id
from billing_contracts.registry import EVENTS, data_of
from billing_contracts.subscriptions import SubscriptionCancelled, SubscriptionStarted
from billing_subscriber.records import STATE_TOPICS, Received, Skipped, Unreadable, read
from chassis import decoding as chassis
from support.billing_records import message, record, sample, tombstone

MERCHANT = UUID(int=1)
CANCELLED = record(message(SubscriptionCancelled))
HANDLED = frozenset({SubscriptionCancelled.TYPE})
READER = chassis.RecordDecoder(data_of, HANDLED, frozenset({"billing.customers"}))


def with_value(**changed: Any) -> Record:
    return replace(CANCELLED, value=json.dumps(sample(SubscriptionCancelled) | changed).encode())


def by_the_kit(raw: RawRecord) -> str:
    match read(raw, HANDLED):
        case Received():
            return "received"
        case Skipped(_, known):
            return "skipped" if known else "unknown"
        case Erased():
            return "erased"
        case Unreadable():
            return "unreadable"


def by_the_chassis(raw: RawRecord) -> str:
    match READER.decode(raw):
        case chassis.Received():
            return "received"
        case chassis.Ignored(_, known):
            return "skipped" if known else "unknown"
        case Erased():
            return "erased"
        case chassis.Undecodable():
            return "unreadable"


CASES = {
    "an event with an effect": (CANCELLED, "received"),
    "fields and attributes that are not known": (
        with_value(future=1, data=sample(SubscriptionCancelled)["data"] | {"new": 1}),
        "received",
    ),
    "an event without an effect": (record(message(SubscriptionStarted)), "skipped"),
    "a type that is not known": (
        record(message(SubscriptionCancelled, type="billing.subscriptions.SubscriptionMoved.v1")),
        "unknown",
    ),
    "a later version": (record(message(SubscriptionCancelled, type="billing.subscriptions.SubscriptionCancelled.v2")), "unknown"),
    "an erased customer": (tombstone(MERCHANT, uuid4()), "erased"),
    "no value on an event topic": (tombstone(MERCHANT, uuid4(), topic="billing.payments"), "unreadable"),
    "no value and no key": (replace(tombstone(MERCHANT, uuid4()), key=None), "unreadable"),
    "no value and a key of another form": (replace(tombstone(MERCHANT, uuid4()), key=b"a/b"), "unreadable"),
    "an empty value": (replace(CANCELLED, value=b""), "unreadable"),
    "no JSON": (replace(CANCELLED, value=b"{"), "unreadable"),
    "JSON that is no envelope": (replace(CANCELLED, value=b'{"not": "an event"}'), "unreadable"),
    "bytes that are no text": (replace(CANCELLED, value=b"\xff\xfe"), "unreadable"),
    "deeply nested JSON": (replace(CANCELLED, value=b'{"a":' * 5000), "unreadable"),
    "data that does not fit": (with_value(data={"status": "canceled"}), "unreadable"),
    "data that is no object": (with_value(data=[]), "unreadable"),
    "an id that is no UUID": (with_value(id="1"), "unreadable"),
    "a sequence of zero": (with_value(sequence="0000000000"), "unreadable"),
    "a time that is not UTC": (with_value(time="2023-06-14T00:00:00+02:00"), "unreadable"),
    "another specification": (with_value(specversion="2.0"), "unreadable"),
}


@pytest.mark.parametrize(("raw", "expected"), CASES.values(), ids=CASES)
def test_a_record_is_read_alike(raw: RawRecord, expected: str) -> None:
    assert (by_the_kit(raw), by_the_chassis(raw)) == (expected, expected)


@pytest.mark.parametrize("event", EVENTS.values(), ids=lambda event: event.__name__)
def test_every_published_sample_is_received(event: type[EventData]) -> None:
    result = read(record(message(event)), EVENTS.keys())
    assert isinstance(result, Received)
    assert isinstance(result.data, event)


@pytest.mark.parametrize("unstorable", [{"sequence": "9" * 30}, {"subject": "subscription-\x00"}])
def test_what_no_database_stores_is_unreadable(unstorable: dict[str, str]) -> None:
    assert isinstance(read(with_value(**unstorable), HANDLED), Unreadable)


def test_a_tombstone_names_the_customer() -> None:
    customer = uuid4()
    erased = read(tombstone(MERCHANT, customer), HANDLED)
    assert isinstance(erased, Erased)
    assert (erased.merchant_id, erased.id) == (MERCHANT, customer)


def test_a_reason_repeats_nothing_of_the_record() -> None:
    result = read(with_value(id="ana@example.test", data={"feedback": "ana@example.test"}), HANDLED)
    assert isinstance(result, Unreadable)
    assert "ana" not in result.reason


def test_data_that_does_not_fit_still_has_its_place_in_the_aggregate() -> None:
    result = read(with_value(data={}), HANDLED)
    assert isinstance(result, Unreadable)
    assert result.envelope is not None


@given(st.binary(), st.none() | st.binary())
def test_reading_never_raises(value: bytes, key: bytes | None) -> None:
    assert isinstance(read(replace(CANCELLED, value=value, key=key), HANDLED), Unreadable)


def test_customers_are_the_state_that_is_compacted() -> None:
    assert {"billing.customers", "billing.watermarks"} == STATE_TOPICS


def test_an_aggregate_id_is_in_the_subject() -> None:
    assert aggregate_id(f"payment-{MERCHANT}") == MERCHANT
    with pytest.raises(ValueError, match="badly formed"):
        aggregate_id("payment")
