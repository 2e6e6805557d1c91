"""Raw Kafka records, told apart one by one: what can be read, what cannot, and what does not concern us."""

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

_TYPES_REMEMBERED = 1_000
_MERCHANT = len(f"{UUID(int=0)}/")
"""Bytes of a key before the aggregate."""
_envelope = Envelope.__pydantic_validator__.validate_json

Decode = Callable[[Envelope], EventData]
"""The envelope's data as its class. Raises KeyError for a type that is not known, ValidationError for data that does not fit."""


@dataclass(frozen=True, slots=True)
class Received(Generic[D_co]):
    """An event of another service, or of our own."""

    envelope: Envelope
    data: D_co
    topic: str
    partition: int
    offset: int
    headers: Sequence[tuple[str, bytes | None]] = ()


@dataclass(frozen=True, slots=True)
class Undecodable:
    """Nobody can read it. `error` tells why without repeating what the record says."""

    error: str
    merchant_id: UUID | None = None
    aggregate: str | None = None
    """Whom it concerns, as far as the key can tell."""
    sequence: int | None = None
    """Its place in the aggregate's stream, when the envelope could be read."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """An event that nobody here reacts to or folds. It counts all the same: its aggregate's next event follows it."""

    envelope: Envelope | None
    """None where no projection shows the aggregate: then nobody has to know more of the event."""
    known: bool
    """Whether this code knows the type; else it is skipped and counted."""


_IGNORED = {known: Ignored(None, known) for known in (True, False)}

Decoded = Received[Any] | Ignored | Erased | Undecodable


class RecordDecoder:
    """Reads the records of one consumer: `concerns` are the event types that it handles, `states` the compacted topics,
    `kinds` those of the aggregates that it projects.
    """

    def __init__(
        self, decode: Decode, concerns: frozenset[str], states: frozenset[str], kinds: frozenset[str] = frozenset()
    ) -> None:
        self._decode, self._concerns, self._states = decode, concerns, states
        self._kinds = frozenset(kind.encode() for kind in kinds)
        self._known: dict[str, bool] = {}
        """By types that were read and are none of `concerns`."""

    def read(self, record: RawRecord) -> Decoded:
        """Never raises: what cannot be read says so itself."""
        if record.value is None:
            return self._tombstone(record)
        if (passed := self._passed(record.key, record.value)) is not None:
            return passed
        try:
            envelope = _envelope(record.value)
        except ValidationError as error:
            return Undecodable(error_summary(error), *named_by(record.key))
        if not SUBJECT.fullmatch(envelope.subject):
            return Undecodable("subject: no aggregate")
        key = envelope.key()
        if record.key is not None and record.key != key:
            return Undecodable("the key names another aggregate than the envelope", *named_by(record.key))
        if envelope.type not in self._concerns:
            known = self._knows(envelope)
            return Ignored(envelope, known) if self._shows(key) else _IGNORED[known]
        try:
            data = self._decode(envelope)
        except KeyError:
            return Ignored(envelope, known=False)
        except (ValueError, TypeError) as error:
            return Undecodable(error_summary(error), envelope.merchantid, envelope.subject, envelope.sequence)
        return Received(envelope, data, record.topic, record.partition, record.offset, record.headers)

    def _passed(self, key: bytes | None, value: bytes) -> Ignored | None:
        """An event of which nobody here has to know more than its type; None for all others, and for what is malformed."""
        if key is None or (self._kinds and self._shows(key)):
            return None
        try:
            found = attributes(value)
        except ValidationError:
            return None
        known = self._known.get(found["type"])
        if known is None or key != record_key(found["merchantid"], found["subject"]):
            return None
        return _IGNORED[known]

    def _shows(self, key: bytes) -> bool:
        """Whether the aggregate that a key names is of a kind that is projected."""
        return key[_MERCHANT:].partition(b"-")[0] in self._kinds

    def _knows(self, envelope: Envelope) -> bool:
        if (known := self._known.get(envelope.type)) is None:
            try:
                self._decode(envelope)
                known = True
            except KeyError:
                known = False
            except (ValueError, TypeError):
                known = True
            if len(self._known) < _TYPES_REMEMBERED:
                self._known[envelope.type] = known
        return known

    def _tombstone(self, record: RawRecord) -> Decoded:
        merchant_id, aggregate = named_by(record.key)
        if record.topic not in self._states or merchant_id is None or aggregate is None:
            return Undecodable("a record without a value, where nothing can be erased", merchant_id, aggregate)
        return Erased(merchant_id, aggregate, record.topic)
