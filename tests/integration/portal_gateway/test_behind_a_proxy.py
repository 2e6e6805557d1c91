"""Refused links are counted by who sent them, and only a proxy that is trusted may say who that was."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import httpx
import pytest
from integration.portal_gateway.gateway import Gateway, running

from chassis.http.server import listen

ANA, DIEGO, PROXY = "203.0.113.7", "2001:db8::7", "127.0.0.1"


@asynccontextmanager
async def served(gateway: Gateway, trusted_proxies: str) -> AsyncIterator[httpx.AsyncClient]:
    """The same gateway on another port, where somebody in front says for whom they ask."""
    sock = listen("127.0.0.1", 0)
    headers = {"host": urlsplit(gateway.url).netloc, "origin": gateway.url}
    url = f"http://127.0.0.1:{sock.getsockname()[1]}"
    async with (
        running(gateway.app, sock, trusted_proxies),
        httpx.AsyncClient(base_url=url, headers=headers, trust_env=False) as proxy,
    ):
        yield proxy


async def refused(proxy: httpx.AsyncClient, *forwarded: str, times: int = 1) -> int:
    """The last answer's status."""
    headers = [("x-forwarded-for", each) for each in forwarded]
    return [(await proxy.post("/api/session", json={"token": "x"}, headers=headers)).status_code for _ in range(times)][-1]


async def counted(gateway: Gateway) -> set[str]:
    return {row["who"] for row in await gateway.pool.fetch("SELECT who FROM use_of_limit WHERE name = 'refused_links'")}


async def test_behind_a_trusted_proxy_everybody_has_a_limit_of_their_own(gateway: Gateway) -> None:
    async with served(gateway, f"{PROXY},10.0.0.0/8") as proxy:
        assert await refused(proxy, ANA, times=61) == 429
        assert await refused(proxy, DIEGO) == 401
    assert await counted(gateway) == {ANA, DIEGO}


@pytest.mark.parametrize(
    "forwarded",
    [(f"{DIEGO}, {ANA}",), (DIEGO, ANA), (f"{DIEGO}, {ANA}, 10.1.2.3",), (DIEGO, f"{ANA}:51234"), ("10.9.9.9", ANA)],
    ids=["in one line", "in two", "through two proxies", "with a port", "as if by a proxy"],
)
async def test_what_the_sender_made_up_is_not_believed(gateway: Gateway, forwarded: tuple[str, ...]) -> None:
    async with served(gateway, f"{PROXY},10.0.0.0/8") as proxy:
        await refused(proxy, *forwarded)
    assert await counted(gateway) == {ANA}


@pytest.mark.parametrize("trusted", ["", "10.0.0.0/8"], ids=["none", "others"])
async def test_whoever_is_not_trusted_is_counted_himself(gateway: Gateway, trusted: str) -> None:
    async with served(gateway, trusted) as stranger:
        assert await refused(stranger, ANA) == await refused(stranger, DIEGO) == 401
    assert await counted(gateway) == {PROXY}
