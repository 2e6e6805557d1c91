"""The table `plans`: published plans, for listing."""

import json
from uuid import UUID

import asyncpg


class PlansTable:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def page(self, merchant_id: UUID, after: int, limit: int) -> list[tuple[int, dict[str, object]]]:
        rows = await self._pool.fetch(
            "SELECT position, doc::text FROM plans WHERE merchant_id = $1 AND position > $2 ORDER BY position LIMIT $3",
            merchant_id,
            after,
            limit,
        )
        return [(row["position"], json.loads(row["doc"])) for row in rows]
