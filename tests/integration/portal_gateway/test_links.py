"""Portal links: creating, listing, revoking and exchanging them. Every invalid link gets the same answer."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from starlette.responses import JSONResponse

from support.http_client import http_client
from support.portal_gateway import story
from support.portal_gateway.gateway import Gateway, Merchant, enter, problem

CLAUDIO = UUID("0190a000-0000-7000-8000-0000000000a2")


@pytest.fixture
async def ana(merchant: Merchant) -> Merchant:
    """A merchant with the customer Ana."""
    await merchant.tell(story.profile())
    return merchant


async def refused(browser: httpx.AsyncClient, token: Any) -> None:
    answer = await browser.post("/api/session", json={"token": token})
    assert (answer.status_code, answer.json()["code"]) == (401, "link_refused")
    assert "set-cookie" not in answer.headers


async def test_a_link_opens_a_session_as_often_as_it_is_used(ana: Merchant) -> None:
    link = await ana.link()
    assert link.startswith(f"{ana.gateway.url}/enter#")
    for _ in range(2):
        async with ana.gateway.browser() as browser:
            entered = await browser.post("/api/session", json={"token": link})
            assert entered.status_code == 204
            assert entered.headers["set-cookie"].endswith("; Path=/; Secure; HttpOnly; SameSite=Lax")


async def test_only_hashes_are_stored(ana: Merchant) -> None:
    link = await ana.link()
    secret = link.rpartition(".")[2]
    async with ana.gateway.browser() as browser:
        await enter(browser, link)
        cookie = browser.headers["cookie"].partition("=")[2]
    for table in ("portal_link", "portal_session", "idempotency"):
        rows = await ana.gateway.pool.fetch(f"SELECT it::text AS it FROM {table} it")
        assert not [row for row in rows if secret in row["it"] or cookie in row["it"]]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: "",
        lambda token: token[:-1],
        lambda token: token[:-1] + ("A" if token[-1] != "A" else "E"),
        lambda token: token[:-1] + chr(ord(token[-1]) ^ 1),
        lambda token: f"{uuid4()}.{token.partition('.')[2]}",
        lambda token: f"{token}\x00",
        lambda token: f"{token}A",
        lambda token: token.replace("e", "\N{CYRILLIC SMALL LETTER IE}"),
        lambda token: "A" * 60_000,
    ],
    ids=["empty", "truncated", "other end", "one bit", "other id", "NUL", "too long", "look-alike", "60 kB"],
)
async def test_an_altered_link_opens_nothing(ana: Merchant, spoil: Any) -> None:
    token = (await ana.link()).rpartition("#")[2]
    spoilt = spoil(token)
    async with ana.gateway.browser() as browser:
        if spoilt == token:
            spoilt = token[:-1]
        await refused(browser, spoilt)


async def test_a_body_without_a_token_or_too_large_is_a_clear_error(gateway: Gateway) -> None:
    async with gateway.browser() as browser:
        for body, status in (
            (b"{}", 422),
            (b"{", 400),
            (b'{"token": 7}', 422),
            (b'{"token": "a", "more": 1}', 422),
            (b"[]", 422),
        ):
            answer = await browser.post("/api/session", content=body, headers={"content-type": "application/json"})
            assert answer.status_code == status, answer.text
        huge = await browser.post("/api/session", json={"token": "A" * 70_000})
        assert (huge.status_code, huge.headers["content-type"]) == (413, "application/problem+json")


async def test_an_expired_link_opens_nothing(ana: Merchant) -> None:
    link = await ana.link()
    await ana.gateway.pool.execute("UPDATE portal_link SET expires_at = now() WHERE merchant_id = $1", ana.id)
    async with ana.gateway.browser() as browser:
        await refused(browser, link)


async def test_a_revoked_link_ends_its_sessions_at_their_next_request(ana: Merchant) -> None:
    link = await ana.link()
    async with ana.gateway.browser() as browser, ana.back_end() as api:
        await enter(browser, link)
        assert (await browser.get("/api/overview")).status_code == 200
        link_id = link.rpartition("#")[2].partition(".")[0]
        assert (await api.delete(f"/v1/portal-links/{link_id}")).status_code == 204
        assert (await api.delete(f"/v1/portal-links/{link_id}")).status_code == 204
        assert (await browser.get("/api/overview")).json()["code"] == "session_required"
        await refused(browser, link)


async def test_concurrent_visits_show_their_own_customer_and_nothing_of_a_revoked_link(ana: Merchant) -> None:
    await ana.tell(story.profile("Claudio"), subject=f"customer-{CLAUDIO}", customer=CLAUDIO)
    another = await ana.gateway.merchant()
    await another.tell(story.profile("Berta"))
    revoked = await ana.link()
    async with AsyncExitStack() as open_, ana.back_end() as api:
        browsers = [
            await open_.enter_async_context(client)
            for client in (
                ana.signed_in(),
                ana.signed_in(CLAUDIO),
                another.signed_in(),
                ana.gateway.browser(),
                ana.gateway.browser(),
            )
        ]
        await enter(browsers[3], revoked)
        await api.delete(f"/v1/portal-links/{revoked.rpartition('#')[2].partition('.')[0]}")
        answers = await asyncio.gather(*(browser.get("/api/overview") for browser in browsers * 8))
    shown = [answer.json()["customer"]["name"] if answer.status_code == 200 else answer.json()["code"] for answer in answers]
    assert shown == ["Ana García", "Claudio", "Berta", "session_required", "session_required"] * 8


async def test_all_links_of_one_customer_are_revoked_and_no_others(ana: Merchant) -> None:
    await ana.tell(story.profile("Claudio"), subject=f"customer-{CLAUDIO}", customer=CLAUDIO)
    links, other = [await ana.link(), await ana.link()], await ana.link(CLAUDIO)
    async with ana.back_end() as api, ana.gateway.browser() as browser:
        assert (await api.delete("/v1/portal-links", params={"customer_id": str(story.ANA)})).status_code == 204
        for link in links:
            await refused(browser, link)
        await enter(browser, other)


async def test_a_session_link_works_once_even_for_concurrent_uses(ana: Merchant) -> None:
    link = await ana.link(kind="session", flow="cancel")
    async with ana.gateway.browser() as one, ana.gateway.browser() as other:
        answers = await asyncio.gather(*(it.post("/api/session", json={"token": link}) for it in (one, other)))
    assert sorted(answer.status_code for answer in answers) == [204, 401]


async def test_a_session_link_waits_for_a_click_and_names_its_target(ana: Merchant) -> None:
    link = await ana.link(kind="session", flow="payment_method")
    assert link.startswith(f"{ana.gateway.url}/enter?continue#")
    async with ana.gateway.browser() as browser:
        await enter(browser, link)
        assert (await browser.get("/api/session")).json()["flow"] == "payment_method"


async def test_more_concurrent_links_than_connections_are_opened(ana: Merchant) -> None:
    key = {"authorization": f"Bearer {ana.api_key}"}
    async with http_client(base_url=ana.gateway.url, headers=key, timeout=20) as client:

        async def create() -> int:
            named = {"idempotency-key": uuid4().hex}
            answer = await client.post("/v1/portal-links", json={"customer_id": str(story.ANA)}, headers=named)
            return answer.status_code

        statuses = await asyncio.gather(*(create() for _ in range(2 * ana.gateway.pool.get_max_size())))
    assert set(statuses) == {201}


async def test_a_link_of_another_merchant_is_not_found(ana: Merchant) -> None:
    link_id = (await ana.link()).rpartition("#")[2].partition(".")[0]
    other = await ana.gateway.merchant()
    async with other.back_end() as api:
        assert (await api.delete(f"/v1/portal-links/{link_id}")).status_code == 404
        assert (await api.delete(f"/v1/portal-links/{uuid4()}")).status_code == 404
        listed = await api.get("/v1/portal-links", params={"customer_id": str(story.ANA)})
        assert listed.json()["items"] == []
        unknown = await api.post("/v1/portal-links", json={"customer_id": str(story.ANA)})
        assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    "body",
    [
        {"customer_id": "x"},
        {},
        {"customer_id": str(story.ANA), "kind": "other"},
        {"customer_id": str(story.ANA), "expires_in": 0},
        {"customer_id": str(story.ANA), "expires_in": "600"},
        {"customer_id": str(story.ANA), "expires_in": 10**9},
        {"customer_id": str(story.ANA), "kind": "session", "expires_in": 601},
        {"customer_id": str(story.ANA), "return_url": "https://evil.example/"},
        {"customer_id": str(story.ANA), "return_url": "https://techsolutions.example@evil.example/"},
        {"customer_id": str(story.ANA), "return_url": "https://techsolutions.example:8443/"},
        {"customer_id": str(story.ANA), "return_url": "javascript:alert(1)"},
        {"customer_id": str(story.ANA), "locale": "<script>"},
        {"customer_id": str(story.ANA), "colour": "red"},
    ],
    ids=str,
)
async def test_an_invalid_link_is_not_created(ana: Merchant, body: dict[str, Any]) -> None:
    async with ana.back_end() as api:
        answer = await api.post("/v1/portal-links", json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert not await ana.gateway.pool.fetchval("SELECT count(*) FROM portal_link WHERE merchant_id = $1", ana.id)


@pytest.mark.parametrize("back", ["https://techsolutions.example/account", "https://shop.example:8443/me?from=portal"])
async def test_a_link_may_return_to_the_merchants_own_sites(ana: Merchant, back: str) -> None:
    await ana.configured(return_origins=("https://shop.example:8443",))
    async with ana.gateway.browser() as browser:
        await enter(browser, await ana.link(return_url=back))
        assert (await browser.get("/api/session")).json()["return_url"] == back


@pytest.mark.parametrize(
    "credential", ["", "Bearer", "Bearer sk_test_short", "Bearer sk_test_" + "A" * 43, "Basic YTpi", "Bearer ey.ey.ey"]
)
async def test_only_merchants_create_links(gateway: Gateway, credential: str) -> None:
    async with http_client(base_url=gateway.url, headers={"authorization": credential}) as stranger:
        answer = await stranger.post("/v1/portal-links", json={"customer_id": str(story.ANA)})
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


async def test_the_same_key_gives_the_same_link_and_another_body_is_refused(ana: Merchant) -> None:
    body = {"customer_id": str(story.ANA)}
    async with ana.back_end() as api:
        key = {"idempotency-key": "mail-17"}
        first, again = [await api.post("/v1/portal-links", json=body, headers=key) for _ in range(2)]
        assert first.status_code == again.status_code == 201
        assert first.json() == again.json()
        other = await api.post("/v1/portal-links", json=body | {"flow": "cancel"}, headers=key)
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert await ana.gateway.pool.fetchval("SELECT count(*) FROM portal_link WHERE merchant_id = $1", ana.id) == 1
    async with ana.gateway.browser() as browser:
        await enter(browser, again.json()["url"])


async def test_an_idempotency_key_that_revoked_one_customers_links_revokes_no_others(ana: Merchant) -> None:
    await ana.tell(story.profile("Claudio"), subject=f"customer-{CLAUDIO}", customer=CLAUDIO)
    link, key = await ana.link(CLAUDIO), {"idempotency-key": "leaving-3"}
    async with ana.back_end() as api, ana.gateway.browser() as browser:
        for _ in range(2):
            first = await api.delete("/v1/portal-links", params={"customer_id": str(story.ANA)}, headers=key)
            assert first.status_code == 204
        other = await api.delete("/v1/portal-links", params={"customer_id": str(CLAUDIO)}, headers=key)
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
        await enter(browser, link)


async def test_links_are_listed_in_pages_without_their_secrets(ana: Merchant) -> None:
    secrets = [(await ana.link()).rpartition(".")[2] for _ in range(3)]
    async with ana.back_end() as api:
        of_ana = {"customer_id": str(story.ANA)}
        first = (await api.get("/v1/portal-links", params=of_ana | {"limit": "2"})).json()
        rest = (await api.get("/v1/portal-links", params=of_ana | {"limit": "2", "cursor": first["next_cursor"]})).json()
        assert [len(first["items"]), len(rest["items"]), rest["next_cursor"]] == [2, 1, None]
        assert len({item["id"] for item in first["items"] + rest["items"]}) == 3
        assert not [secret for secret in secrets if secret in str(first) + str(rest)]
        for wrong in ({"limit": "-1"}, {"limit": "101"}, {"cursor": first["next_cursor"][:-1] + "_"}, {"cursor": "x"}):
            assert (await api.get("/v1/portal-links", params=of_ana | wrong)).status_code == 422


async def test_a_new_customer_is_looked_up_once(merchant: Merchant) -> None:
    owners = merchant.gateway.owners
    known, unknown = f"/v1/customers/{story.ANA}", uuid4()
    owners.answers["GET", known] = JSONResponse({"id": str(story.ANA), "name": "Ana García"})
    link = await merchant.link()
    async with merchant.gateway.browser() as browser:
        await enter(browser, link)
        overview = (await browser.get("/api/overview")).json()
        assert (overview["customer"]["name"], overview["subscriptions"], overview["revision"]) == (None, [], 0)

    async with merchant.back_end() as api:
        for _ in range(3):
            assert (await api.post("/v1/portal-links", json={"customer_id": str(unknown)})).status_code == 404
    assert [path for _, path, _, _ in owners.requests].count(f"/v1/customers/{unknown}") == 1


async def test_an_unknown_customer_is_no_404_while_subscriptions_is_unreachable(merchant: Merchant) -> None:
    merchant.gateway.owners.answers["GET", f"/v1/customers/{story.ANA}"] = problem(503, "service_unavailable")
    async with merchant.back_end() as api:
        answer = await api.post("/v1/portal-links", json={"customer_id": str(story.ANA)})
    assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")


async def test_an_erased_customers_links_open_nothing(ana: Merchant) -> None:
    link = await ana.link()
    async with ana.gateway.browser() as browser:
        await enter(browser, link)
        await ana.erase()
        assert (await browser.get("/api/overview")).status_code == 401
        await refused(browser, link)
    document = await ana.gateway.pool.fetchval("SELECT doc::text FROM customer_view WHERE merchant_id = $1", ana.id)
    assert "Ana" not in document


async def test_too_many_refused_links_are_limited(ana: Merchant) -> None:
    async with ana.gateway.browser() as browser:
        for _ in range(60):
            await refused(browser, "x")
        answer = await browser.post("/api/session", json={"token": "x"})
        good = await browser.post("/api/session", json={"token": await ana.link()})
    assert good.status_code == 204
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_requests")
    assert 1 <= int(answer.headers["retry-after"]) <= 601
    assert answer.json()["retry_at"].endswith("Z")
