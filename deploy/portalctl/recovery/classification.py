"""Compares a stream in a restored store with its records on the topic. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from billing_contracts.envelope import Envelope
from chassis.eventsourcing.event_store import Message

Name = tuple[UUID, str]
"""(merchant, `<kind>-<uuid>`)"""
T = TypeVar("T")


class Kind(StrEnum):
    EQUAL = "equal"
    STORE_AHEAD = "store ahead"
    """The store has events that the topic lacks: the relay will send them."""
    TOPIC_AHEAD = "topic ahead"
    """The topic has events that the store lost. Other services have acted on them."""
    FORK = "fork"
    """Store and topic have different events under one sequence."""


@dataclass(frozen=True, slots=True)
class TopicEvent:
    """A public event as it is on the topic."""

    envelope: Envelope
    message: Message
    place: str
    """`<topic>/<partition>@<offset>`"""

    @property
    def of(self) -> Name:
        return self.envelope.merchantid, self.envelope.subject


@dataclass(frozen=True, slots=True)
class Fork:
    sequence: int
    stored: UUID
    published: TopicEvent


@dataclass(frozen=True, slots=True)
class Comparison:
    kind: Kind
    store_version: int
    topic_version: int
    lost: tuple[TopicEvent, ...] = ()
    """By sequence."""
    forks: tuple[Fork, ...] = ()


def compare(stored: Mapping[int, UUID], published: Sequence[TopicEvent], unsent: Collection[int] = ()) -> Comparison:
    """`stored`: version -> event id of the whole stream. `published`: the stream's records beyond those that the restored store
    knows to have sent, in the topic's order, with repetitions. `unsent`: the versions after the relay's cursor.
    """
    first: dict[int, TopicEvent] = {}
    for event in published:
        first.setdefault(event.envelope.sequence, event)
    store_version = max(stored, default=0)
    lost = tuple(first[sequence] for sequence in sorted(first) if sequence not in stored)
    forks = tuple(
        Fork(sequence, stored[sequence], event)
        for sequence, event in sorted(first.items())
        if sequence in stored and stored[sequence] != event.envelope.id
    )
    sent = {event.envelope.id for event in published}
    if forks:
        kind = Kind.FORK
    elif lost:
        kind = Kind.TOPIC_AHEAD
    else:
        kind = Kind.STORE_AHEAD if any(stored[version] not in sent for version in unsent) else Kind.EQUAL
    on_topic = store_version if not first else max(first)
    return Comparison(kind, store_version, on_topic, lost, forks)
