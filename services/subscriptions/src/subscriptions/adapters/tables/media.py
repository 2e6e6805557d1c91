"""The table `media`: pictures by the hash of their content."""

from uuid import UUID

import asyncpg

from chassis.postgres.connection import Connection
from subscriptions.application.ports import Picture


class MediaTable:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def add(self, connection: Connection, merchant_id: UUID, picture: Picture) -> None:
        await connection.execute(
            "INSERT INTO media (merchant_id, id, bytes, width, height) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
            merchant_id,
            picture.id,
            picture.bytes,
            picture.width,
            picture.height,
        )

    async def get(self, merchant_id: UUID | None, id: str) -> bytes | None:
        content: bytes | None = await self._pool.fetchval(
            "SELECT bytes FROM media WHERE id = $2 AND ($1::uuid IS NULL OR merchant_id = $1) LIMIT 1", merchant_id, id
        )
        return content

    async def has(self, merchant_id: UUID, id: str) -> bool:
        return bool(await self._pool.fetchval("SELECT true FROM media WHERE merchant_id = $1 AND id = $2", merchant_id, id))
