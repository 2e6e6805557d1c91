"""Merchants' logos by the hash of their content, so that a new logo does not change older invoices."""

import hashlib

import asyncpg

from chassis.http.client import ServiceClient
from chassis.key_encryption import Tampered


class Logos:
    """Fetches a logo once from subscriptions and stores it, so that a printed invoice can be printed again."""

    def __init__(self, pool: asyncpg.Pool, owner: ServiceClient) -> None:
        self._pool, self._owner = pool, owner

    async def __call__(self, sha256: str) -> bytes:
        """The WebP. Raises Problem 503 if it is not stored here and subscriptions does not answer."""
        stored: bytes | None = await self._pool.fetchval("SELECT content FROM logo WHERE sha256 = $1", sha256)
        return stored or await self._fetch(sha256)

    async def _fetch(self, sha256: str) -> bytes:
        content = (await self._owner.call("GET", f"/v1/media/{sha256}")).content
        if hashlib.sha256(content).hexdigest() != sha256:
            raise Tampered(f"logo {sha256} is another picture")
        await self._pool.execute("INSERT INTO logo (sha256, content) VALUES ($1, $2) ON CONFLICT DO NOTHING", sha256, content)
        return content
