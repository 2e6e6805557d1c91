"""A URL names several PostgreSQL servers, and one does not answer: a machine that is off, or a primary that was replaced."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from chassis.outbox.leader_lock import leadership
from chassis.postgres.connect import connect
from chassis.postgres.pool import create_pool
from chassis.runtime.faults import DatabaseAway, is_transient
from portalctl.local import databases
from support.consumer_events import until
from support.databases import ServiceDatabase
from support.ports import free_port

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


class Line:
    """A way to a server that can be cut without closing a connection, as when its machine stops."""

    def __init__(self, port: int) -> None:
        self._port, self._is_cut, self._ended = port, False, asyncio.Event()
        self._accepting: list[asyncio.Task[Any]] = []

    def cut(self) -> None:
        self._is_cut = True

    async def end(self) -> None:
        self._ended.set()
        await asyncio.gather(*self._accepting)

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._accepting.append(task)
        from_server, to_server = await asyncio.open_connection("127.0.0.1", self._port)
        ways = [asyncio.create_task(self._forward(*ends)) for ends in ((reader, to_server), (from_server, writer))]
        await self._ended.wait()
        for way in ways:
            way.cancel()
        await asyncio.wait(ways)
        for each in (to_server, writer):
            each.close()
            with suppress(OSError):
                await each.wait_closed()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (received := await reader.read(65536)) and not self._is_cut:
            writer.write(received)


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


async def test_a_relay_that_waits_for_the_lock_leaves_a_server_that_stops_answering(database: ServiceDatabase, url: Url) -> None:
    port = urlsplit(database.url).port
    assert port is not None
    holder, line = await asyncpg.connect(database.url), Line(port)
    await holder.execute("SELECT pg_advisory_lock(hashtextextended('tested', 0))")
    async with await asyncio.start_server(line.accept, "127.0.0.1", 0) as server:
        lines_port = server.sockets[0].getsockname()[1]
        waiting = asyncio.create_task(wait_for_leadership(url(last=f"127.0.0.1:{lines_port}")))
        await until(lambda: is_waiting(holder))
        line.cut()
        await asyncio.wait({waiting}, timeout=60)
        assert waiting.done()
        failure = waiting.exception()
        assert failure is not None
        assert is_transient(failure)
        await line.end()
    await holder.close()


async def wait_for_leadership(url: str) -> None:
    async with leadership(url, "tested", asyncio.Event()):
        pass


async def is_waiting(connection: asyncpg.Connection) -> bool:
    query = "SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = 'tested' AND query LIKE '%pg_try_advisory_lock%'"
    waits: bool = await connection.fetchval(query)
    return waits


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


async def test_portalctl_reaches_the_host_that_answers_and_reports_when_none_does(url: Url, silent: int) -> None:
    connection = await databases.connect(url(silent), timeout=60)
    await connection.close()
    with pytest.raises(OSError, match="no host answered within 1 s"):
        await databases.connect(url(silent, last=f"127.0.0.1:{silent}"), timeout=1)
