"""Tenants: merchants as every service knows them, from the documents of the projection `merchant`.

The chassis reads the fields `api_keys` [{id, sha256, revoked}], `clock_offset_seconds`, `sandbox` and `time_zone`.
"""

import hashlib
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import structlog
from cachetools import LRUCache, TTLCache

from billing_contracts.envelope import Envelope
from chassis.postgres.coalescing import RequestCoalescer, try_fetch
from chassis.projections.projection import Document, Projection
from chassis.runtime.outages import outages

log = structlog.get_logger()

MERCHANT = "merchant"
CONFIRMED_SECONDS = 60.0
"""How long a key is accepted after the owner has confirmed it."""
GRACE_SECONDS = 600.0
"""How much longer a confirmed key is accepted while the owner cannot be reached."""
UNKNOWN_SECONDS = 5.0
"""How long a key is refused without a request after the owner did not know it."""
CACHE_MAX = 10_000
"""Entries per cache. A full cache evicts its least recently used entry."""

Resolve = Callable[[str], Awaitable[dict[str, Any] | None]]
"""Asks the owner: SHA-256 of an API key in hex → its merchant's document with `id`, or None for an unknown key.

Any exception means that the owner cannot be reached.
"""


@dataclass(frozen=True, slots=True)
class Tenant:
    id: UUID
    doc: dict[str, Any]

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.doc["time_zone"])

    @property
    def offset(self) -> timedelta:
        """How far the merchant's clock is ahead of the system clock; zero except in a sandbox."""
        return timedelta(seconds=self.doc.get("clock_offset_seconds", 0))

    @property
    def sandbox(self) -> bool:
        return bool(self.doc.get("sandbox", False))

    def now(self) -> datetime:
        """The current time by the merchant's clock, in UTC."""
        return datetime.now(UTC) + self.offset

    def is_key_active(self, sha256: str) -> bool | None:
        """Whether the API key with this digest is not revoked; None if the merchant's document does not list it."""
        return next((not key["revoked"] for key in self.doc["api_keys"] if key["sha256"] == sha256), None)


class Tenants:
    """Looks up merchants by id and API key. `resolve` asks their owner; None in the owner itself."""

    def __init__(self, pool: asyncpg.Pool, resolve: Resolve | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._pool, self._resolve, self._clock = pool, resolve, clock
        self._reads = RequestCoalescer([self._read])
        self._merchant_of_key: LRUCache[str, UUID] = LRUCache(CACHE_MAX)
        """digest → the merchant with this key in its projected document."""
        self._confirmed: LRUCache[str, tuple[float, UUID]] = LRUCache(CACHE_MAX)
        """digest → (time of the owner's confirmation, merchant)."""
        self._unknown: TTLCache[str, None] = TTLCache(CACHE_MAX, UNKNOWN_SECONDS, timer=clock)
        self._not_projected_yet: LRUCache[UUID, Tenant] = LRUCache(CACHE_MAX)
        """Merchants that the owner has returned, and that have not arrived over Kafka yet."""

    async def get(self, merchant_id: UUID) -> Tenant | None:
        """The merchant's current state. Concurrent calls share a query that starts after they were made."""
        tenant = await self._reads.submit(merchant_id)
        if tenant is None:
            return self._not_projected_yet.get(merchant_id)
        self._not_projected_yet.pop(merchant_id, None)
        return tenant

    async def now(self, merchant_id: UUID) -> datetime:
        """The current time by the merchant's clock, in UTC. Raises LookupError for an unknown merchant."""
        tenant = await self.get(merchant_id)
        if tenant is None:
            raise LookupError(f"no merchant {merchant_id}")
        return tenant.now()

    async def zone(self, merchant_id: UUID) -> str:
        """The merchant's time zone, IANA. Raises LookupError for an unknown merchant."""
        tenant = await self.get(merchant_id)
        if tenant is None:
            raise LookupError(f"no merchant {merchant_id}")
        return tenant.zone.key

    async def by_key(self, key: str) -> Tenant | None:
        """The merchant with this API key; None if the key is unknown or revoked.

        A key is accepted for 60 s after the owner has confirmed it, and for 10 min more while the owner cannot be reached. After
        that the exception of `resolve` is raised.
        """
        sha256 = hashlib.sha256(key.encode()).hexdigest()
        confirmed_at, merchant_id = self._confirmed.get(sha256, (None, self._merchant_of_key.get(sha256)))
        local = await (self.get(merchant_id) if merchant_id else self._find_by_digest(sha256))
        active = None if local is None else local.is_key_active(sha256)
        if self._resolve is None or active is False:
            return local if active else None
        if local is None and sha256 in self._unknown:
            return None
        if local is not None and confirmed_at is not None and self._clock() < confirmed_at + CONFIRMED_SECONDS:
            return local
        return await self._resolve_key(sha256, local)

    async def by_digest(self, sha256: str) -> Tenant | None:
        """The merchant with this active API key, from this service's tables only. The owner answers other services with it."""
        local = await self._find_by_digest(sha256)
        return local if local and local.is_key_active(sha256) else None

    async def _resolve_key(self, sha256: str, local: Tenant | None) -> Tenant | None:
        assert self._resolve is not None
        now = self._clock()
        try:
            doc = await self._resolve(sha256)
        except Exception as error:
            return self._accept_unconfirmed(sha256, local, error)
        if doc is None:
            self._confirmed.pop(sha256, None)
            self._unknown[sha256] = None
            return None
        resolved = Tenant(UUID(str(doc["id"])), doc)
        self._confirmed[sha256] = (now, resolved.id)
        self._unknown.pop(sha256, None)
        if local is None:
            self._not_projected_yet[resolved.id] = resolved
        return local or resolved

    def _accept_unconfirmed(self, sha256: str, local: Tenant | None, error: Exception) -> Tenant:
        """While the owner cannot be reached, accept a key of a projected document for GRACE_SECONDS after its confirmation ended.
        For a key that was never confirmed, the time counts from its first use. Raises `error` in all other cases.
        """
        now = self._clock()
        if local is None:
            raise error
        confirmed_at, _ = self._confirmed.get(sha256, (None, None))
        if confirmed_at is None:
            self._confirmed[sha256] = (now - CONFIRMED_SECONDS, local.id)
        elif now >= confirmed_at + CONFIRMED_SECONDS + GRACE_SECONDS:
            raise error
        if (suppressed := outages.sparingly("tenants.key_not_confirmed")) is not None:
            log.warning("tenants.key_not_confirmed", error=type(error).__name__, suppressed=suppressed)
        return local

    async def _find_by_digest(self, sha256: str) -> Tenant | None:
        row = await self._pool.fetchrow(
            """
            SELECT merchant_id, doc::text FROM projection
            WHERE name = 'merchant' AND doc -> 'api_keys' @> jsonb_build_array(jsonb_build_object('sha256', $1::text))
            """,
            sha256,
        )
        if row is None:
            return None
        self._merchant_of_key[sha256] = row["merchant_id"]
        return Tenant(row["merchant_id"], json.loads(row["doc"]))

    async def _read(self, merchant_ids: Sequence[UUID]) -> Sequence[Tenant | Exception | None]:
        sql = "SELECT merchant_id, doc::text FROM projection WHERE merchant_id = ANY($1) AND name = $2 AND doc IS NOT NULL"
        rows = await try_fetch(self._pool, sql, set(merchant_ids), MERCHANT)
        if isinstance(rows, Exception):
            return [rows] * len(merchant_ids)
        tenants = {row["merchant_id"]: Tenant(row["merchant_id"], json.loads(row["doc"])) for row in rows}
        return [tenants.get(merchant_id) for merchant_id in merchant_ids]


def merchant_projection(types: frozenset[str]) -> Projection:
    """The projection of merchants, for services that do not own them. Events of `types` carry the whole document."""
    return Projection(MERCHANT, types, _configured)


def _configured(_: Document | None, envelope: Envelope) -> Document:
    return envelope.data
