"""Merchants' logos, as invoices show them: by the hash of what they are, so that a new one changes no invoice of before."""

import hashlib

import asyncpg

from chassis.http.client import ServiceClient
from invoicing.application.ports import Tampered


class Logos:
    """Fetched once from the service that pictures are uploaded to, then kept: what was printed can be printed again."""

    def __init__(self, pool: asyncpg.Pool, owner: ServiceClient) -> None:
        self._pool, self._owner = pool, owner

    async def __call__(self, sha256: str) -> bytes:
        """The WebP. Raises Problem 503 while it is not kept here and its owner cannot be reached."""
        kept: bytes | None = await self._pool.fetchval("SELECT content FROM logo WHERE sha256 = $1", sha256)
        return kept or await self._fetch(sha256)

    async def _fetch(self, sha256: str) -> bytes:
        content = (await self._owner.call("GET", f"/v1/media/{sha256}")).content
        if hashlib.sha256(content).hexdigest() != sha256:
            raise Tampered(f"logo {sha256} is another picture")
        await self._pool.execute("INSERT INTO logo (sha256, content) VALUES ($1, $2) ON CONFLICT DO NOTHING", sha256, content)
        return content
