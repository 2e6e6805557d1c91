"""The write set, and the protocol that every event store implements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from chassis.eventsourcing.stream import Stream


@dataclass(frozen=True, slots=True)
class Message:
    """A Kafka record, serialized. A value of None is a tombstone: it erases its key from a compacted topic."""

    topic: str
    key: bytes
    value: bytes | None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """A private event in its stored form."""

    version: int
    """The event's number in its stream, contiguous from 1."""
    name: str
    schema: int
    """The version of the event's shape (see Codec)."""
    body: str
    """JSON"""


@dataclass(frozen=True, slots=True)
class RecordedEvent(StoredEvent):
    """A private event that is ready to be stored, with its public message."""

    stream: Stream
    event_id: UUID
    message: Message


@dataclass(frozen=True, slots=True)
class Append:
    stream: Stream
    expected: int
    """The version of the stream on which the command was decided; 0 for an empty stream."""
    events: tuple[RecordedEvent, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP status and a JSON body."""

    status: int
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A caller's name for one attempt. A repetition must have the same `fingerprint`, a digest of the request."""

    merchant_id: UUID
    subject: str
    route: str
    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Statement:
    """A change to the service's own tables, in the same transaction as the events. `args` are its parameters $1, $2, …"""

    sql: str
    args: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Timer:
    stream: Stream
    name: str
    due_at: datetime
    """By the merchant's clock."""


@dataclass(frozen=True, slots=True)
class WriteSet:
    """Changes that are written together or not at all."""

    appends: tuple[Append, ...] = ()
    answer: tuple[IdempotencyKey, Answer] | None = None
    inbox: tuple[tuple[str, UUID], ...] = ()
    """(consumer group, event id) of each event that is handled by this write."""
    statements: tuple[Statement, ...] = ()
    set_timers: tuple[Timer, ...] = ()
    clear_timers: tuple[tuple[Stream, str], ...] = ()

    @property
    def empty(self) -> bool:
        return self == NOTHING


NOTHING = WriteSet()


class EventStore(Protocol):
    async def read(self, stream: Stream, since: int = 1) -> list[StoredEvent]:
        """The events of the stream from version `since` on, oldest first. Empty for an unknown stream."""

    async def read_many(self, streams: Sequence[Stream]) -> dict[Stream, list[StoredEvent]]:
        """The events of every given stream, read in one round trip."""

    async def write(self, write_set: WriteSet) -> None:
        """Write the set. When an exception is raised, nothing was written, except that StoreAway leaves it unknown.

        Raises VersionConflict when a stream is no longer at the expected version, AlreadyAnswered when the idempotency
        key has an answer, AlreadyHandled when the inbox has an event id, StoreBusy when the queue is full, and StoreAway
        when the database stays away.
        A repetition that arrives while the first write runs waits for it.
        """

    async def answer_to(self, key: IdempotencyKey) -> Answer | None:
        """The answer stored for the key, or None. Raises KeyReused when another request used the key."""


class VersionConflict(Exception):
    """Another writer has appended to the stream since it was read."""


class AlreadyAnswered(Exception):
    """The idempotency key already has an answer."""


class AlreadyHandled(Exception):
    """The consumer group has already handled the event."""


class KeyReused(Exception):
    """Another request used the same idempotency key before."""


class StoreBusy(Exception):
    """The queue is full or closed. Nothing was written; try again later."""


class StoreAway(Exception):
    """The database cannot be reached, or the connection was lost before the result arrived.

    `sent`: whether a write was sent and its result lost. Then it is unknown whether it was written.
    """

    def __init__(self, message: str = "", *, sent: bool = True) -> None:
        super().__init__(message)
        self.sent = sent
