"""Topics of one test file on the session's Kafka."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka.admin import AIOKafkaAdminClient

_SECONDS = 60


@asynccontextmanager
async def own_topics(bootstrap: str) -> AsyncIterator[None]:
    """Delete the topics that are created during the block. Kafka's internal topics stay."""
    before = await _topics(bootstrap)
    try:
        yield
    finally:
        await _delete(bootstrap, await _topics(bootstrap) - before)


async def _topics(bootstrap: str) -> set[str]:
    async with asyncio.timeout(_SECONDS), administrator(bootstrap) as admin:
        return {name for name in await admin.list_topics() if not name.startswith("__")}


async def _delete(bootstrap: str, names: set[str]) -> None:
    if not names:
        return
    async with asyncio.timeout(_SECONDS), administrator(bootstrap) as admin:
        await admin.delete_topics(sorted(names))
        while names & set(await admin.list_topics()):
            await asyncio.sleep(0.05)


@asynccontextmanager
async def administrator(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()
