"""Idempotent work on plain tables: one effect and one response, also for refusals and concurrent repetitions."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import asyncpg
import pytest

from chassis.eventsourcing.event_store import Answer, IdempotencyKey, KeyReused
from chassis.http.idempotency import idempotency_in
from chassis.http.problems import Problem
from chassis.postgres.connection import Connection
from chassis.postgres.migrate import CHASSIS, migrate
from chassis.postgres.pool import create_pool
from support.databases import ServiceDatabase

MERCHANT = UUID(int=1)


@pytest.fixture
async def pool(database: ServiceDatabase) -> AsyncIterator[asyncpg.Pool]:
    owner = await asyncpg.connect(database.owner_url)
    await migrate(owner, {"chassis": CHASSIS}, role=await owner.fetchval("SELECT current_user"))
    await owner.execute("CREATE TABLE parcels (id uuid PRIMARY KEY)")
    async with create_pool(database.owner_url, name="test", min_size=1, max_size=4) as pool:
        yield pool
    await owner.close()


def key(fingerprint: str = "f") -> IdempotencyKey:
    return IdempotencyKey(MERCHANT, "merchant:k", "POST /parcels", "once", fingerprint)


async def send(connection: Connection) -> Answer:
    id = uuid4()
    await connection.execute("INSERT INTO parcels VALUES ($1)", id)
    await asyncio.sleep(0.05)
    return Answer(201, {"id": str(id)})


async def refuse(connection: Connection) -> Answer:
    await connection.execute("INSERT INTO parcels VALUES ($1)", uuid4())
    raise Problem(409, "no_more_parcels", "There are no more parcels")


async def test_a_repeated_request_gets_the_first_response(pool: asyncpg.Pool) -> None:
    once = idempotency_in(pool)
    first = await once(key(), send)
    assert await once(key(), send) == first
    assert await pool.fetchval("SELECT count(*) FROM parcels") == 1


async def test_concurrent_repetitions_have_one_effect(pool: asyncpg.Pool) -> None:
    once = idempotency_in(pool)
    answers = await asyncio.gather(*(once(key(), send) for _ in range(4)))
    assert all(answer == answers[0] for answer in answers)
    assert await pool.fetchval("SELECT count(*) FROM parcels") == 1


async def test_a_refusal_is_stored_and_its_work_rolled_back(pool: asyncpg.Pool) -> None:
    once = idempotency_in(pool)
    assert (await once(key(), refuse)).status == 409
    assert (await once(key(), send)).body["code"] == "no_more_parcels"
    assert await pool.fetchval("SELECT count(*) FROM parcels") == 0


async def test_a_key_belongs_to_one_request(pool: asyncpg.Pool) -> None:
    once = idempotency_in(pool)
    await once(key(), send)
    with pytest.raises(KeyReused):
        await once(key("another body"), send)


async def test_a_failure_stores_nothing(pool: asyncpg.Pool) -> None:
    async def fail(connection: Connection) -> Answer:
        await send(connection)
        raise RuntimeError("a bug")

    once = idempotency_in(pool)
    with pytest.raises(RuntimeError):
        await once(key(), fail)
    assert (await once(key(), send)).status == 201
    assert await pool.fetchval("SELECT count(*) FROM parcels") == 1
