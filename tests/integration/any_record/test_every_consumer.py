"""No record stops a consumer: it is processed, skipped or quarantined with all its bytes."""

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from chassis.consumers import quarantine
from chassis.consumers.batch_processor import BatchProcessor
from chassis.decoding import RawRecord, Undecodable
from chassis.postgres.connection import Connection
from support.any_records import batches
from verify.consumers import SERVICE_CONSUMERS, ServiceConsumer

SECONDS = 20
"""Far more than a batch takes if no consumer stands still; retries wait only briefly."""


async def commit_offsets(_: Connection, __: Sequence[RawRecord]) -> None:
    """These tests check only the effects."""


@pytest.mark.parametrize("service", SERVICE_CONSUMERS, ids=lambda service: service.consumer.group)
@given(data=st.data())
@settings(max_examples=40, phases=[Phase.explicit, Phase.generate], suppress_health_check=[HealthCheck.too_slow], deadline=None)
async def test_a_batch_of_any_records_is_processed(
    pools: dict[str, asyncpg.Pool], service: ServiceConsumer, data: st.DataObject
) -> None:
    pool, consumer = pools[service.database], service.consumer
    processor = BatchProcessor(consumer, pool, asyncio.Event())
    batch = data.draw(batches(consumer.topics))
    await pool.execute("DELETE FROM quarantine")
    async with asyncio.timeout(SECONDS):
        await processor.handle(batch, commit_offsets)
    quarantined = await kept_records(pool, consumer.group)
    for record, decoded in zip(batch, processor.decode(batch), strict=True):
        entry = quarantined.get((record.topic, record.offset))
        if isinstance(decoded, Undecodable):
            assert entry is not None, "undecodable records are in quarantine"
        if entry is not None and record.topic not in consumer.personal_topics:
            assert (entry.key, entry.value, list(entry.headers)) == (record.key, record.value, list(record.headers))
        if entry is not None and record.topic in consumer.personal_topics:
            assert entry.value is None
    assert processor.progress.problem() is None


@pytest.mark.parametrize("service", SERVICE_CONSUMERS, ids=lambda service: service.consumer.group)
@given(data=st.data())
@settings(max_examples=120, phases=[Phase.explicit, Phase.generate], deadline=None)
async def test_quarantined_records_can_be_retried_and_discarded(
    pools: dict[str, asyncpg.Pool], service: ServiceConsumer, data: st.DataObject
) -> None:
    pool, consumer = pools[service.database], service.consumer
    processor = BatchProcessor(consumer, pool, asyncio.Event())
    await pool.execute("DELETE FROM quarantine")
    async with asyncio.timeout(SECONDS):
        await processor.handle(data.draw(batches(consumer.topics, 3)), commit_offsets)
        for record in (await kept_records(pool, consumer.group)).values():
            await processor.handle([record], commit_offsets)
            await processor.discard([record], commit_offsets)


async def kept_records(pool: asyncpg.Pool, group: str) -> dict[tuple[str, int], Any]:
    async with pool.acquire() as connection:
        return {(it.record.topic, it.record.offset): it.record for it in await quarantine.pending(connection, group, limit=1000)}
