"""Verify judges topics with any content: an odd record may be a difference and never stops the verification."""

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.portalctl_verify.recording import consistent_recording, differences_of, in_order, judge_in_parts

from billing_contracts.registry import TOPICS
from chassis.decoding import Record as Raw
from support.any_records import SAMPLES, batches, topic_of
from support.property_tests import examples
from verify.invariants import judge
from verify.recorded_state import RecordedState
from verify.rows import Record
from verify.topics import envelope_of

PUBLISHED = sorted({topic_of(sample) for sample in SAMPLES} & TOPICS.keys())


@cache
def sound() -> RecordedState:
    return consistent_recording().recorded_state()


def with_more(more: Sequence[Record]) -> RecordedState:
    return replace(sound(), records=in_order([*sound().records, *more]))


def unjudged(recorded: RecordedState) -> list[str]:
    whole, divided = differences_of(judge(recorded)), differences_of(judge_in_parts(recorded))
    assert {id: set(lines) for id, lines in divided.items()} == {id: set(lines) for id, lines in whole.items()}
    return [line for lines in whole.values() for line in lines if line.startswith("cannot be judged")]


@given(sent=batches(PUBLISHED), settled=st.booleans(), theirs=st.booleans())
@settings(max_examples=examples(150))
def test_odd_records_never_stop_the_verification(sent: list[Raw], settled: bool, theirs: bool) -> None:
    known = sound().records
    # An odd value under a known key belongs to a known aggregate.
    keys = [known[place % len(known)].key if theirs else raw.key for place, raw in enumerate(sent)]
    more = [
        Record(raw.topic, 0, 10_000 + place, key, raw.value, envelope_of(raw.value), settled)
        for place, (raw, key) in enumerate(zip(sent, keys, strict=True))
    ]
    assert unjudged(with_more(more)) == []


@pytest.mark.parametrize("topic", PUBLISHED)
def test_an_event_of_an_unknown_type_is_judged(topic: str) -> None:
    genuine = next(record for record in sound().records if record.envelope is not None)
    assert genuine.value is not None
    changed = {"id": str(uuid4()), "type": f"{topic}.something.happened.v9"}
    value = json.dumps({**json.loads(genuine.value), **changed}).encode()
    assert unjudged(with_more([Record(topic, 0, 10_000, genuine.key, value, envelope_of(value), True)])) == []


def test_an_undecodable_record_set_is_a_difference() -> None:
    assert all(verdict.holds for verdict in judge(sound()))
    changed = replace(sound(), undecodable=["billing.payments/3@17 cannot be decoded: checksum"])
    [violated] = [verdict for verdict in judge(changed) if not verdict.holds]
    assert (violated.invariant.id, violated.differences) == ("I1", ["billing.payments/3@17 cannot be decoded: checksum"])
