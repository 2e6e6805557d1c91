"""A token in the path or the query gets the inert page at /enter, and no log contains it."""

from collections.abc import Iterator
from io import StringIO
from urllib.parse import quote

import pytest
from prometheus_client import generate_latest

from support.portal_gateway import story
from support.portal_gateway.gateway import Gateway, Merchant
from support.service_logs import service_logs

ADDRESSES = (
    "/enter%23{}",
    "/enter%2523{}",
    "/enter/%23{}",
    "/enter?utm_source=x&t={}",
    "/%23{}",
    "/?url=https%3A%2F%2Fp%2Fenter%23{}",
)


@pytest.fixture
def written() -> Iterator[StringIO]:
    with service_logs("portal-gateway", "debug") as written:
        yield written


@pytest.fixture
async def ana(merchant: Merchant) -> Merchant:
    await merchant.tell(story.profile())
    return merchant


@pytest.mark.parametrize("address", ADDRESSES)
async def test_a_link_in_a_path_or_query_gets_an_inert_page_and_is_not_logged(
    ana: Merchant, gateway: Gateway, written: StringIO, address: str
) -> None:
    token = (await ana.link()).partition("#")[2]
    async with gateway.browser() as browser:
        for method in ("GET", "HEAD"):
            answer = await browser.request(method, address.format(token))
            assert answer.status_code == 200, answer.text
            assert "set-cookie" not in answer.headers
            assert answer.headers["referrer-policy"] == "no-referrer"
            assert answer.headers["cache-control"] == "no-store"
        page = await browser.get(address.format(token))
        assert "data-enter" in page.text
        assert token not in page.text
        await browser.post("/enter", data={"link": f"x{token}"})
    secret = token.partition(".")[2]
    assert secret not in written.getvalue()
    assert secret not in generate_latest().decode()
    assert await gateway.pool.fetchval("SELECT count(*) FROM portal_session WHERE merchant_id = $1", ana.id) == 0


async def test_a_link_as_a_mail_program_delivers_it_opens_the_portal(ana: Merchant, gateway: Gateway) -> None:
    link = await ana.link()
    async with gateway.browser() as browser:
        for delivered in (
            f"{link}.",
            link.replace("#", "%23"),
            f"https://x.example/?url={quote(link, safe='')}",
            f"{link}&fbclid=1",
        ):
            assert (await browser.post("/api/session", json={"token": delivered})).status_code == 204
            assert (await browser.post("/enter", data={"link": delivered})).status_code == 303


@pytest.mark.parametrize("path", ["/", "/invoices/7?x=a.b", f"/?cursor={'a' * 90}", f"/?cursor={'a' * 60}.{'b' * 43}"])
async def test_other_addresses_are_not_affected(gateway: Gateway, path: str) -> None:
    async with gateway.browser() as browser:
        assert (await browser.get(path)).status_code == 401


async def test_a_token_in_an_address_for_programs_gets_no_page(ana: Merchant, gateway: Gateway) -> None:
    token = (await ana.link()).partition("#")[2]
    async with gateway.browser() as browser:
        answer = await browser.get(f"/api/overview?token={token}")
    assert (answer.status_code, answer.json()["code"]) == (401, "session_required")
