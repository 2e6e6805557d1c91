"""Whether a member of a consumer group makes progress: what it was assigned, fetched and has in hand, and what stops it."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from aiokafka import TopicPartition

from chassis.runtime.health import Health

STANDSTILL_SECONDS = 30.0
"""After so long without a completed fetch, although records exist, or with the same batch in hand, a member stands still."""


@dataclass
class Progress:
    clock: Callable[[], float] = time.monotonic
    joined: bool = False
    """Whether the group has assigned partitions, be it none, since the consumer was started."""
    fetch_error: str | None = None
    """Why the last fetch failed; None once one succeeded."""
    blocked: dict[TopicPartition, str] = field(default_factory=dict)
    """What of a partition cannot be decoded, so that it is paused."""
    stuck: str | None = None
    """Which record can neither be handled nor quarantined."""
    _stood: str | None = None
    """Why the consumer was made again, until that has helped."""
    _began: float = 0.0
    _in_hand_since: float | None = None
    _standing: dict[TopicPartition, tuple[int, float]] = field(default_factory=dict)
    """Where a partition stands although records follow, and since when."""

    def __post_init__(self) -> None:
        self._began = self.clock()

    def started(self) -> None:
        """A consumer was made: it has its time to join the group and to fetch."""
        self.joined, self._began = False, self.clock()
        self._standing.clear()
        self.blocked.clear()

    def gave_up(self, standstill: str) -> None:
        """The consumer is made again: that alone is no progress."""
        self._stood = standstill

    def revoked(self, partitions: Iterable[TopicPartition]) -> None:
        for partition in partitions:
            self.blocked.pop(partition, None)
            self._standing.pop(partition, None)

    def took(self, in_hand: bool) -> None:
        """A batch is in hand, or no longer."""
        self._in_hand_since = self.clock() if in_hand else None
        if in_hand:
            self._stood = None

    def look(self, ends: Mapping[TopicPartition, int], positions: Mapping[TopicPartition, int | None]) -> None:
        """Compares where the assigned partitions' logs end with where the client would fetch next."""
        standing: dict[TopicPartition, tuple[int, float]] = {}
        for partition, end in ends.items():
            position = positions.get(partition)
            at = -1 if position is None else position
            if at < end:
                before, since = self._standing.get(partition, (at, self.clock()))
                standing[partition] = (at, since if before == at else self.clock())
        self._standing = standing
        if self.joined and not standing:
            self._stood = None

    def unknown(self) -> None:
        """Kafka could not be asked: whether records exist is not known."""
        self._standing.clear()
        self._began = self.clock()

    @property
    def standstill(self) -> str | None:
        """Why no fetch completes although records exist, once that has lasted; then a new consumer may help."""
        now = self.clock()
        if self._in_hand_since is not None and now - self._in_hand_since >= STANDSTILL_SECONDS / 2:
            return None  # the client waits for the batch in hand
        if not self.joined and now - self._began >= STANDSTILL_SECONDS:
            return f"has not joined its group for {now - self._began:.0f} s"
        for partition, (at, since) in self._standing.items():
            if now - since >= STANDSTILL_SECONDS and partition not in self.blocked:
                why = f": {self.fetch_error}" if self.fetch_error else ""
                return f"{_named(partition)} stands at {at} for {now - since:.0f} s although records follow{why}"
        return None

    def wrong(self) -> str | None:
        """What keeps the member from being ready; None when nothing does."""
        if self.stuck:
            return f"cannot handle or quarantine {self.stuck}"
        for partition, why in self.blocked.items():
            return f"cannot decode {_named(partition)}: {why}"
        if self._in_hand_since is not None and (lasts := self.clock() - self._in_hand_since) >= STANDSTILL_SECONDS:
            return f"has had the same batch in hand for {lasts:.0f} s"
        return self.standstill or self._stood

    def seconds(self) -> float:
        """For how long the member has stood still; 0 while it makes progress."""
        now = self.clock()
        since = [since for _, since in self._standing.values()]
        since += [] if self.joined else [self._began]
        since += [] if self._in_hand_since is None else [self._in_hand_since]
        return now - min(since, default=now)


def _named(partition: TopicPartition) -> str:
    return f"{partition.topic}/{partition.partition}"


def check_consumers(health: Health, members: Sequence[tuple[str, Progress]]) -> None:
    """Each group gets on."""
    for group, progress in members:

        async def gets_on(progress: Progress = progress) -> str | None:
            return progress.wrong()

        health.add(f"consumer {group}", gets_on)
