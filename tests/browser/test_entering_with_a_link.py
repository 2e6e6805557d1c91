"""Entering with a link: prefetches and scanners do not use it, and its secret is only in the body of one request."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from browser.axe import violations
from browser.fast_time import finish_animations
from browser.live_stage import LiveStage
from browser.two_customers import TwoCustomers
from playwright.async_api import Browser, Page, Request, async_playwright, expect
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from portal_gateway.adapters.page.assets import Assets
from support import chromium
from support.browsing import QUIET
from support.portal_page.page_objects import PortalPage, Visitor, paste_link
from support.unattended_browser import browsing

KINDS = ["portal", "session"]
MAIL = """<script type="speculationrules">{"%s": [{"source": "list", "urls": ["%s"], "eagerness": "immediate"}]}</script>
<script>fetch("/waits").then(() => { location.href = "%s"; });</script>"""
"""A page with speculation rules for the link. It opens the link after the server has answered."""


# A link for one use waits for a click. Until then a reload does not use it.


async def test_a_link_for_one_use_survives_a_reload_before_the_click(page: Page, two_customers: TwoCustomers) -> None:
    link = await two_customers.ana(kind="session")
    await page.goto(link)
    for _ in range(2):
        await expect(page.locator("#continue")).to_be_visible()
        assert await page.context.cookies() == []
        await page.reload()
    await page.locator("#continue").click()
    await expect(PortalPage(page).method).to_contain_text("Visa •••• 4242")
    await page.goto(link)
    await page.locator("#continue").click()
    await expect(page.locator("[data-refused]")).to_be_visible()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_links_secret_is_only_in_the_body_of_one_request(page: Page, two_customers: TwoCustomers, kind: str) -> None:
    link = await two_customers.ana(kind=kind)
    secret, requests = link.rpartition(".")[2], list[Request]()
    page.on("request", lambda request: requests.append(request))
    await page.goto(link)
    if kind == "session":
        await page.reload()
        await page.locator("#continue").click()
    await expect(PortalPage(page).method).to_contain_text("Visa •••• 4242")
    bodies = [request.post_data or "" for request in requests]
    assert [body for body in bodies if secret in body] == [json.dumps({"token": link.partition("#")[2]}, separators=(",", ":"))]
    for request in requests:
        # The headers of a stream are only complete when it ends.
        headers = request.headers if request.resource_type == "eventsource" else await request.all_headers()
        assert secret not in json.dumps([request.url, headers])
    traces = await page.evaluate("""() => JSON.stringify([
        navigation.entries().map((entry) => entry.url), document.referrer, { ...localStorage }, { ...sessionStorage },
        history.state, document.cookie])""")
    assert secret not in traces


async def test_the_address_no_longer_contains_the_secret_when_it_is_sent(page: Page, two_customers: TwoCustomers) -> None:
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(page.url) if request.method == "POST" else None)
    await page.goto(await two_customers.ana(kind="session"))
    await page.locator("#continue").click()
    await expect(PortalPage(page).method).to_contain_text("Visa •••• 4242")
    assert addresses == [f"{two_customers.gateway.url}/enter"]


async def test_after_a_lost_answer_a_retry_finds_the_session(page: Page, two_customers: TwoCustomers) -> None:
    """The second request, which checks that the cookie was stored, fails at first."""
    await page.goto(await two_customers.ana(kind="session"))
    await page.route("**/api/session", lambda route: route.abort() if route.request.method == "GET" else route.continue_())
    await page.locator("#continue").click()
    await expect(page.locator("[data-unreachable]")).to_be_visible()
    await page.unroute("**/api/session")
    await page.locator("[data-unreachable] button").click()
    await expect(PortalPage(page).method).to_contain_text("Visa •••• 4242")


# Requests that only look.


@pytest.mark.parametrize("kind", KINDS)
async def test_link_scanners_do_not_use_a_link(page: Page, browser: Browser, two_customers: TwoCustomers, kind: str) -> None:
    """Scanners use every method and put the secret into the address. One of them runs scripts."""
    link = await two_customers.ana(kind=kind)
    async with two_customers.gateway.browser() as scanner:
        for method in ("HEAD", "GET", "OPTIONS"):
            for address in (link, link.replace("#", "%23"), link.replace("#", "?"), link.replace("/enter", "")):
                answer = await scanner.request(method, address)
                assert "set-cookie" not in answer.headers, (method, address)
        assert [(await scanner.request(method, link)).status_code for method in ("HEAD", "GET")] == [200, 200]
    if kind == "session":
        looking = await browser.new_context()
        looked = await looking.new_page()
        await looked.goto(link)
        await expect(looked.locator("#continue")).to_be_visible()
        await looking.close()
    assert await two_customers.open_sessions() == 0
    await page.goto(link)
    if kind == "session":
        await page.locator("#continue").click()
    await expect(PortalPage(page).method).to_contain_text("Visa •••• 4242")


class RecordingApp:
    """Records requests with their Sec-Purpose. Serves /mail, and answers /waits when a test allows it."""

    def __init__(self, app: ASGIApp, mail: str) -> None:
        self._app, self._mail = app, mail
        self.requests: list[tuple[str, str, str]] = []
        """(method, path, Sec-Purpose)"""
        self.answer_wait = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/mail":
            return await HTMLResponse(self._mail)(scope, receive, send)
        if scope["path"] == "/waits":
            await self.answer_wait.wait()
            return await HTMLResponse()(scope, receive, send)
        purpose = dict(scope["headers"]).get(b"sec-purpose", b"").decode()
        self.requests.append((scope["method"], scope["path"], purpose))
        return await self._app(scope, receive, send)

    async def wait_for(self, method: str, path: str) -> None:
        async with asyncio.timeout(60):
            while (method, path) not in {each[:2] for each in self.requests}:
                await asyncio.sleep(0.1)


class Mailbox(LiveStage):
    """A stage of a customer who reads mail in a browser that prefetches links."""

    def __init__(self, action: str) -> None:
        super().__init__()
        self.action = action

    def app(self, **options: Any) -> Any:
        self.recorder = RecordingApp(super().app(**options), MAIL % (self.action, self.link, self.link))
        return self.recorder


@pytest.mark.parametrize("action", ["prefetch", "prerender"])
async def test_prefetch_and_prerender_do_not_use_a_link(action: str) -> None:
    async with Mailbox(action).open() as stage, browsing(f"{stage.origin}/mail"):
        recorder = stage.recorder
        await recorder.wait_for("GET", "/enter")
        if action == "prerender":
            await recorder.wait_for("GET", Assets().url("enter.js"))
            await asyncio.sleep(1)
        assert {(method, bool(purpose)) for method, path, purpose in recorder.requests if path != "/favicon.ico"} == {
            ("GET", True)
        }
        recorder.answer_wait.set()
        await recorder.wait_for("POST", "/api/session")
        await recorder.wait_for("GET", "/api/stream")


# The session cookie.


async def test_the_cookie_is_bound_to_the_host_and_hidden_from_scripts(page: Page, two_customers: TwoCustomers) -> None:
    await Visitor(page, await two_customers.ana()).enter()
    (cookie,) = await page.context.cookies()
    attributes = {name: cookie.get(name) for name in ("name", "domain", "path", "expires", "httpOnly", "secure", "sameSite")}
    assert attributes == {
        "name": "__Host-portal",
        "domain": "127.0.0.1",
        "path": "/",
        "expires": -1,
        "httpOnly": True,
        "secure": True,
        "sameSite": "Lax",
    }
    assert await page.evaluate("document.cookie") == ""


async def test_cookies_of_other_applications_on_the_host_are_ignored(page: Page, two_customers: TwoCustomers) -> None:
    others = [{"name": name, "value": '{"a":1}', "url": two_customers.gateway.url} for name in ("portal", "x", "lang")]
    await page.context.add_cookies(others)  # type: ignore[arg-type]
    await Visitor(page, await two_customers.ana()).enter()
    await page.reload()
    await expect(PortalPage(page).method).to_contain_text("Visa •••• 4242")


@asynccontextmanager
async def without_cookies(profile: Path) -> AsyncIterator[Page]:
    """A page of a browser that blocks all cookies."""
    (profile / "Default").mkdir(parents=True)
    blocked = {"profile": {"default_content_setting_values": {"cookies": 2}}}
    (profile / "Default" / "Preferences").write_text(json.dumps(blocked))
    async with async_playwright() as playwright:
        executable = await chromium.executable()
        context = await playwright.chromium.launch_persistent_context(
            profile, executable_path=executable, args=QUIET, locale="es-MX"
        )
        yield await context.new_page()
        await context.close()


async def test_a_browser_without_cookies_gets_an_explanation(tmp_path: Path, two_customers: TwoCustomers) -> None:
    async with without_cookies(tmp_path) as page:
        await page.goto(await two_customers.ana())
        await expect(page.locator("[data-no-cookie]")).to_be_visible()
        await page.goto(f"{two_customers.gateway.url}/enter")
        await paste_link(page, await two_customers.ana())
        await expect(page.locator("[data-code=not_opened]")).to_be_visible()


# The script that checks the link is blocked.


@pytest.mark.parametrize("script", ["enter.js", "words.js"])
async def test_without_the_script_the_link_can_be_pasted(page: Page, script: str) -> None:
    async with LiveStage().open() as stage:
        await page.route(f"**{Assets().url(script)}", lambda route: route.abort())
        await page.goto(stage.link)
        field = page.locator("#link")
        await expect(page.locator("[data-wait]")).to_be_visible()
        await expect(field).to_be_hidden()
        await finish_animations(page)
        await expect(field).to_be_visible()
        await expect(page.locator("[data-blocked]")).to_be_visible()
        await expect(page.locator("[data-wait]")).to_be_hidden()
        assert await violations(page) == []
        await paste_link(page, stage.link)
        await expect(PortalPage(page).method).to_contain_text("Visa •••• 4242")
