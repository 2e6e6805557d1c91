"""Every consumer decodes any record, and record sets that the client library rejects are decoded."""

import json

import pytest
from aiokafka import TopicPartition
from hypothesis import given, settings
from hypothesis import strategies as st

from chassis.consumers import record_sets
from chassis.consumers.record_sets import CorruptRecordSet, library_decodes
from chassis.decoding import Erased, Ignored, Received, Record, RecordDecoder, Undecodable
from support.any_records import SAMPLES, record_set, records, topic_of
from support.property_tests import examples
from verify.consumers import SERVICE_CONSUMERS

PLACE = TopicPartition("lamps", 3)


@pytest.mark.parametrize("service", SERVICE_CONSUMERS, ids=lambda service: service.consumer.group)
@given(data=st.data())
@settings(max_examples=examples(200))
def test_every_consumer_decodes_any_record(service: object, data: st.DataObject) -> None:
    consumer = service.consumer  # type: ignore[attr-defined]
    decoder = RecordDecoder(consumer.decode, consumer.handled_types, consumer.erasable_topics, consumer.projected_kinds)
    decoded = decoder.decode(data.draw(records(consumer.topics)))
    assert isinstance(decoded, Received | Ignored | Erased | Undecodable)
    if isinstance(decoded, Undecodable):
        assert "\0" not in (decoded.aggregate or "")


@pytest.mark.parametrize("service", SERVICE_CONSUMERS, ids=lambda service: service.consumer.group)
def test_published_samples_are_decodable(service: object) -> None:
    consumer = service.consumer  # type: ignore[attr-defined]
    decoder = RecordDecoder(consumer.decode, consumer.handled_types, consumer.erasable_topics, consumer.projected_kinds)
    for sample in (sample for sample in SAMPLES if topic_of(sample) in consumer.topics):
        message = json.loads(sample.read_text())
        key = f"{message['merchantid']}/{message['subject']}".encode()
        decoded = decoder.decode(Record(topic_of(sample), 0, 0, key, json.dumps(message).encode(), [("traceparent", None)]))
        assert isinstance(decoded, Received | Ignored), sample.name


@given(st.lists(records([topic_of(each) for each in SAMPLES]), min_size=1, max_size=5))
def test_a_record_set_round_trips(sent: list[Record]) -> None:
    decoded = record_sets.decode(PLACE, record_set(sent), 0)
    assert decoded.next == len(sent)
    assert [(it.key, it.value, list(it.headers)) for it in decoded.records] == [
        (it.key, it.value, list(it.headers)) for it in sent
    ]
    assert [(it.topic, it.partition, it.offset) for it in decoded.records] == [("lamps", 3, n) for n in range(len(sent))]


def test_a_record_set_with_a_header_that_is_not_utf8_is_decoded() -> None:
    data = record_set([Record("", 0, 0, b"k", b"v", [("\udcff", b"x")])])
    assert not library_decodes(data)
    [record] = record_sets.decode(PLACE, data, 0).records
    assert (record.key, record.value, record.headers) == (b"k", b"v", [("\udcff", b"x")])


def test_records_before_the_position_and_incomplete_sets_are_skipped() -> None:
    sent = [Record("", 0, 0, None, bytes([n]), []) for n in range(4)]
    whole = record_set(sent)
    decoded = record_sets.decode(PLACE, whole + whole[:70], 2)
    assert [it.value for it in decoded.records] == [b"\2", b"\3"]
    assert decoded.next == 4


@pytest.mark.parametrize("spoilt", [record_set([Record("", 0, 0, None, b"x", [])], damage=True), bytes(16) + b"\1" + bytes(60)])
def test_a_corrupt_record_set_is_reported(spoilt: bytes) -> None:
    with pytest.raises(CorruptRecordSet):
        record_sets.decode(PLACE, spoilt, 0)


@given(st.binary(max_size=300))
def test_any_bytes_are_decoded_or_reported_as_corrupt(data: bytes) -> None:
    try:
        record_sets.decode(PLACE, data, 0)
    except CorruptRecordSet:
        assert not library_decodes(data)
