"""Data keys name the key-encryption key that wraps them, and are wrapped by another one in batches."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import asyncpg
import pytest

import invoicing
from chassis.key_encryption import Tampered, name_of
from invoicing.adapters.bill_to_encryption import KeyedBillToEncryption
from portalctl import keys_in_use
from portalctl.local.errors import StackError
from support.databases import ServiceDatabase, fresh_database
from support.service import migrate_service

OLD, NEW, LOST = bytes(32), bytes(range(32)), bytes(range(1, 33))
MERCHANT = uuid4()


def encoded(key: bytes) -> str:
    return base64.b64encode(key).decode()


class DataKeys:
    """The data keys in a database of invoicing."""

    def __init__(self, database: ServiceDatabase, connection: asyncpg.Connection) -> None:
        self.url, self.connection = database.owner_url, connection

    async def read(self, *keys: bytes) -> dict[UUID, bytes]:
        rows = await self.connection.fetch("SELECT customer_id FROM customer_keys")
        customers = [row["customer_id"] for row in rows]
        return dict(await KeyedBillToEncryption(keys).keys(self.connection, MERCHANT, customers))

    async def names(self) -> dict[str | None, int]:
        rows = await self.connection.fetch("SELECT wrapped_by, count(*) FROM customer_keys GROUP BY 1")
        return {row["wrapped_by"]: row["count"] for row in rows}

    async def create(self, count: int, key: bytes) -> None:
        await KeyedBillToEncryption([key]).keys(self.connection, MERCHANT, [uuid4() for _ in range(count)])


@pytest.fixture
async def stored(postgres_url: str) -> AsyncIterator[DataKeys]:
    """Five data keys under the old key; the names of two are not known, as before keys had names."""
    async with fresh_database(postgres_url, "invoicing") as database, connected(database.url) as connection:
        await migrate_service(database, "invoicing", invoicing)
        stored = DataKeys(database, connection)
        await stored.create(5, OLD)
        ids = "SELECT customer_id FROM customer_keys LIMIT 2"
        await connection.execute(f"UPDATE customer_keys SET wrapped_by = NULL WHERE customer_id IN ({ids})")
        yield stored


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def test_new_data_keys_are_under_the_first_key_and_old_ones_are_read_by_any(stored: DataKeys) -> None:
    old = await stored.read(OLD)
    await KeyedBillToEncryption([NEW, OLD]).keys(stored.connection, MERCHANT, [uuid4()])
    assert await stored.names() == {None: 2, name_of(OLD): 3, name_of(NEW): 1}
    assert (await stored.read(NEW, OLD)).items() >= old.items()


async def test_rewrapped_data_keys_are_the_same_and_need_the_new_key_only(
    stored: DataKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys_in_use, "BATCH", 2)
    old = await stored.read(OLD)
    assert await keys_in_use.data_keys_without(stored.url, encoded(NEW)) == 5
    assert await keys_in_use.rewrap(stored.url, [encoded(NEW), encoded(OLD)]) == 5
    assert await keys_in_use.data_keys_without(stored.url, encoded(NEW)) == 0
    assert await stored.read(NEW) == old
    assert await stored.names() == {name_of(NEW): 5}
    assert await keys_in_use.rewrap(stored.url, [encoded(NEW)]) == 0


async def test_an_interrupted_call_is_continued(stored: DataKeys, monkeypatch: pytest.MonkeyPatch) -> None:
    old = await stored.read(OLD)
    monkeypatch.setattr(keys_in_use, "BATCH", 2)

    def interrupt(_: str) -> None:
        raise ConnectionResetError

    with monkeypatch.context() as interrupted:
        interrupted.setattr(keys_in_use, "progress", interrupt)
        with pytest.raises(ConnectionResetError):
            await keys_in_use.rewrap(stored.url, [encoded(NEW), encoded(OLD)])
    assert (await stored.names())[name_of(NEW)] == 2
    assert await stored.read(NEW, OLD) == old
    assert await keys_in_use.rewrap(stored.url, [encoded(NEW), encoded(OLD)]) == 3
    assert await stored.read(NEW) == old


async def test_a_data_key_that_no_key_opens_is_reported_after_all_others(stored: DataKeys) -> None:
    await stored.create(1, LOST)
    with pytest.raises(StackError) as refused:
        await keys_in_use.rewrap(stored.url, [encoded(NEW), encoded(OLD)])
    assert "1 data keys" in str(refused.value)
    assert await stored.names() == {name_of(NEW): 5, name_of(LOST): 1}


async def test_the_count_waits_for_a_transaction_that_writes_a_data_key(stored: DataKeys) -> None:
    await keys_in_use.rewrap(stored.url, [encoded(NEW), encoded(OLD)])
    async with stored.connection.transaction():
        await stored.create(1, OLD)
        counting = asyncio.create_task(keys_in_use.data_keys_without(stored.url, encoded(NEW)))
        await lock_is_awaited(stored.connection)
        assert not counting.done()
    assert await counting == 1


async def lock_is_awaited(connection: asyncpg.Connection) -> None:
    sql = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'customer_keys'::regclass"
    async with asyncio.timeout(30):
        while not await connection.fetchval(sql):
            await asyncio.sleep(0.05)


async def test_a_missing_key_is_named(stored: DataKeys) -> None:
    await stored.connection.execute("DELETE FROM customer_keys WHERE wrapped_by IS NULL")
    with pytest.raises(Tampered) as refused:
        await stored.read(NEW)
    assert name_of(OLD) in str(refused.value)
