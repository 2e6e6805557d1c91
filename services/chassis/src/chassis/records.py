"""Raw Kafka records, told apart one by one: what can be read, what cannot, and what does not concern us."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from billing_contracts.envelope import Envelope, EventData
from pydantic import ValidationError

D_co = TypeVar("D_co", bound=EventData, covariant=True)

Decode = Callable[[Envelope], EventData]
"""The envelope's data as its class. Raises KeyError for a type that is not known, ValidationError for data that does not fit."""


class RawRecord(Protocol):
    """What is needed of an aiokafka ConsumerRecord."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Record:
    """A record out of our own tables, to be read once more."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


@dataclass(frozen=True)
class Received(Generic[D_co]):
    """An event of another service, or of our own."""

    envelope: Envelope
    data: D_co
    topic: str
    partition: int
    offset: int
    headers: Sequence[tuple[str, bytes]] = ()


@dataclass(frozen=True, slots=True)
class Erased:
    """A tombstone: the aggregate that the key names is no more."""

    merchant_id: UUID
    aggregate: str
    topic: str

    @property
    def id(self) -> UUID:
        return UUID(self.aggregate.partition("-")[2])


@dataclass(frozen=True, slots=True)
class Malformed:
    """Nobody can read it. `error` tells why without repeating what the record says."""

    error: str
    merchant_id: UUID | None = None
    aggregate: str | None = None
    """Whom it concerns, as far as the key can tell."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A type that this code does not know: skipped and counted."""

    type: str


@dataclass(frozen=True, slots=True)
class Unconcerned:
    """A known type that the consumer does nothing with."""


Reading = Received[Any] | Erased | Malformed | Unknown | Unconcerned


class Reader:
    """Reads the records of one consumer: `concerns` are the event types that it handles, `states` the compacted topics."""

    def __init__(self, decode: Decode, concerns: frozenset[str], states: frozenset[str]) -> None:
        self._decode, self._concerns, self._states = decode, concerns, states

    def read(self, record: RawRecord) -> Reading:
        """Never raises: what cannot be read says so itself."""
        if record.value is None:
            return self._tombstone(record)
        try:
            envelope = Envelope.model_validate_json(record.value)
        except ValidationError as error:
            return self._malformed(record, error)
        if record.key is not None and record.key != envelope.key():
            return self._malformed(record, ValueError("the record's key names another aggregate than its envelope"))
        try:
            if envelope.type not in self._concerns:
                return self._bystander(envelope)
            data = self._decode(envelope)
        except KeyError:
            return Unknown(envelope.type)
        except (ValidationError, ValueError, TypeError) as error:
            return self._malformed(record, error)
        return Received(envelope, data, record.topic, record.partition, record.offset, record.headers)

    def _bystander(self, envelope: Envelope) -> Reading:
        try:
            self._decode(envelope)
        except ValueError:
            pass  # somebody else's concern: our consumer does nothing with the type
        return Unconcerned()

    def _tombstone(self, record: RawRecord) -> Reading:
        merchant_id, aggregate = named_by(record.key)
        if record.topic not in self._states or merchant_id is None or aggregate is None:
            return self._malformed(record, ValueError("a record without a value, where nothing can be erased"))
        return Erased(merchant_id, aggregate, record.topic)

    def _malformed(self, record: RawRecord, error: Exception) -> Malformed:
        return Malformed(told_safely(error), *named_by(record.key))


def named_by(key: bytes | None) -> tuple[UUID | None, str | None]:
    """Merchant and aggregate of a key `<merchant>/<kind>-<uuid>`; (None, None) when it is not one."""
    try:
        merchant, _, aggregate = (key or b"").decode().partition("/")
        kind, _, id = aggregate.partition("-")
        return UUID(merchant), f"{kind}-{UUID(id)}"
    except ValueError:
        return None, None


def told_safely(error: Exception) -> str:
    """What went wrong, without the values that it went wrong with: they may be personal."""
    if isinstance(error, ValidationError):
        found = error.errors(include_url=False, include_context=False, include_input=False)
        return "; ".join(f"{'.'.join(map(str, each['loc'])) or 'value'}: {each['type']}" for each in found[:20])
    return f"{type(error).__name__}: {error}" if type(error) is ValueError else type(error).__name__
