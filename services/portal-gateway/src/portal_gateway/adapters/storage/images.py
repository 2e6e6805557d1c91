"""A cache of images from the subscriptions service. The key is the hash of the bytes, so entries never change."""

import asyncpg


class StoredImages:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def get(self, sha256: str) -> bytes | None:
        content: bytes | None = await self._pool.fetchval("SELECT content FROM image WHERE sha256 = $1", sha256)
        return content

    async def put(self, sha256: str, content: bytes) -> None:
        await self._pool.execute("INSERT INTO image (sha256, content) VALUES ($1, $2) ON CONFLICT DO NOTHING", sha256, content)
