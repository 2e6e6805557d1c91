"""Connections to a server or, if the URL names several hosts, to the first of them that fits and answers."""

import asyncio
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from chassis.runtime.faults import NoConnection

CONNECT_SECONDS = 5.0
HEAD_START_SECONDS = 0.5
"""After this time without an answer the next host is tried too."""


async def connect(dsn: str | None = None, *, timeout: float = CONNECT_SECONDS, **options: Any) -> Any:
    """Like `asyncpg.connect`, which waits the whole `timeout` for the first host when that is switched off or unreachable.

    `timeout`, in seconds, is for all hosts together. Raises NoConnection after it, or what the attempt that ended last raised.
    """
    urls = _one_host_each(dsn or "")
    if len(urls) == 1:
        return await asyncpg.connect(dsn, timeout=timeout, **options)
    running: set[asyncio.Task[asyncpg.Connection]] = set()
    try:
        async with asyncio.timeout(timeout):
            return await _first(urls, running, timeout, options)
    except TimeoutError as error:
        raise NoConnection(f"no host answered within {timeout:g} s") from error
    finally:
        for attempt in running:
            attempt.add_done_callback(_discard)
            attempt.cancel()


async def _first(
    urls: list[str], running: set[asyncio.Task[asyncpg.Connection]], timeout: float, options: dict[str, Any]
) -> asyncpg.Connection:
    failure: BaseException | None = None
    while urls or running:
        if urls:
            running.add(asyncio.create_task(asyncpg.connect(urls.pop(0), timeout=timeout, **options)))
        done, _ = await asyncio.wait(running, timeout=HEAD_START_SECONDS if urls else None, return_when=asyncio.FIRST_COMPLETED)
        for attempt in done:
            failure = attempt.exception()
            if failure is None:
                running.discard(attempt)
                return attempt.result()
        running -= done
    assert failure is not None
    raise failure


def _discard(attempt: "asyncio.Task[asyncpg.Connection]") -> None:
    if not attempt.cancelled() and attempt.exception() is None:
        attempt.result().terminate()


def _one_host_each(dsn: str) -> list[str]:
    """The URL once for each host before its path. Hosts in the query stay together."""
    parts = urlsplit(dsn)
    user, at, hosts = parts.netloc.rpartition("@")
    return [urlunsplit(parts._replace(netloc=f"{user}{at}{host}")) for host in hosts.split(",")]
