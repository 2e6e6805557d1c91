"""Verify judges any content of the topics: an odd record may be a difference, and never ends the judging."""

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.portalctl_verify.telling import a_sound_world

from billing_contracts.registry import TOPICS
from chassis.decoding import Record as Raw
from support.any_records import SAMPLES, batches, topic_of
from verify.invariants import judge
from verify.recorded_state import RecordedState
from verify.rows import Record
from verify.topics import envelope_of

SPOKEN = sorted({topic_of(sample) for sample in SAMPLES} & TOPICS.keys())


@cache
def sound() -> RecordedState:
    return a_sound_world().world()


def with_more(more: Sequence[Record]) -> RecordedState:
    return replace(sound(), records=[*sound().records, *more])


def unjudged(world: RecordedState) -> list[str]:
    differences = [line for verdict in judge(world) for line in verdict.differences]
    return [line for line in differences if line.startswith("cannot be judged")]


@given(sent=batches(SPOKEN), settled=st.booleans(), theirs=st.booleans())
@settings(max_examples=150)
def test_odd_records_never_end_the_judging(sent: list[Raw], settled: bool, theirs: bool) -> None:
    known = sound().records
    # under a key that the world knows, an odd value is about an aggregate that the world knows
    keys = [known[place % len(known)].key if theirs else raw.key for place, raw in enumerate(sent)]
    more = [
        Record(raw.topic, 0, 10_000 + place, key, raw.value, envelope_of(raw.value), settled)
        for place, (raw, key) in enumerate(zip(sent, keys, strict=True))
    ]
    assert unjudged(with_more(more)) == []


@pytest.mark.parametrize("topic", SPOKEN)
def test_an_event_of_a_type_that_is_not_known_yet_is_judged(topic: str) -> None:
    genuine = next(record for record in sound().records if record.envelope is not None)
    assert genuine.value is not None
    changed = {"id": str(uuid4()), "type": f"{topic}.something.happened.v9"}
    value = json.dumps({**json.loads(genuine.value), **changed}).encode()
    assert unjudged(with_more([Record(topic, 0, 10_000, genuine.key, value, envelope_of(value), True)])) == []


def test_a_set_that_cannot_be_decoded_is_a_difference() -> None:
    assert all(verdict.holds for verdict in judge(sound()))
    spoilt = replace(sound(), undecodable=["billing.payments/3@17 cannot be decoded: checksum"])
    [broken] = [verdict for verdict in judge(spoilt) if not verdict.holds]
    assert (broken.invariant.id, broken.differences) == ("I1", ["billing.payments/3@17 cannot be decoded: checksum"])
