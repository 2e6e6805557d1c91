"""The effects of one consumer group by event type. Each one runs in a transaction of the group's database."""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeAlias, TypeVar, overload

from billing_contracts.customers import CustomerProfile
from billing_contracts.envelope import Envelope, EventData, topic_of
from billing_contracts.records import Erased, RawRecord
from billing_subscriber.positions import GapFound, Gaps
from billing_subscriber.records import STATE_TOPICS, Reading, Received, Skipped, Unreadable, read
from billing_subscriber.stores.base import Store, Unit

log = logging.getLogger("billing_subscriber")

Tx = TypeVar("Tx")
D = TypeVar("D", bound=EventData)
D2 = TypeVar("D2", bound=EventData)
D3 = TypeVar("D3", bound=EventData)

Effect: TypeAlias = Callable[[Received[D], Tx], Awaitable[None]]
Erasure: TypeAlias = Callable[[Erased, Tx], Awaitable[None]]
Rebuild: TypeAlias = Callable[[Tx], Awaitable[None]]
SendDeadLetter: TypeAlias = Callable[[RawRecord, str], Awaitable[None]]
"""Stores a record as a dead letter, with the reason; returns when it is stored."""

COUNTS = ("handled", "erased", "duplicate", "skipped", "unknown", "missing", "dead_letter", "failed")


class DeadLetter(Exception):
    """Raised by an effect that can never handle this event. The effect is rolled back, and the record becomes a dead letter.

    The message is stored with the record. It must not contain personal data.
    """


@dataclass(frozen=True, slots=True)
class Read:
    record: RawRecord
    reading: Reading


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive records of one partition, for one transaction. Only the last one may have an effect."""

    records: tuple[Read, ...]

    @property
    def first(self) -> RawRecord:
        return self.records[0].record

    @property
    def last(self) -> RawRecord:
        return self.records[-1].record


class Handler(Generic[Tx]):
    """`group`: the Kafka consumer group, also the key of its rows in `store`. `Tx`: the transaction object passed to effects."""

    def __init__(self, group: str, store: Store[Tx], *, gaps: Gaps = Gaps.MARK) -> None:
        self.group, self.store, self.gaps = group, store, gaps
        self.counts: Counter[str] = Counter(dict.fromkeys(COUNTS, 0))
        """Since the start of the process, by the names in `COUNTS`."""
        self._effects: dict[str, Effect[Any, Tx]] = {}
        self._erasure: Erasure[Tx] | None = None
        self._rebuild: Rebuild[Tx] | None = None
        self._subscribed = False

    @overload
    def on(self, event: type[D], /) -> Callable[[Effect[D, Tx]], Effect[D, Tx]]: ...
    @overload
    def on(self, event: type[D], second: type[D2], /) -> Callable[[Effect[D | D2, Tx]], Effect[D | D2, Tx]]: ...
    @overload
    def on(
        self, event: type[D], second: type[D2], third: type[D3], /, *more: type[EventData]
    ) -> Callable[[Effect[D | D2 | D3, Tx]], Effect[D | D2 | D3, Tx]]: ...
    def on(self, *events: type[EventData]) -> Callable[[Effect[Any, Tx]], Effect[Any, Tx]]:
        """Decorate the effect of these event types. It is called again after an exception, so it must not commit.

        Raises ValueError for a type that already has an effect, and after the subscription.
        """

        def register(effect: Effect[Any, Tx]) -> Effect[Any, Tx]:
            self._check_open()
            for event in events:
                if event.TYPE in self._effects:
                    raise ValueError(f"{event.TYPE} has an effect already")
                self._effects[event.TYPE] = effect
            return effect

        return register

    def on_erased(self, erasure: Erasure[Tx]) -> Erasure[Tx]:
        """Decorate the function that deletes a customer's data. It may be called again for a customer. Raises as `on` does."""
        self._check_open()
        self._erasure = erasure
        return erasure

    def on_rebuild(self, rebuild: Rebuild[Tx]) -> Rebuild[Tx]:
        """Decorate the function that deletes everything that effects wrote, before a replay from the first event."""
        self._rebuild = rebuild
        return rebuild

    def topics(self) -> tuple[str, ...]:
        """The topics of the types with effects. Afterwards no effect can be added, because its topic would be missing.

        Raises ValueError if no effect exists, or if one stores customers' profiles and no `on_erased` function exists.
        """
        if CustomerProfile.TYPE in self._effects and self._erasure is None:
            raise ValueError(f"{self.group} keeps customers' profiles: it needs an on_erased function that deletes them")
        topics = {topic_of(type_) for type_ in self._effects} | ({CustomerProfile.topic()} if self._erasure else set())
        if not topics:
            raise ValueError(f"{self.group} has no effect")
        self._subscribed = True
        return tuple(sorted(topics))

    def _check_open(self) -> None:
        if self._subscribed:
            raise ValueError(f"{self.group} is subscribed already: register effects before that")

    def runs(self, records: Iterable[RawRecord]) -> list[Run]:
        """Divide records into runs. Records of a partition must be adjacent and in order. Never raises."""
        runs: list[Run] = []
        current: list[Read] = []
        for record in records:
            last = current[-1].record if current else record
            if (last.topic, last.partition) != (record.topic, record.partition):
                runs.append(Run(tuple(current)))
                current = []
            current.append(Read(record, read(record, self._effects.keys())))
            if not isinstance(current[-1].reading, Skipped):
                runs.append(Run(tuple(current)))
                current = []
        return [*runs, Run(tuple(current))] if current else runs

    async def take(self, run: Run, send: SendDeadLetter) -> None:
        """Commit the effect of the run's last record together with its claim.

        Raises the errors of the effect, the store and `send`, and GapFound. Nothing is committed then, and the run can be
        retried at any time.
        """
        try:
            counts = await self._commit(run.records)
        except DeadLetter as refused:
            await send(run.last, str(refused))
            unreadable = Unreadable(str(refused), _envelope(run.records[-1].reading))
            counts = await self._commit((*run.records[:-1], replace(run.records[-1], reading=unreadable)), dead_letters=True)
        self.counts.update(counts)

    async def rebuild(self) -> None:
        """Delete the ids of handled events and what effects wrote. Raises LookupError without an `on_rebuild` function."""
        if self._rebuild is None:
            raise LookupError(f"{self.group} has no on_rebuild function: its effects would be doubled")
        async with self.store.unit(self.group) as unit:
            await unit.forget()
            await self._rebuild(unit.tx)

    async def _commit(self, records: Sequence[Read], dead_letters: bool = False) -> Counter[str]:
        counts: Counter[str] = Counter()
        async with self.store.unit(self.group) as unit:
            for each in records:
                match each.reading:
                    case Received() as received:
                        counts[await self._handle(received, unit, counts)] += 1
                    case Erased() as erased:
                        if self._erasure:
                            await self._erasure(erased, unit.tx)
                        counts["erased"] += 1
                    case Skipped(envelope, known):
                        await self._follow(each.record.topic, envelope, unit, counts)
                        counts["skipped" if known else "unknown"] += 1
                    case Unreadable(reason, envelope):
                        if not dead_letters:
                            raise DeadLetter(reason)
                        if envelope:
                            await self._follow(each.record.topic, envelope, unit, counts)
                        counts["dead_letter"] += 1
        return counts

    async def _handle(self, received: Received[Any], unit: Unit[Tx], counts: Counter[str]) -> str:
        # Claim first: an uncommitted claim of another member must end before anything is read.
        if not await unit.claim(received.envelope.id):
            return "duplicate"
        missing = await self._follow(received.topic, received.envelope, unit, counts)
        await self._effects[received.envelope.type](replace(received, missing=missing), unit.tx)
        return "handled"

    async def _follow(self, topic: str, envelope: Envelope, unit: Unit[Tx], counts: Counter[str]) -> range:
        """Move the aggregate's position; return the newly missing sequences. Raises GapFound with `Gaps.STOP`."""
        if topic in STATE_TOPICS:
            return range(0)
        position = await unit.position(envelope.merchantid, envelope.subject)
        following, missing = position.after(envelope.sequence)
        if missing:
            gap = (
                f"{envelope.subject} of {envelope.merchantid}: {missing[0]} to {missing[-1]} did not arrive before {missing.stop}"
            )
            if self.gaps is Gaps.STOP:
                raise GapFound(gap)
            log.warning("subscriber.gap_marked group=%s gap=%r", self.group, gap)
            counts["missing"] += len(missing)
        if following != position:
            await unit.move(envelope.merchantid, envelope.subject, following)
        return missing


def _envelope(reading: Reading) -> Envelope | None:
    return reading.envelope if isinstance(reading, Received | Unreadable) else None
