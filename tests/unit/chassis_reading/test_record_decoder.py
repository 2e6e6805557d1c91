"""Received, ignored, erased and undecodable records."""

import json
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from billing_contracts.envelope import Envelope, attributes
from chassis.decoding import Erased, Ignored, Received, RecordDecoder, Undecodable, named_by
from support.consumer_events import MERCHANT, Lit, Painted, data_of, lit, painted, record, tombstone

READER = RecordDecoder(data_of, frozenset({Lit.TYPE}), frozenset({"billing.paints"}))
GOOD = record(lit(uuid4(), 1))


def test_a_handled_event_is_received_with_its_data() -> None:
    decoded = READER.decode(GOOD)
    assert isinstance(decoded, Received)
    assert (decoded.data, decoded.topic, decoded.offset) == (Lit(watts=40), "billing.lamps", 0)


def test_a_known_event_without_reaction_is_ignored() -> None:
    decoded = READER.decode(record(painted(uuid4(), 1, "red")))
    assert isinstance(decoded, Ignored)
    assert decoded.known


PAINTS = RecordDecoder(data_of, frozenset({Painted.TYPE}), frozenset())


@pytest.mark.parametrize("colour", ["\0", "a\0b", "\\\0"])
def test_a_handled_event_with_nul_is_undecodable(colour: str) -> None:
    customer = uuid4()
    decoded = PAINTS.decode(record(painted(customer, 7, colour)))
    assert decoded == Undecodable("a text contains NUL", MERCHANT, f"customer-{customer}", 7)


@pytest.mark.parametrize("colour", ["\\u0000", "\\\\u0000"])
def test_a_backslash_before_the_letter_u_is_no_nul(colour: str) -> None:
    decoded = PAINTS.decode(record(painted(uuid4(), 1, colour)))
    assert isinstance(decoded, Received)


def test_an_unknown_type_is_ignored_as_unknown() -> None:
    decoded = READER.decode(record(lit(uuid4(), 1, type="billing.lamps.Exploded.v9")))
    assert isinstance(decoded, Ignored)
    assert not decoded.known


def test_an_ignored_event_of_a_projected_aggregate_keeps_its_envelope() -> None:
    reader = RecordDecoder(data_of, frozenset({Lit.TYPE}), frozenset(), projected_kinds=frozenset({"lamp"}))
    other = lit(uuid4(), 1, type="billing.lamps.Exploded.v9")
    for _ in range(2):
        assert reader.decode(record(other)) == Ignored(other, known=False)


def test_an_ignored_event_of_another_aggregate_has_no_envelope() -> None:
    reader = RecordDecoder(data_of, frozenset({Lit.TYPE}), frozenset(), projected_kinds=frozenset({"lamp"}))
    assert reader.decode(record(painted(uuid4(), 1, "red"))) == Ignored(None, known=True)
    assert reader.decode(record(painted(uuid4(), 2, "blue"))) == Ignored(None, known=True)


@pytest.mark.parametrize(
    "change",
    [
        {"id": "1"},
        {"source": 1},
        {"time": "2023-13-01T00:00:00Z"},
        {"recordedtime": "2023-05-20T12:00:00+02:00"},
        {"sequence": "0000000000"},
        {"customerid": "nobody"},
        {"correlationid": None},
        {"causationid": ""},
        {"specversion": "2.0"},
        {"datacontenttype": "text/plain"},
        {"data": []},
        {"subject": "lamp-1"},
    ],
)
def test_an_invalid_ignored_event_is_undecodable(change: dict[str, Any]) -> None:
    reader = RecordDecoder(data_of, frozenset(), frozenset())
    assert reader.decode(GOOD) == Ignored(None, known=True)
    value = json.dumps(json.loads(GOOD.value or b"") | change).encode()
    assert isinstance(reader.decode(replace(GOOD, value=value)), Undecodable)


def test_another_notation_of_an_id_is_accepted() -> None:
    reader = RecordDecoder(data_of, frozenset(), frozenset())
    assert isinstance(reader.decode(GOOD), Ignored)
    value = (GOOD.value or b"").replace(str(MERCHANT).encode(), MERCHANT.hex.encode())
    assert isinstance(reader.decode(replace(GOOD, value=value)), Ignored)


_CLAIMED = st.one_of(st.none(), st.text(), st.integers(), st.uuids().map(str), st.sampled_from([{}, "2023-05-20T12:00:00Z"]))


@given(st.dictionaries(st.sampled_from(sorted(Envelope.model_fields)), _CLAIMED, max_size=3))
def test_the_shortcut_accepts_only_valid_envelopes(change: dict[str, Any]) -> None:
    value = json.dumps(json.loads(GOOD.value or b"") | change).encode()
    try:
        shortcut = attributes(value)
    except ValidationError:
        return
    envelope = Envelope.model_validate_json(value)
    assert (shortcut["type"], shortcut["subject"], shortcut["merchantid"]) == (
        envelope.type,
        envelope.subject,
        str(envelope.merchantid),
    )


@pytest.mark.parametrize("value", [b"", b"{", b"null", b"[]", b'{"id": 1}', b"\xff\xfe", b'{"a":' * 5000])
def test_an_invalid_envelope_is_undecodable(value: bytes) -> None:
    decoded = READER.decode(replace(GOOD, value=value))
    assert isinstance(decoded, Undecodable)
    assert (decoded.merchant_id, decoded.sequence) == (MERCHANT, None)


def test_invalid_data_is_undecodable_with_a_sequence() -> None:
    decoded = READER.decode(record(lit(uuid4(), 7, watts="many")))
    assert isinstance(decoded, Undecodable)
    assert decoded.sequence == 7
    assert decoded.error == "watts: int_parsing"


def test_the_error_contains_nothing_of_the_record() -> None:
    decoded = READER.decode(replace(GOOD, value=b'{"email": "ana@example.test", "id": "ana@example.test"}'))
    assert isinstance(decoded, Undecodable)
    assert "ana" not in decoded.error


def test_a_key_of_another_aggregate_is_undecodable() -> None:
    assert isinstance(READER.decode(replace(GOOD, key=record(lit(uuid4(), 1)).key)), Undecodable)


def test_a_tombstone_on_a_compacted_topic_erases() -> None:
    customer = uuid4()
    assert READER.decode(tombstone(customer)) == Erased(MERCHANT, f"customer-{customer}", "billing.paints")


def test_a_tombstone_on_another_topic_is_undecodable() -> None:
    assert isinstance(READER.decode(tombstone(uuid4(), "billing.lamps")), Undecodable)


@pytest.mark.parametrize("key", [None, b"", b"x", b"\xff/customer-1", b"a/b-c", f"{MERCHANT}/customer".encode()])
def test_a_tombstone_with_an_invalid_key_is_undecodable(key: bytes | None) -> None:
    assert isinstance(READER.decode(replace(tombstone(uuid4()), key=key)), Undecodable)


@given(st.binary(), st.none() | st.binary())
def test_decoding_never_raises(value: bytes, key: bytes | None) -> None:
    assert isinstance(READER.decode(replace(GOOD, value=value, key=key)), Undecodable)


@given(st.binary())
def test_only_complete_keys_name_an_aggregate(key: bytes) -> None:
    assert named_by(key) == (None, None)
