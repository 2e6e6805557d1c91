"""A URL names several PostgreSQL servers, and one does not answer: a machine that is off, or a primary that was replaced."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from chassis.outbox.leader_lock import leadership
from chassis.postgres.connect import connect
from chassis.postgres.pool import create_pool
from chassis.runtime.faults import DatabaseAway, is_transient
from portalctl.local.ports import free_port
from support.databases import ServiceDatabase

Url = Callable[..., str]
"""The database's URL with these ports before the server's own."""


@pytest.fixture
async def silent() -> AsyncIterator[int]:
    """The port of a server that accepts connections and never answers."""
    ended = asyncio.Event()

    async def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await ended.wait()
        writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        ended.set()
        server.close()


@pytest.fixture
def url(database: ServiceDatabase) -> Url:
    parts = urlsplit(database.url)
    user, _, own = parts.netloc.rpartition("@")

    def with_hosts(*ports: int, last: str = own) -> str:
        hosts = ",".join([*(f"127.0.0.1:{port}" for port in ports), last])
        return urlunsplit(parts._replace(netloc=f"{user}@{hosts}", query="target_session_attrs=read-write"))

    return with_hosts


async def test_a_pool_uses_the_host_that_answers(url: Url, silent: int) -> None:
    async with create_pool(url(silent), name="tested", min_size=1, max_size=2) as pool:
        assert await asyncio.gather(*(pool.fetchval("SELECT 7") for _ in range(3))) == [7, 7, 7]


async def test_a_relay_gets_the_lock_on_the_host_that_answers(url: Url, silent: int) -> None:
    async with leadership(url(silent), "tested", asyncio.Event()) as session:
        assert session is not None
        assert await session.run(lambda connection: connection.fetchval("SELECT 7")) == 7


async def test_a_host_that_refuses_is_passed_over(url: Url, silent: int) -> None:
    connection = await connect(url(free_port(), silent), timeout=60)
    await connection.close()


async def test_no_host_answers(url: Url, silent: int) -> None:
    with pytest.raises(DatabaseAway) as caught:
        await connect(url(silent, last=f"127.0.0.1:{silent}"), timeout=2)
    assert is_transient(caught.value)


async def test_every_host_refuses(url: Url) -> None:
    with pytest.raises(ConnectionRefusedError) as caught:
        await connect(url(free_port(), last=f"127.0.0.1:{free_port()}"), timeout=60)
    assert is_transient(caught.value)


async def test_the_attempt_that_came_second_leaves_no_session(url: Url, database: ServiceDatabase) -> None:
    both = url(urlsplit(database.url).port)
    connections: list[Any] = [await connect(both, timeout=60, server_settings={"application_name": "tested"}) for _ in range(5)]
    admin = await asyncpg.connect(database.admin_url)
    assert await admin.fetchval("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tested'") == 5
    for connection in [*connections, admin]:
        await connection.close()
