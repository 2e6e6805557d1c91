"""An event store in memory, for tests. It passes the same test suite as the PostgreSQL store."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from chassis.eventsourcing.event_store import (
    AlreadyAnswered,
    AlreadyHandled,
    Answer,
    IdempotencyKey,
    KeyReused,
    Message,
    RecordedEvent,
    Statement,
    StoredEvent,
    VersionConflict,
    WriteSet,
)
from chassis.eventsourcing.stream import Stream


class MemoryEventStore:
    """Tests can inspect what was written: `messages` in the order of the writes, `timers` and `statements`."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.statements: list[Statement] = []
        self.timers: dict[tuple[Stream, str], datetime] = {}
        self._streams: defaultdict[Stream, list[RecordedEvent]] = defaultdict(list)
        self._answers: dict[tuple[UUID, str, str, str], tuple[str, Answer]] = {}
        self._inbox: set[tuple[str, UUID]] = set()

    async def read(self, stream: Stream, since: int = 1) -> list[StoredEvent]:
        await asyncio.sleep(0)  # let other tasks run between read and write, as with a real database
        return list(self._streams[stream][since - 1 :])

    async def read_many(self, streams: Sequence[Stream]) -> dict[Stream, list[StoredEvent]]:
        return {stream: await self.read(stream) for stream in streams}

    async def write(self, write_set: WriteSet) -> None:
        if write_set.answer and _identity(write_set.answer[0]) in self._answers:
            raise AlreadyAnswered
        if not self._inbox.isdisjoint(write_set.inbox):
            raise AlreadyHandled
        for append in write_set.appends:
            if len(self._streams[append.stream]) != append.expected:
                raise VersionConflict(append.stream.name)
        for append in write_set.appends:
            self._streams[append.stream].extend(append.events)
            self.messages.extend(event.message for event in append.events)
        if write_set.answer:
            key, answer = write_set.answer
            self._answers[_identity(key)] = (key.fingerprint, answer)
        self._inbox.update(write_set.inbox)
        self.statements.extend(write_set.statements)
        for timer in write_set.set_timers:
            self.timers[timer.stream, timer.name] = timer.due_at
        for cleared in write_set.clear_timers:
            self.timers.pop(cleared, None)

    async def answer_to(self, key: IdempotencyKey) -> Answer | None:
        fingerprint, answer = self._answers.get(_identity(key), (key.fingerprint, None))
        if fingerprint != key.fingerprint:
            raise KeyReused(key.key)
        return answer


def _identity(key: IdempotencyKey) -> tuple[UUID, str, str, str]:
    return key.merchant_id, key.subject, key.route, key.key
