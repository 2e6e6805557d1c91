"""Refused links are counted per address; only a trusted proxy determines the address."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from urllib.parse import urlsplit

import httpx
import pytest

from chassis.http.problems import Problem
from chassis.http.server import listen
from portal_gateway.adapters.storage.limits import StoredLimits
from portal_gateway.application.limits import Limit
from support.http_client import http_client
from support.portal_gateway import story
from support.portal_gateway.gateway import Gateway, Merchant, running

ANA, DIEGO, PROXY = "203.0.113.7", "2001:db8::7", "127.0.0.1"


@asynccontextmanager
async def served(gateway: Gateway, trusted_proxies: str) -> AsyncIterator[httpx.AsyncClient]:
    """The same gateway on another port, behind a proxy that forwards the client's address."""
    sock = listen("127.0.0.1", 0)
    headers = {"host": urlsplit(gateway.url).netloc, "origin": gateway.url}
    url = f"http://127.0.0.1:{sock.getsockname()[1]}"
    async with (
        running(gateway.app, sock, trusted_proxies),
        http_client(base_url=url, headers=headers) as proxy,
    ):
        yield proxy


async def refused(proxy: httpx.AsyncClient, *forwarded: str, times: int = 1) -> int:
    """The status of the last response."""
    headers = [("x-forwarded-for", each) for each in forwarded]
    return [(await proxy.post("/api/session", json={"token": "x"}, headers=headers)).status_code for _ in range(times)][-1]


async def counted(gateway: Gateway) -> set[str]:
    return {row["who"] for row in await gateway.pool.fetch("SELECT who FROM use_of_limit WHERE name = 'refused_links'")}


async def test_behind_a_trusted_proxy_each_address_has_its_own_limit(gateway: Gateway) -> None:
    async with served(gateway, f"{PROXY},10.0.0.0/8") as proxy:
        assert await refused(proxy, ANA, times=61) == 429
        assert await refused(proxy, DIEGO) == 401
    assert await counted(gateway) == {ANA, "2001:db8::/64"}


async def test_an_ipv6_network_is_counted_as_one_address(gateway: Gateway) -> None:
    async with served(gateway, f"{PROXY},10.0.0.0/8") as proxy:
        assert [await refused(proxy, f"2001:db8::{host:x}") for host in range(60)] == [401] * 60
        assert await refused(proxy, DIEGO) == 429
        assert await refused(proxy, "2001:db8:0:1::7") == 401
        assert await refused(proxy, "::ffff:203.0.113.7") == 401
    assert await counted(gateway) == {"2001:db8::/64", "2001:db8:0:1::/64", ANA}


async def test_the_number_of_counted_addresses_is_bounded(gateway: Gateway) -> None:
    limit = Limit("guesses", 2, timedelta(minutes=10), counted_max=3)
    stored = StoredLimits(gateway.pool)
    for who in ("a", "b", "c", "d", "e", "d", "d", "d"):
        await stored.take(limit, who)
    await stored.take(limit, "a")
    with pytest.raises(Problem, match="429"):
        await stored.take(limit, "a")
    rows = await gateway.pool.fetch("SELECT who, cardinality(uses) AS uses FROM use_of_limit WHERE name = 'guesses' ORDER BY who")
    assert [tuple(row) for row in rows] == [("a", 2), ("b", 1), ("c", 1)]


async def test_a_valid_link_works_after_many_refused_ones_from_the_same_network(gateway: Gateway, merchant: Merchant) -> None:
    await merchant.tell(story.profile())
    link = await merchant.link()
    async with served(gateway, "") as stranger:
        assert await refused(stranger, ANA, times=61) == 429
        assert (await stranger.post("/api/session", json={"token": link})).status_code == 204
        assert (await stranger.post("/enter", data={"link": link})).status_code == 303
        assert await refused(stranger, ANA) == 429
    count_query = "SELECT cardinality(uses) FROM use_of_limit WHERE name = 'refused_links'"
    assert await gateway.pool.fetchval(count_query) == 60
