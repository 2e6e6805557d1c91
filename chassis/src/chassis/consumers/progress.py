"""Tracks whether a consumer group member makes progress, and why not."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from aiokafka import TopicPartition

from chassis.runtime.health import Health

STANDSTILL_SECONDS = 30.0
"""A member stands still if for this long no fetch completes although records exist, or the same batch is being processed."""


@dataclass
class Progress:
    clock: Callable[[], float] = time.monotonic
    joined: bool = False
    """Whether the group has assigned partitions, possibly none, since the consumer started."""
    fetch_error: str | None = None
    """The error of the last fetch; None if it succeeded."""
    blocked: dict[TopicPartition, str] = field(default_factory=dict)
    """Paused partitions, with the error of the record set that cannot be decoded."""
    stuck: str | None = None
    """The record that can neither be processed nor quarantined."""
    _recreated_because: str | None = None
    """Why the consumer was recreated, until it makes progress again."""
    _started_at: float = 0.0
    _processing_since: float | None = None
    _standing: dict[TopicPartition, tuple[int, float]] = field(default_factory=dict)
    """By partition with unread records: the fetch position and the time since when it has not moved."""

    def __post_init__(self) -> None:
        self._started_at = self.clock()

    def started(self) -> None:
        """A new consumer starts: give it time to join the group and fetch."""
        self.joined, self._started_at = False, self.clock()
        self._standing.clear()
        self.blocked.clear()

    def recreated(self, standstill: str) -> None:
        """The consumer is being recreated, which is not progress yet."""
        self._recreated_because = standstill

    def revoked(self, partitions: Iterable[TopicPartition]) -> None:
        for partition in partitions:
            self.blocked.pop(partition, None)
            self._standing.pop(partition, None)

    def processing(self, active: bool) -> None:
        """A batch has started (True) or ended (False)."""
        self._processing_since = self.clock() if active else None
        if active:
            self._recreated_because = None

    def observe(self, ends: Mapping[TopicPartition, int], positions: Mapping[TopicPartition, int | None]) -> None:
        """Compare the log ends of the assigned partitions with the client's fetch positions."""
        standing: dict[TopicPartition, tuple[int, float]] = {}
        for partition, end in ends.items():
            position = positions.get(partition)
            at = -1 if position is None else position
            if at < end:
                before, since = self._standing.get(partition, (at, self.clock()))
                standing[partition] = (at, since if before == at else self.clock())
        self._standing = standing
        if self.joined and not standing:
            self._recreated_because = None

    def kafka_unavailable(self) -> None:
        """Kafka could not be queried, so it is unknown whether records exist."""
        self._standing.clear()
        self._started_at = self.clock()

    @property
    def standstill(self) -> str | None:
        """Why no fetch completes although records exist, if that has lasted. A new consumer may help."""
        now = self.clock()
        if self._processing_since is not None and now - self._processing_since >= STANDSTILL_SECONDS / 2:
            return None  # the client waits for the current batch
        if not self.joined and now - self._started_at >= STANDSTILL_SECONDS:
            return f"has not joined its group for {now - self._started_at:.0f} s"
        for partition, (at, since) in self._standing.items():
            if now - since >= STANDSTILL_SECONDS and partition not in self.blocked:
                why = f": {self.fetch_error}" if self.fetch_error else ""
                return f"{_name(partition)} stands at {at} for {now - since:.0f} s although records follow{why}"
        return None

    def problem(self) -> str | None:
        """Why the member is not ready, or None."""
        if self.stuck:
            return f"cannot handle or quarantine {self.stuck}"
        for partition, why in self.blocked.items():
            return f"cannot decode {_name(partition)}: {why}"
        if self._processing_since is not None and (age := self.clock() - self._processing_since) >= STANDSTILL_SECONDS:
            return f"has had the same batch in hand for {age:.0f} s"
        return self.standstill or self._recreated_because

    def standstill_seconds(self) -> float:
        """How long the member has stood still; 0 while it makes progress."""
        now = self.clock()
        since = [since for _, since in self._standing.values()]
        since += [] if self.joined else [self._started_at]
        since += [] if self._processing_since is None else [self._processing_since]
        return now - min(since, default=now)


def _name(partition: TopicPartition) -> str:
    return f"{partition.topic}/{partition.partition}"


def check_consumers(health: Health, members: Sequence[tuple[str, Progress]]) -> None:
    """Add one health check per group: its member makes progress."""
    for group, progress in members:

        async def makes_progress(progress: Progress = progress) -> str | None:
            return progress.problem()

        health.add(f"consumer {group}", makes_progress)
