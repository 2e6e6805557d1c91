"""Carries out operator actions on quarantined records, in the consumer that quarantined them."""

from collections.abc import Callable, Sequence

import asyncpg
import structlog

from chassis.consumers import quarantine
from chassis.consumers.batch_processor import BatchProcessor, CommitOffsets, Stopped
from chassis.consumers.consumer import Changed
from chassis.consumers.offsets import Fenced
from chassis.consumers.quarantine import NotQuarantined, Quarantined
from chassis.decoding import RawRecord
from chassis.postgres.connection import Connection
from chassis.runtime.faults import describe_error, is_transient

log = structlog.get_logger()

POLL_SECONDS = 2.0


class OperatorActions:
    def __init__(self, group: str, pool: asyncpg.Pool, processor: BatchProcessor, notify: Callable[[Changed], None]) -> None:
        self._group, self._pool, self._processor, self._notify = group, pool, processor, notify

    async def run_next(self) -> float:
        """Carry out the oldest operator action, if any; return the seconds until the next call."""
        async with self._pool.acquire() as connection:
            claimed = await quarantine.claim(connection, self._group)
        if claimed is not None:
            run = self._processor.discard if claimed.state == "discard" else self._processor.handle
            try:
                self._notify(await run([claimed.record], _completing(claimed)))
            except (Fenced, Stopped):
                pass
            except Exception as error:
                if is_transient(error):
                    raise
                await self._fail(claimed, error)
        return POLL_SECONDS

    async def _fail(self, claimed: Quarantined, error: Exception) -> None:
        log.error("quarantine.action_failed", group=self._group, id=claimed.id, error=describe_error(error))
        async with self._pool.acquire() as connection:
            await quarantine.fail(connection, claimed, describe_error(error))


def _completing(claimed: Quarantined) -> CommitOffsets:
    """Marks the action as completed in the transaction of its effects, where a batch would commit offsets."""

    async def complete(connection: Connection, _: Sequence[RawRecord]) -> None:
        try:
            await quarantine.complete(connection, claimed)
        except NotQuarantined as error:
            raise Fenced(f"quarantined record {claimed.id}") from error

    return complete
