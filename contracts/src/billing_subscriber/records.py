"""Reads one Kafka record: an event to handle, an erasure, an event to skip, or a record that cannot be read."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

from pydantic import ValidationError

from billing_contracts.envelope import Envelope, EventData
from billing_contracts.records import Erased, RawRecord, error_summary, named_by
from billing_contracts.registry import EVENTS, TOPICS, data_of

D_co = TypeVar("D_co", bound=EventData, covariant=True)

STATE_TOPICS = frozenset(name for name, topic in TOPICS.items() if topic.config.get("cleanup.policy") == "compact")
"""Compacted topics: only the last record of a key is guaranteed, and a record without a value is an erasure."""

_SEQUENCE_MAX = 2**63 - 1
"""The maximum of a BIGINT."""


@dataclass(frozen=True, slots=True)
class Received(Generic[D_co]):
    """An event with its data as an instance of its type's class."""

    envelope: Envelope
    data: D_co
    topic: str
    partition: int
    offset: int
    missing: range = range(0)
    """Sequences directly before this event that have not arrived; always empty on a compacted topic."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """An event without an effect here. It still counts in its aggregate's sequence."""

    envelope: Envelope
    known: bool
    """Whether this version of the contracts contains the type."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    reason: str
    """Names fields and kinds of error, never values."""
    envelope: Envelope | None = None
    """Present if only the data is invalid."""


Reading: TypeAlias = Received[Any] | Erased | Skipped | Unreadable


def read(record: RawRecord, handled: AbstractSet[str]) -> Reading:
    """Read one record. `handled`: the event types with an effect. Never raises.

    The key is used only for a record without a value; headers are not used.
    """
    if record.value is None:
        return _tombstone(record)
    try:
        envelope = Envelope.model_validate_json(record.value)
        if envelope.sequence > _SEQUENCE_MAX or "\x00" in envelope.subject:
            return Unreadable("sequence or subject: no database can store it")
        if envelope.type not in handled:
            return Skipped(envelope, known=envelope.type in EVENTS)
    except ValidationError as error:
        return Unreadable(error_summary(error))
    try:
        return Received(envelope, data_of(envelope), record.topic, record.partition, record.offset)
    except (ValueError, TypeError) as error:
        return Unreadable(error_summary(error), envelope)


def _tombstone(record: RawRecord) -> Erased | Unreadable:
    merchant_id, aggregate = named_by(record.key)
    if record.topic not in STATE_TOPICS or merchant_id is None or aggregate is None:
        return Unreadable("a record without a value that erases nothing")
    return Erased(merchant_id, aggregate, record.topic)
