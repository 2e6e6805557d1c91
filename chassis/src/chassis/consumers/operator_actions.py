"""What an operator wants done with quarantined records: the consumer that quarantined them does it."""

from collections.abc import Callable, Sequence

import asyncpg
import structlog

from chassis.consumers import quarantine
from chassis.consumers.batch_processor import BatchProcessor, Changed, CommitOffsets, Stopped
from chassis.consumers.offsets import Fenced
from chassis.consumers.quarantine import NotQuarantined, Quarantined
from chassis.decoding import RawRecord
from chassis.postgres.connection import Connection
from chassis.runtime.faults import describe_error, is_transient

log = structlog.get_logger()

EVERY = 2.0
"""Seconds between looks."""


class OperatorActions:
    def __init__(self, group: str, pool: asyncpg.Pool, handling: BatchProcessor, tell: Callable[[Changed], None]) -> None:
        self._group, self._pool, self._handling, self._tell = group, pool, handling, tell

    async def fulfil(self) -> float:
        """The oldest wish, if there is one; returns after how many seconds to look again."""
        async with self._pool.acquire() as connection:
            claimed = await quarantine.claim(connection, self._group)
        if claimed is not None:
            do = self._handling.discard if claimed.state == "discard" else self._handling.handle
            try:
                self._tell(await do([claimed.record], _committing(claimed)))
            except (Fenced, Stopped):
                pass
            except Exception as error:
                if is_transient(error):
                    raise
                await self._refuse(claimed, error)
        return EVERY

    async def _refuse(self, claimed: Quarantined, error: Exception) -> None:
        """What the operator wanted cannot be done: the record stays quarantined."""
        log.error("quarantine.not_settled", group=self._group, id=claimed.id, error=describe_error(error))
        async with self._pool.acquire() as connection:
            await quarantine.keep_again(connection, claimed, describe_error(error))


def _committing(claimed: Quarantined) -> CommitOffsets:
    async def settle(connection: Connection, _: Sequence[RawRecord]) -> None:
        try:
            await quarantine.settle(connection, claimed)
        except NotQuarantined as gone:
            raise Fenced(f"quarantined record {claimed.id}") from gone

    return settle
