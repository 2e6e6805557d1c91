"""No record, whatever its bytes, stops a consumer: it is handled, passed over, or quarantined as it came."""

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
"""Far more than a batch takes that does not stand still: no retry of a record waits for long."""


async def settle(_: Connection, __: Sequence[RawRecord]) -> None:
    """Nothing but the effects is looked at here."""


@pytest.mark.parametrize("service", SERVICE_CONSUMERS, ids=lambda service: service.consumer.group)
@given(data=st.data())
@settings(max_examples=40, phases=[Phase.explicit, Phase.generate], suppress_health_check=[HealthCheck.too_slow], deadline=None)
async def test_a_batch_of_any_records_is_dealt_with(
    pools: dict[str, asyncpg.Pool], service: ServiceConsumer, data: st.DataObject
) -> None:
    pool, consumer = pools[service.database], service.consumer
    handling = BatchProcessor(consumer, pool, asyncio.Event())
    batch = data.draw(batches(consumer.topics))
    await pool.execute("DELETE FROM quarantine")
    async with asyncio.timeout(SECONDS):
        await handling.handle(batch, settle)
    kept = await kept_records(pool, consumer.group)
    for record, reading in zip(batch, handling.read(batch), strict=True):
        found = kept.get((record.topic, record.offset))
        if isinstance(reading, Undecodable):
            assert found is not None, "what cannot be read is in quarantine"
        if found is not None and record.topic not in consumer.personal:
            assert (found.key, found.value, list(found.headers)) == (record.key, record.value, list(record.headers))
        if found is not None and record.topic in consumer.personal:
            assert found.value is None
    assert handling.progress.wrong() is None


@pytest.mark.parametrize("service", SERVICE_CONSUMERS, ids=lambda service: service.consumer.group)
@given(data=st.data())
@settings(max_examples=120, phases=[Phase.explicit, Phase.generate], deadline=None)
async def test_what_is_in_quarantine_can_be_retried_and_given_up(
    pools: dict[str, asyncpg.Pool], service: ServiceConsumer, data: st.DataObject
) -> None:
    pool, consumer = pools[service.database], service.consumer
    handling = BatchProcessor(consumer, pool, asyncio.Event())
    await pool.execute("DELETE FROM quarantine")
    async with asyncio.timeout(SECONDS):
        await handling.handle(data.draw(batches(consumer.topics, 3)), settle)
        for record in (await kept_records(pool, consumer.group)).values():
            await handling.handle([record], settle)
            await handling.discard([record], settle)


async def kept_records(pool: asyncpg.Pool, group: str) -> dict[tuple[str, int], Any]:
    async with pool.acquire() as connection:
        return {(it.record.topic, it.record.offset): it.record for it in await quarantine.listed(connection, group, limit=1000)}
