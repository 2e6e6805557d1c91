"""Sessions, and the checks of every request before routing."""

from typing import Any

import httpx
import pytest

from chassis.http.admin import admin_app
from support.http_client import http_client
from support.portal_gateway import story
from support.portal_gateway.gateway import Gateway, Merchant, enter


@pytest.fixture
async def ana(merchant: Merchant) -> Merchant:
    await merchant.tell(story.profile())
    return merchant


async def code(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


@pytest.mark.parametrize(
    "cookie",
    ["", "__Host-portal=", "__Host-portal=abc", f"__Host-portal={'A' * 43}", f"__Host-portal={'A' * 60_000}", "portal=x"],
    ids=["none", "empty", "truncated", "unknown", "60 kB", "other name"],
)
@pytest.mark.parametrize("path", ["session", "overview", "stream", "invoices", f"invoices/{story.invoice_id(5)}/pdf"])
async def test_without_a_live_session_nothing_is_shown(gateway: Gateway, cookie: str, path: str) -> None:
    async with gateway.browser() as browser:
        answer = await browser.get(f"/api/{path}", headers={"cookie": cookie} if cookie else {})
    if answer.status_code != 431:  # the server itself refuses a too large header
        assert await code(answer) == (401, "session_required")
        assert answer.json()["detail"]


async def test_a_session_ends_after_idle_time_and_after_a_working_day(ana: Merchant) -> None:
    pool = ana.gateway.pool
    for column, ago in (("seen_at", "30 min"), ("started_at", "8 h")):
        async with ana.signed_in() as browser:
            assert (await browser.get("/api/overview")).status_code == 200
            await pool.execute(f"UPDATE portal_session SET {column} = now() - interval '{ago}' WHERE merchant_id = $1", ana.id)
            assert await code(await browser.get("/api/overview")) == (401, "session_required")


async def test_using_a_session_prolongs_it_and_reading_its_end_does_not(ana: Merchant) -> None:
    async with ana.signed_in() as browser:
        idle = "UPDATE portal_session SET seen_at = now() - interval '20 min' WHERE merchant_id = $1"
        await ana.gateway.pool.execute(idle, ana.id)
        looked = [(await browser.get("/api/session")).json()["ends_at"] for _ in range(2)]
        assert looked[0] == looked[1]
        prolonged = (await browser.post("/api/session/extend")).json()
        assert prolonged["ends_at"] > looked[0]
        assert prolonged["latest_end"] > prolonged["ends_at"]
        await ana.gateway.pool.execute(idle, ana.id)
        await browser.get("/api/overview")
        assert (await browser.get("/api/session")).json()["ends_at"] > looked[0]


async def test_the_use_of_a_session_is_stored_once_a_minute(ana: Merchant) -> None:
    version = "SELECT xmin::text FROM portal_session WHERE merchant_id = $1"
    async with ana.signed_in() as browser:
        for path in ("/api/overview", "/", "/api/invoices"):
            await ana.gateway.pool.execute(
                "UPDATE portal_session SET seen_at = now() - interval '59 s' WHERE merchant_id = $1", ana.id
            )
            seen = await ana.gateway.pool.fetchval(version, ana.id)
            assert (await browser.get(path)).status_code == 200
            assert await ana.gateway.pool.fetchval(version, ana.id) == seen
            await ana.gateway.pool.execute(
                "UPDATE portal_session SET seen_at = now() - interval '61 s' WHERE merchant_id = $1", ana.id
            )
            seen = await ana.gateway.pool.fetchval(version, ana.id)
            for _ in range(3):
                assert (await browser.get(path)).status_code == 200
            assert await ana.gateway.pool.fetchval(version, ana.id) != seen


@pytest.mark.parametrize("over", ["ended_at = now()", "seen_at = now() - interval '30 min'"])
async def test_an_ended_session_is_not_prolonged(ana: Merchant, over: str) -> None:
    row = "SELECT xmin::text FROM portal_session WHERE merchant_id = $1"
    async with ana.signed_in() as browser:
        await ana.gateway.pool.execute(f"UPDATE portal_session SET {over} WHERE merchant_id = $1", ana.id)
        before = await ana.gateway.pool.fetchval(row, ana.id)
        for path in ("/api/overview", "/", "/api/invoices"):
            assert (await browser.get(path)).status_code == 401
        assert await ana.gateway.pool.fetchval(row, ana.id) == before


async def test_a_live_update_of_a_page_does_not_prolong_the_session(ana: Merchant) -> None:
    async with ana.signed_in() as browser:
        await ana.gateway.pool.execute(
            "UPDATE portal_session SET seen_at = now() - interval '20 min' WHERE merchant_id = $1", ana.id
        )
        ends = (await browser.get("/api/session")).json()["ends_at"]
        assert (await browser.get("/", headers={"x-live": "1"})).status_code == 200
        assert (await browser.get("/api/session")).json()["ends_at"] == ends
        assert (await browser.get("/")).status_code == 200
        assert (await browser.get("/api/session")).json()["ends_at"] > ends


async def test_an_exchange_ends_the_session_that_the_browser_had(ana: Merchant) -> None:
    async with ana.signed_in() as browser:
        before = browser.headers["cookie"]
        await enter(browser, await ana.link())
        assert browser.headers["cookie"] != before
        old = await browser.get("/api/overview", headers={"cookie": before})
        assert await code(old) == (401, "session_required")
        assert (await browser.get("/api/overview")).status_code == 200


async def test_logging_out_clears_cookie_and_storage(ana: Merchant) -> None:
    async with ana.signed_in() as browser:
        left = await browser.delete("/api/session")
        assert left.status_code == 204
        assert left.headers["clear-site-data"] == '"cache", "storage"'
        assert "__Host-portal=; Max-Age=0" in left.headers["set-cookie"]
        assert await code(await browser.get("/api/overview")) == (401, "session_required")


async def test_logging_out_can_revoke_the_link(ana: Merchant) -> None:
    link = await ana.link()
    async with ana.gateway.browser() as browser, ana.gateway.browser() as other:
        await enter(browser, link)
        await enter(other, link)
        left = await browser.request("DELETE", "/api/session", json={"revoke_link": True})
        assert left.status_code == 204
        assert await code(await other.get("/api/overview")) == (401, "session_required")
        assert await code(await other.post("/api/session", json={"token": link})) == (401, "link_refused")


ATTEMPTS = [
    ("POST", "/api/session/extend", None),
    ("DELETE", "/api/session", None),
    ("POST", f"/api/subscriptions/{story.SUBSCRIPTION}/cancellation", {}),
    ("DELETE", f"/api/subscriptions/{story.SUBSCRIPTION}/cancellation", None),
    ("POST", "/api/payment-method/setup", None),
    ("PUT", "/api/payment-method", {"setup_id": "s", "token": "t", "charge_invoices": []}),
]


@pytest.mark.parametrize(("method", "path", "body"), ATTEMPTS, ids=lambda part: str(part)[-30:])
async def test_only_a_portal_page_of_the_same_session_changes_anything(ana: Merchant, method: str, path: str, body: Any) -> None:
    async with ana.signed_in() as browser, ana.signed_in() as other:

        async def attempt(**headers: str | None) -> tuple[int, str]:
            all_headers = {**browser.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
            async with http_client(base_url=ana.gateway.url) as plain:
                sent = {name: value for name, value in all_headers.items() if value is not None}
                sent |= {"content-length": "0"} if body is None else {}
                return await code(await plain.request(method, path, headers=sent, json=body))

        for headers in (
            {"origin": "https://evil.example"},
            {"origin": "null"},
            {"origin": None},
            {"origin": ana.gateway.url + ".evil.example"},
            {"sec_fetch_site": "cross-site"},
            {"sec_fetch_site": "same-site"},
            {"sec_fetch_site": "none"},
        ):
            assert await attempt(**headers) == (403, "cross_origin")
        assert await attempt(x_csrf_token=None) == (403, "csrf_required")
        assert await attempt(x_csrf_token=other.headers["x-csrf-token"]) == (409, "session_changed")
        assert await attempt(cookie=None) == (401, "session_required")
        assert (await browser.get("/api/overview")).status_code == 200
    assert ana.gateway.owners.requests == []


@pytest.mark.parametrize(
    "path", ["/", "/payment-method", "/?year=2023", f"/subscriptions/{story.SUBSCRIPTION}/cancel", "/api/session"]
)
async def test_a_page_of_another_session_gets_no_part_of_this_one(ana: Merchant, path: str) -> None:
    """The requests of an open page's scripts: panes, dialogs, the session's end."""
    async with ana.signed_in() as browser, ana.signed_in() as other:
        mixed = await browser.get(path, headers={"x-csrf-token": other.headers["x-csrf-token"]})
        assert (mixed.status_code, "pane-" in mixed.text) == (409, False)
        assert (await browser.get("/")).status_code == 200


async def test_same_origin_fetch_metadata_is_enough(ana: Merchant) -> None:
    async with ana.signed_in() as browser:
        del browser.headers["origin"]
        assert (await browser.post("/api/session/extend", headers={"sec-fetch-site": "same-origin"})).status_code == 200


async def test_another_host_is_redirected_or_refused(gateway: Gateway) -> None:
    async with gateway.browser() as browser:
        led = await browser.get("/invoices/7?lang=en&x=%0d%0a", headers={"host": "evil.example"})
        assert (led.status_code, led.headers["location"]) == (308, f"{gateway.url}/invoices/7?lang=en&x=%0d%0a")
        double = await browser.get(f"{gateway.url}//evil.example/%0d%0aset-cookie:x", headers={"host": "evil.example"})
        assert double.headers["location"] == f"{gateway.url}/evil.example/%0d%0aset-cookie:x"
        refused = await browser.post("/api/session", json={"token": "x"}, headers={"host": "evil.example"})
        assert await code(refused) == (421, "misdirected_request")


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics", "/openapi.json"])
async def test_operators_addresses_are_not_found(ana: Merchant, path: str) -> None:
    async with ana.gateway.browser() as stranger, ana.signed_in() as browser:
        for client in (stranger, browser):
            assert await code(await client.get(path)) == (404, "not_found")
            assert await code(await client.post(path)) == (404, "not_found")
        led = await stranger.get(path, headers={"host": "10.0.0.7"})
        assert (led.status_code, led.headers["location"]) == (308, f"{ana.gateway.url}{path}")


READ = [
    *(
        "/",
        "/enter",
        "/ended",
        "/payment-method",
        f"/subscriptions/{story.SUBSCRIPTION}/cancel",
        "/invoices/nonsense",
        "/nowhere",
    ),
    *("/api/session", "/api/overview", "/api/invoices", "/api/nowhere", "/media/none.webp", "/static/none.js", "/metrics"),
]


@pytest.mark.parametrize("path", READ)
async def test_head_is_answered_like_get(ana: Merchant, path: str) -> None:
    volatile = {"date", "content-length", "x-request-id"}
    async with ana.signed_in() as browser, ana.gateway.browser() as stranger:
        for client in (browser, stranger):
            got, head = await client.get(path), await client.head(path)
            assert (head.status_code, head.content) == (got.status_code, b"")
            assert {*head.headers} == {*got.headers}
            assert {it for it in head.headers.items() if it[0] not in volatile} <= {*got.headers.items()}


async def test_head_of_the_stream_ends(ana: Merchant) -> None:
    async with ana.signed_in() as browser:
        head = await browser.head("/api/stream")
        assert (head.status_code, head.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/", "GET, HEAD, OPTIONS"),
        ("/enter", "GET, HEAD, POST, OPTIONS"),
        ("/logout", "POST, OPTIONS"),
        ("/api/session", "GET, HEAD, POST, DELETE, OPTIONS"),
        (f"/api/subscriptions/{story.SUBSCRIPTION}/cancellation", "POST, DELETE, OPTIONS"),
        ("/v1/portal-links", "GET, HEAD, POST, DELETE, OPTIONS"),
    ],
)
async def test_an_unknown_method_is_405_and_an_unknown_path_404(ana: Merchant, path: str, methods: str) -> None:
    async with ana.signed_in() as browser:
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - set(methods.split(", ")):
            refused = await browser.request(method, path)
            assert (refused.status_code, refused.headers["allow"]) == (405, methods)
            assert (await browser.request(method, "/nowhere")).status_code == 404
        options = await browser.options(path)
        assert (options.status_code, options.headers["allow"]) == (204, methods)
        assert (await browser.options("/nowhere")).status_code == 404


@pytest.mark.parametrize("path", ["/api/session", "/media/none.webp", "/nowhere", "/api/nowhere"])
async def test_every_response_has_the_security_headers(gateway: Gateway, path: str) -> None:
    async with gateway.browser() as browser:
        headers = (await browser.get(path)).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    for part in ("frame-src http://localhost:4242", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"):
        assert part in policy
    assert "unsafe" not in policy
    assert headers["cache-control"] == "no-store"
    assert headers["x-robots-tag"] == "noindex, nofollow"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["x-content-type-options"] == "nosniff"
    assert "camera=(), " in headers["permissions-policy"]
    assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"


async def test_the_gateway_is_ready_after_the_initial_read(gateway: Gateway) -> None:
    transport = httpx.ASGITransport(admin_app("portal-gateway", gateway.health))
    async with httpx.AsyncClient(transport=transport, base_url="http://admin") as operator:
        answer = await operator.get("/health/ready")
    assert (answer.status_code, answer.json()["failures"]) == (503, {"projections": "the topics have not been read up to now"})
