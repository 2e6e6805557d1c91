"""Merchants by id and by API key."""

import asyncio
import hashlib
from typing import Any, cast
from uuid import UUID, uuid4

import asyncpg
import pytest

from chassis.projections.row_store import project
from chassis.tenants import CONFIRMED_SECONDS, GRACE_SECONDS, UNKNOWN_SECONDS, Tenants
from support.consumer_events import MERCHANT

KEY = "sk_test_" + "a" * 43
SHA256 = hashlib.sha256(KEY.encode()).hexdigest()


def doc(*, revoked: bool = False, offset: float = 0, keys: bool = True) -> dict[str, Any]:
    listed = [{"id": "key_1", "sha256": SHA256, "revoked": revoked}] if keys else []
    return {"api_keys": listed, "clock_offset_seconds": offset, "time_zone": "America/Mexico_City", "sandbox": True}


async def configure(pool: asyncpg.Pool, content: dict[str, Any], sequence: int = 1) -> None:
    statement = project("merchant", MERCHANT, f"merchant-{MERCHANT}", None, sequence, uuid4(), content)
    await pool.execute(statement.sql, *statement.args)


class Owner:
    """A fake of the service that owns merchants."""

    def __init__(self, content: dict[str, Any] | None) -> None:
        self.content, self.requests, self.away, self.now = content, 0, False, 1000.0

    async def resolve(self, sha256: str) -> dict[str, Any] | None:
        self.requests += 1
        if self.away:
            raise ConnectionRefusedError
        assert sha256 == SHA256
        return None if self.content is None else self.content | {"id": str(MERCHANT)}

    def tenants(self, pool: asyncpg.Pool) -> Tenants:
        return Tenants(pool, self.resolve, lambda: self.now)


async def test_a_merchants_clock_is_the_wall_clock_plus_its_offset(pool: asyncpg.Pool) -> None:
    tenants = Tenants(pool, None)
    await configure(pool, doc())
    before = await tenants.now(MERCHANT)
    await configure(pool, doc(offset=86_400), 2)
    assert 86_390 < ((await tenants.now(MERCHANT)) - before).total_seconds() < 86_460
    with pytest.raises(LookupError):
        await tenants.now(UUID(int=404))


class OnceSilent:
    """A pool with a first connection that lost its server silently."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool, self.silent = pool, True

    async def fetch(self, *arguments: Any) -> Any:
        if self.silent:
            self.silent = False
            await asyncio.Event().wait()
        return await self._pool.fetch(*arguments)


async def test_a_silent_connection_fails_only_its_own_callers(pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chassis.postgres.coalescing.ANSWER_SECONDS", 1.5)
    await configure(pool, doc())
    tenants = Tenants(cast(asyncpg.Pool, OnceSilent(pool)), None)
    with pytest.raises(TimeoutError):
        await tenants.get(MERCHANT)
    async with asyncio.timeout(5):
        assert await tenants.get(MERCHANT)


async def test_the_owner_knows_its_keys_at_once(pool: asyncpg.Pool) -> None:
    tenants = Tenants(pool, None)
    assert await tenants.by_key(KEY) is None
    await configure(pool, doc())
    tenant = await tenants.by_key(KEY)
    assert tenant is not None
    assert (tenant.id, tenant.sandbox, str(tenant.zone)) == (MERCHANT, True, "America/Mexico_City")
    await configure(pool, doc(revoked=True), 2)
    assert await tenants.by_key(KEY) is None


async def test_a_key_that_has_not_arrived_is_checked_with_its_owner(pool: asyncpg.Pool) -> None:
    owner = Owner(doc())
    tenants = owner.tenants(pool)
    resolved = await tenants.by_key(KEY)
    assert resolved is not None
    assert await tenants.get(MERCHANT) == resolved
    await configure(pool, doc(offset=5))
    tenant = await tenants.by_key(KEY)
    assert tenant is not None
    assert (tenant.offset.total_seconds(), owner.requests) == (5, 1)


async def test_an_unknown_key_is_checked_rarely(pool: asyncpg.Pool) -> None:
    owner = Owner(None)
    tenants = owner.tenants(pool)
    assert [await tenants.by_key(KEY) for _ in range(3)] == [None] * 3
    assert owner.requests == 1
    owner.now += UNKNOWN_SECONDS + 0.1
    owner.content = doc()
    assert await tenants.by_key(KEY) is not None


async def test_a_confirmed_key_is_checked_again_after_a_minute(pool: asyncpg.Pool) -> None:
    await configure(pool, doc())
    owner = Owner(doc())
    tenants = owner.tenants(pool)
    for _ in range(3):
        assert await tenants.by_key(KEY)
    assert owner.requests == 1
    owner.now += CONFIRMED_SECONDS + 0.1
    owner.content = None
    assert await tenants.by_key(KEY) is None


async def test_a_known_key_stays_valid_for_ten_minutes_while_the_owner_is_unavailable(pool: asyncpg.Pool) -> None:
    await configure(pool, doc())
    owner = Owner(doc())
    tenants = owner.tenants(pool)
    assert await tenants.by_key(KEY)
    owner.away = True
    owner.now += CONFIRMED_SECONDS + GRACE_SECONDS - 1
    assert await tenants.by_key(KEY)
    owner.now += 2
    with pytest.raises(ConnectionRefusedError):
        await tenants.by_key(KEY)


async def test_a_process_that_never_reached_the_owner_trusts_kafka_for_ten_minutes(pool: asyncpg.Pool) -> None:
    await configure(pool, doc())
    owner = Owner(doc())
    owner.away = True
    tenants = owner.tenants(pool)
    assert await tenants.by_key(KEY)
    owner.now += GRACE_SECONDS + 1
    with pytest.raises(ConnectionRefusedError):
        await tenants.by_key(KEY)


async def test_a_revoked_key_is_refused_while_the_owner_is_unavailable(pool: asyncpg.Pool) -> None:
    await configure(pool, doc(revoked=True))
    owner = Owner(None)
    owner.away = True
    assert await owner.tenants(pool).by_key(KEY) is None
    assert owner.requests == 0


async def test_a_full_cache_evicts_only_the_least_recently_used_key(pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chassis.tenants.CACHE_MAX", 2)
    resolved: list[str] = []

    async def resolve(sha256: str) -> None:
        resolved.append(sha256)

    tenants = Tenants(pool, resolve)
    for key in ("one", "two", "three", "two", "three"):
        assert await tenants.by_key(key) is None
    assert len(resolved) == 3
