"""What is written together, and the protocol that every event store fulfils."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from chassis.eventsourcing.stream import Stream


@dataclass(frozen=True, slots=True)
class Message:
    """A Kafka record, rendered. A value of None is a tombstone: it erases its key from a compacted topic."""

    topic: str
    key: bytes
    value: bytes | None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stored:
    """A private event as it is kept."""

    version: int
    """Its place in the stream, contiguous from 1."""
    name: str
    schema: int
    """The version of the event's own shape."""
    body: str
    """JSON"""


@dataclass(frozen=True, slots=True)
class Recorded(Stored):
    """A private event on its way into the store, with what others will hear of it."""

    stream: Stream
    event_id: UUID
    message: Message


@dataclass(frozen=True, slots=True)
class Append:
    stream: Stream
    expected: int
    """The stream's version when the decision was taken: 0 when it was empty."""
    events: tuple[Recorded, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the caller is told: an HTTP status and a JSON body."""

    status: int
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """One caller's name for one attempt to do one thing; `fingerprint` tells whether it is the same thing again."""

    merchant_id: UUID
    subject: str
    route: str
    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Statement:
    """A change to the service's own tables, in the same transaction as the events. Takes $1, $2, … from `args`."""

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
    """Written whole or not at all."""

    appends: tuple[Append, ...] = ()
    answer: tuple[IdempotencyKey, Answer] | None = None
    inbox: tuple[tuple[str, UUID], ...] = ()
    """(consumer group, event id): what has been handled, once and for all."""
    statements: tuple[Statement, ...] = ()
    set_timers: tuple[Timer, ...] = ()
    clear_timers: tuple[tuple[Stream, str], ...] = ()

    @property
    def empty(self) -> bool:
        return self == NOTHING


NOTHING = WriteSet()


class EventStore(Protocol):
    async def read(self, stream: Stream, since: int = 1) -> list[Stored]:
        """The events of the stream from version `since` on, oldest first; empty when there is none."""

    async def read_many(self, streams: Sequence[Stream]) -> dict[Stream, list[Stored]]:
        """The events of every stream asked for, in one round trip."""

    async def write(self, write_set: WriteSet) -> None:
        """Writes the set whole, or raises having written nothing: after StoreAway alone either may be so.

        Raises VersionConflict when a stream is no longer at the version expected, AlreadyAnswered when the idempotency
        key has an answer, AlreadyHandled when an inbox id is known, StoreBusy when too much is waiting already,
        StoreAway when the database stays away.
        A repetition that arrives while the first one is being written waits for it.
        """

    async def answer_to(self, key: IdempotencyKey) -> Answer | None:
        """The answer kept for the key, None when there is none. Raises KeyReused when it was given to something else."""


class VersionConflict(Exception):
    """Somebody appended to the stream since it was read."""


class AlreadyAnswered(Exception):
    """The idempotency key has an answer."""


class AlreadyHandled(Exception):
    """The inbox knows the event."""


class KeyReused(Exception):
    """The same idempotency key came with another request before."""


class StoreBusy(Exception):
    """Too much is waiting, or nothing is taken any more: nothing was written, try again later."""


class StoreAway(Exception):
    """The database cannot be reached, or was lost before it answered.

    `sent`: whether something was sent whose answer was lost; it may have been written, or not.
    """

    def __init__(self, message: str = "", *, sent: bool = True) -> None:
        super().__init__(message)
        self.sent = sent
