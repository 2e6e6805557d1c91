"""What the reactions to one batch of records want done: committed together with the batch's offsets, or not at all."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar
from uuid import UUID

import asyncpg

from chassis.aggregate import Aggregate, Stream
from chassis.command_handler import Outcome
from chassis.records import Received
from chassis.store import EventStore, Statement

C = TypeVar("C")
E = TypeVar("E")
S = TypeVar("S")

Work = Callable[[asyncpg.Connection], Awaitable[None]]


class Batch:
    connection: asyncpg.Connection
    """For SELECTs, while reactions run: nothing may be written or locked before the streams have been read."""

    def __init__(self, connection: asyncpg.Connection, store: EventStore) -> None:
        self.connection, self._store = connection, store

    async def ask(
        self,
        aggregate: Aggregate[C, E, S],
        id: UUID,
        command: C,
        *,
        cause: Received[Any],
        statements: Callable[[Outcome[E, S]], Sequence[Statement]] | None = None,
    ) -> Outcome[E, S] | None:
        """Asks the rules; what they decide is appended when the batch is committed, and seen by later questions at once.

        None when the rules refuse: that is an outcome, recorded as handled. `statements` are the service's own rows
        that go with the outcome.
        """
        raise NotImplementedError

    async def state(self, aggregate: Aggregate[C, E, S], merchant_id: UUID, id: UUID) -> tuple[int, S | None]:
        """The aggregate's version and state, as decided so far in this batch. Reads the stream once."""
        raise NotImplementedError

    def write(self, *statements: Statement) -> None:
        """Changes to the service's own tables: after the appends, in the same transaction."""
        raise NotImplementedError

    def at_commit(self, work: Work) -> None:
        """Does the work first in the transaction. It may lock and write, and ask of streams that have been read already."""
        raise NotImplementedError

    async def load(self, streams: Sequence[Stream]) -> None:
        """Reads streams before they are asked, all in one query."""
        raise NotImplementedError
