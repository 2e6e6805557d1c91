"""Merchants as every service knows them: the documents of the projection `merchant`.

Of a document the chassis reads `api_keys` [{id, sha256, revoked}], `clock_offset_seconds`, `sandbox` and `time_zone`.
"""

import hashlib
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import structlog

from billing_contracts.envelope import Envelope
from chassis.postgres.coalescing import RequestCoalescer, try_fetch
from chassis.projections.projection import Document, Projection
from chassis.runtime.outages import outages

log = structlog.get_logger()

K = TypeVar("K")
V = TypeVar("V")

MERCHANT = "merchant"
CONFIRMED_FOR = 60.0
"""Seconds for which a key that its owner knew is not asked about again."""
GRACE = 600.0
"""Seconds more for which it is good when the owner cannot be asked."""
UNKNOWN_FOR = 5.0
"""Seconds for which a key that nobody knew is not asked about again."""
REMEMBERED = 10_000
"""Keys in memory; beyond, all are forgotten and asked about anew."""

Resolve = Callable[[str], Awaitable[dict[str, Any] | None]]
"""SHA-256 of an API key, in hex -> its merchant's document with `id`, None when the owner knows no such key.

Raises anything when the owner cannot be asked.
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
        """How far the merchant's clock is ahead of the wall's; zero but in a sandbox."""
        return timedelta(seconds=self.doc.get("clock_offset_seconds", 0))

    @property
    def sandbox(self) -> bool:
        return bool(self.doc.get("sandbox", False))

    def now(self) -> datetime:
        """The instant by the merchant's clock, in UTC."""
        return datetime.now(UTC) + self.offset

    def force_of(self, sha256: str) -> bool | None:
        """Whether the API key with this digest is in force; None when the merchant's document does not list it."""
        return next((not key["revoked"] for key in self.doc["api_keys"] if key["sha256"] == sha256), None)


class Tenants:
    """Looks merchants up. `resolve` asks their owner; None where this service is the owner."""

    def __init__(self, pool: asyncpg.Pool, resolve: Resolve | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._pool, self._resolve, self._clock = pool, resolve, clock
        self._reads = RequestCoalescer([self._read])
        self._whose: dict[str, UUID] = {}
        """The merchant in whose document a key was found."""
        self._confirmed: dict[str, tuple[float, UUID]] = {}
        self._unknown: dict[str, float] = {}
        self._ahead: dict[UUID, Tenant] = {}
        """Merchants that their owner told us of, and Kafka not yet."""

    async def get(self, merchant_id: UUID) -> Tenant | None:
        """As it is now: callers that ask at the same time share the reading, which begins after they asked."""
        tenant = await self._reads.submit(merchant_id)
        if tenant is None:
            return self._ahead.get(merchant_id)
        self._ahead.pop(merchant_id, None)
        return tenant

    async def now(self, merchant_id: UUID) -> datetime:
        """The instant by the merchant's clock, in UTC. Raises LookupError for a merchant that nobody knows."""
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
        """The merchant whose API key this is; None when it is nobody's, or revoked.

        A key is good for 60 s after its owner confirmed it, and for 10 min more while the owner cannot be asked: then
        whatever `resolve` raises is raised.
        """
        sha256 = hashlib.sha256(key.encode()).hexdigest()
        confirmed_at, merchant_id = self._confirmed.get(sha256, (None, self._whose.get(sha256)))
        local = await (self.get(merchant_id) if merchant_id else self._having(sha256))
        force = None if local is None else local.force_of(sha256)
        if self._resolve is None or force is False:
            return local if force else None
        if local is None and self._clock() < self._unknown.get(sha256, 0):
            return None
        if local is not None and confirmed_at is not None and self._clock() < confirmed_at + CONFIRMED_FOR:
            return local
        return await self._ask(sha256, local)

    async def by_digest(self, sha256: str) -> Tenant | None:
        """The merchant with this API key in force, as far as is known here; for an owner that is asked by others."""
        local = await self._having(sha256)
        return local if local and local.force_of(sha256) else None

    async def _ask(self, sha256: str, local: Tenant | None) -> Tenant | None:
        assert self._resolve is not None
        now = self._clock()
        try:
            doc = await self._resolve(sha256)
        except Exception as error:
            return self._unconfirmed(sha256, local, error)
        if doc is None:
            self._confirmed.pop(sha256, None)
            _cache(self._unknown, sha256, now + UNKNOWN_FOR)
            return None
        told = Tenant(UUID(str(doc["id"])), doc)
        _cache(self._confirmed, sha256, (now, told.id))
        self._unknown.pop(sha256, None)
        if local is None:
            _cache(self._ahead, told.id, told)
        return local or told

    def _unconfirmed(self, sha256: str, local: Tenant | None, error: Exception) -> Tenant:
        """The owner cannot be asked: what Kafka told us is good for a while, counted from here when never confirmed."""
        now = self._clock()
        if local is None:
            raise error
        confirmed_at, _ = self._confirmed.get(sha256, (None, None))
        if confirmed_at is None:
            _cache(self._confirmed, sha256, (now - CONFIRMED_FOR, local.id))
        elif now >= confirmed_at + CONFIRMED_FOR + GRACE:
            raise error
        if (suppressed := outages.sparingly("tenants.key_not_confirmed")) is not None:
            log.warning("tenants.key_not_confirmed", error=type(error).__name__, suppressed=suppressed)
        return local

    async def _having(self, sha256: str) -> Tenant | None:
        row = await self._pool.fetchrow(
            """
            SELECT merchant_id, doc::text FROM projection
            WHERE name = 'merchant' AND doc -> 'api_keys' @> jsonb_build_array(jsonb_build_object('sha256', $1::text))
            """,
            sha256,
        )
        if row is None:
            return None
        _cache(self._whose, sha256, row["merchant_id"])
        return Tenant(row["merchant_id"], json.loads(row["doc"]))

    async def _read(self, merchant_ids: Sequence[UUID]) -> Sequence[Tenant | Exception | None]:
        sql = "SELECT merchant_id, doc::text FROM projection WHERE merchant_id = ANY($1) AND name = $2 AND doc IS NOT NULL"
        rows = await try_fetch(self._pool, sql, set(merchant_ids), MERCHANT)
        if isinstance(rows, Exception):
            return [rows] * len(merchant_ids)
        found = {row["merchant_id"]: Tenant(row["merchant_id"], json.loads(row["doc"])) for row in rows}
        return [found.get(merchant_id) for merchant_id in merchant_ids]


def merchant_projection(types: frozenset[str]) -> Projection:
    """For consumers of services that do not own merchants; `types` are those of MerchantConfigured, which is the document."""
    return Projection(MERCHANT, types, _configured)


def _configured(_: Document | None, envelope: Envelope) -> Document:
    return envelope.data


def _cache(known: dict[K, V], key: K, value: V) -> None:
    if len(known) >= REMEMBERED:
        known.clear()
    known[key] = value
