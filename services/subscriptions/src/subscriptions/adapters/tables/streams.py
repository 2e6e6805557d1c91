"""The public events of one aggregate, read from the event store."""

import json
from uuid import UUID

import asyncpg


class StreamsTable:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def page(self, merchant_id: UUID, stream: str, after: int, limit: int) -> list[dict[str, object]]:
        rows = await self._pool.fetch(
            """
            SELECT value FROM events WHERE merchant_id = $1 AND stream = $2 AND version > $3 ORDER BY version LIMIT $4
            """,
            merchant_id,
            stream,
            after,
            limit,
        )
        return [json.loads(row["value"]) for row in rows]
