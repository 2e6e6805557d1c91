"""Decodes Kafka records one by one into received, ignored, erased and undecodable ones."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from pydantic import ValidationError

from billing_contracts.envelope import Envelope, EventData, attributes, record_key
from billing_contracts.records import SUBJECT, Erased, RawRecord, Record, error_summary, named_by

__all__ = [
    "Decode",
    "Decoded",
    "Erased",
    "Ignored",
    "RawRecord",
    "Received",
    "Record",
    "RecordDecoder",
    "Undecodable",
    "named_by",
]

D_co = TypeVar("D_co", bound=EventData, covariant=True)

_CACHED_TYPES_MAX = 1_000
_KEY_PREFIX_BYTES = len(f"{UUID(int=0)}/")
"""The merchant id in a key, before the aggregate."""
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""An escaped NUL in JSON. PostgreSQL stores none in text or jsonb, also not later, when a buffered event is projected."""
_envelope = Envelope.__pydantic_validator__.validate_json

Decode = Callable[[Envelope], EventData]
"""Decode the envelope's data. Raises KeyError for an unknown type, ValidationError for invalid data."""


@dataclass(frozen=True, slots=True)
class Received(Generic[D_co]):
    """An event with a reaction or a projection here."""

    envelope: Envelope
    data: D_co
    topic: str
    partition: int
    offset: int
    headers: Sequence[tuple[str, bytes | None]] = ()


@dataclass(frozen=True, slots=True)
class Undecodable:
    """A record that cannot be decoded. `error` gives the reason without content of the record."""

    error: str
    merchant_id: UUID | None = None
    aggregate: str | None = None
    """From the key, if the key is valid."""
    sequence: int | None = None
    """The event's sequence, if the envelope is valid."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """An event with no reaction or projection here. It still advances the aggregate's sequence."""

    envelope: Envelope | None
    """None if the aggregate's kind has no projection; then the event needs no further decoding."""
    known: bool
    """Whether this code knows the event type. Unknown types are counted."""


_IGNORED = {known: Ignored(None, known) for known in (True, False)}

Decoded = Received[Any] | Ignored | Erased | Undecodable


class RecordDecoder:
    """Decodes the records of one consumer.

    `handled_types`: event types with a reaction or projection. `erasable_topics`: compacted topics, where a tombstone is an
    erasure. `projected_kinds`: kinds of the projected aggregates.
    """

    def __init__(
        self,
        decode: Decode,
        handled_types: frozenset[str],
        erasable_topics: frozenset[str],
        projected_kinds: frozenset[str] = frozenset(),
    ) -> None:
        self._decode, self._handled_types, self._erasable_topics = decode, handled_types, erasable_topics
        self._projected_kinds = frozenset(kind.encode() for kind in projected_kinds)
        self._known_types: dict[str, bool] = {}
        """Whether this code knows the type, by event types outside `handled_types` seen so far."""

    def decode(self, record: RawRecord) -> Decoded:
        """Decode one record. Never raises."""
        if record.value is None:
            return self._tombstone(record)
        if (ignored := self._ignored(record.key, record.value)) is not None:
            return ignored
        try:
            envelope = _envelope(record.value)
        except ValidationError as error:
            return Undecodable(error_summary(error), *named_by(record.key))
        if not SUBJECT.fullmatch(envelope.subject):
            return Undecodable("subject: not an aggregate")
        key = envelope.key()
        if record.key is not None and record.key != key:
            return Undecodable("key and envelope name different aggregates", *named_by(record.key))
        if envelope.type not in self._handled_types:
            known = self._is_known(envelope)
            return Ignored(envelope, known) if self._is_projected(key) else _IGNORED[known]
        if b"\\u0000" in record.value and _NUL.search(record.value):
            return Undecodable("a text contains NUL", envelope.merchantid, envelope.subject, envelope.sequence)
        try:
            data = self._decode(envelope)
        except KeyError:
            return Ignored(envelope, known=False)
        except (ValueError, TypeError) as error:
            return Undecodable(error_summary(error), envelope.merchantid, envelope.subject, envelope.sequence)
        return Received(envelope, data, record.topic, record.partition, record.offset, record.headers)

    def _ignored(self, key: bytes | None, value: bytes) -> Ignored | None:
        """The shortcut for an event of an ignored type; None for other events and for invalid ones."""
        if key is None or (self._projected_kinds and self._is_projected(key)):
            return None
        try:
            envelope = attributes(value)
        except ValidationError:
            return None
        known = self._known_types.get(envelope["type"])
        if known is None or key != record_key(envelope["merchantid"], envelope["subject"]):
            return None
        return _IGNORED[known]

    def _is_projected(self, key: bytes) -> bool:
        """Whether the kind of the key's aggregate has a projection."""
        return key[_KEY_PREFIX_BYTES:].partition(b"-")[0] in self._projected_kinds

    def _is_known(self, envelope: Envelope) -> bool:
        if (known := self._known_types.get(envelope.type)) is None:
            try:
                self._decode(envelope)
                known = True
            except KeyError:
                known = False
            except (ValueError, TypeError):
                known = True
            if len(self._known_types) < _CACHED_TYPES_MAX:
                self._known_types[envelope.type] = known
        return known

    def _tombstone(self, record: RawRecord) -> Decoded:
        merchant_id, aggregate = named_by(record.key)
        if record.topic not in self._erasable_topics or merchant_id is None or aggregate is None:
            return Undecodable("tombstone on a topic without erasure, or with an invalid key", merchant_id, aggregate)
        return Erased(merchant_id, aggregate, record.topic)
