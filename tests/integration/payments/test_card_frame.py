"""The card page in a real browser, framed by a page on another origin that records its messages."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from playwright.async_api import Browser, FrameLocator, Page, async_playwright, expect

from chassis.http.server import listen, serve
from payments.adapters.card_page.words import language_of, words_for
from support import chromium
from support.payments.card_page import OWED, SETUP, CardPageFakes, page_of, setup_of
from support.portal_page.page_objects import press
from support.ports import free_port

SPANISH = words_for(language_of("es"))
PORTAL_PAGE = """<!doctype html><html lang="es"><meta name="viewport" content="width=device-width"><title>Portal</title>
<style>body { margin: 0 } iframe { border: 0; width: 100%%; display: block }</style>
<main><h1>Portal</h1><iframe id="frame" title="Tarjeta" src="%s/cards/%s"></iframe></main>
<script>
  window.heard = [];
  addEventListener("message", (event) => {
    heard.push({ origin: event.origin, ...event.data });
    if (event.data.type === "height") document.getElementById("frame").height = event.data.height;
  });
</script></html>"""


@dataclass
class Portal:
    page: Page
    around: CardPageFakes
    cards: str
    origin: str
    elsewhere: str

    @property
    def card(self) -> FrameLocator:
        return self.page.frame_locator("#frame")

    async def heard(self, type: str) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = await self.page.evaluate("type => heard.filter((each) => each.type === type)", type)
        return messages

    async def until_heard(self, type: str) -> None:
        await self.page.wait_for_function("type => heard.some((each) => each.type === type)", arg=type)

    async def visit(self, origin: str | None = None) -> None:
        await self.page.goto(origin or self.origin)

    async def fill(self, number: str = "4242424242424242", exp: str = "1225", cvc: str = "123") -> None:
        for field, text in (("number", number), ("exp", exp), ("cvc", cvc)):
            await self.card.locator(f"#{field}").fill("")
            await self.card.locator(f"#{field}").press_sequentially(text)

    async def confirm(self) -> None:
        await press(self.card.locator("#confirm"))

    async def say(self, message: dict[str, Any], to: str | None = None) -> None:
        sent = {"v": 1, "setup_id": str(SETUP), **message}
        if message.get("ok") is False:
            sent.setdefault("retry_after", 60)
        script = "([message, to]) => document.getElementById('frame').contentWindow.postMessage(message, to)"
        await self.page.evaluate(script, [sent, to or self.cards])


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=await chromium.executable())
        yield started
        await started.close()


@asynccontextmanager
async def served(app: FastAPI, *sockets: tuple[str, int]) -> AsyncIterator[None]:
    server = serve(app, grace_seconds=1)
    running = asyncio.create_task(server.serve([listen(*each) for each in sockets]))
    try:
        yield
    finally:
        server.should_exit = True
        await running


def portal_app(cards: str) -> FastAPI:
    app = FastAPI()

    @app.get("/")
    async def page() -> HTMLResponse:
        return HTMLResponse(PORTAL_PAGE % (cards, SETUP))

    return app


@pytest.fixture
async def portal(browser: Browser) -> AsyncIterator[Portal]:
    ports = free_port(), free_port(), free_port()
    cards, origin, elsewhere = f"http://localhost:{ports[0]}", f"http://127.0.0.1:{ports[1]}", f"http://127.0.0.1:{ports[2]}"
    around = CardPageFakes()
    async with AsyncExitStack() as stack:
        page_app = page_of(around, around.provider, around.authentications, cards, origin)
        await stack.enter_async_context(served(page_app, ("127.0.0.1", ports[0])))
        await stack.enter_async_context(served(portal_app(cards), ("127.0.0.1", ports[1]), ("127.0.0.1", ports[2])))
        context = await browser.new_context(viewport={"width": 480, "height": 760})
        stack.push_async_callback(context.close)
        page = await context.new_page()
        page.set_default_timeout(10_000)
        yield Portal(page, around, cards, origin, elsewhere)


async def test_a_card_becomes_a_token_that_only_the_portal_hears(portal: Portal) -> None:
    await portal.visit()
    await portal.until_heard("ready")
    await portal.fill()
    await portal.confirm()
    await portal.until_heard("token")
    [token] = await portal.heard("token")
    card = {"token": "tok_1", "brand": "visa", "last4": "4242", "exp": "12/2025"}
    assert token == {"origin": portal.cards, "v": 1, "setup_id": str(SETUP), "type": "token", **card}
    assert "4242424242424242" not in str(await portal.page.evaluate("heard"))
    assert len(await portal.heard("submitting")) == 1
    await expect(portal.card.locator("#number")).to_be_disabled()


async def test_the_card_page_shows_the_answer_of_the_portal(portal: Portal) -> None:
    await portal.visit()
    await portal.fill()
    await portal.confirm()
    await portal.until_heard("token")
    await portal.say({"type": "result", "ok": False, "code": "card_declined"})
    await expect(portal.card.locator("#number")).to_have_accessible_description(SPANISH["card_declined"])
    await expect(portal.card.locator("#number")).to_be_focused()
    await portal.confirm()
    await expect(portal.card.locator("#confirm")).to_be_disabled()
    await portal.say({"type": "result", "ok": False, "code": "incorrect_cvc"})
    await expect(portal.card.locator("#cvc")).to_have_value("")
    await expect(portal.card.locator("#cvc")).to_have_accessible_description(SPANISH["incorrect_cvc"])
    await portal.fill()
    await portal.confirm()
    await portal.page.wait_for_function("heard.filter((each) => each.type === 'token').length === 3")
    await portal.say({"type": "result", "ok": True})
    await expect(portal.card.get_by_role("status")).to_have_text(SPANISH["done"])
    await expect(portal.card.locator("#number")).to_have_value("")


async def test_a_changed_amount_is_on_the_button_before_it_is_paid(portal: Portal) -> None:
    await portal.visit()
    await portal.fill()
    await portal.confirm()
    await portal.until_heard("token")
    portal.around.setup = setup_of(due=OWED)
    await portal.say({"type": "result", "ok": False, "code": "due_changed"})
    await expect(portal.card.locator("#confirm")).to_contain_text("29.99 USD")
    await expect(portal.card.locator("#confirm")).to_be_enabled()
    await expect(portal.card.get_by_role("alert")).to_have_text(SPANISH["due_changed"])


async def test_mistakes_are_shown_at_their_fields_and_not_sent(portal: Portal) -> None:
    await portal.visit()
    await portal.fill("4111111111111111", "1222", "12")
    await portal.confirm()
    for field, code in (("number", "test_numbers_only"), ("exp", "exp_past"), ("cvc", "cvc_length")):
        await expect(portal.card.locator(f"#{field}")).to_have_accessible_description(SPANISH[code])
        await expect(portal.card.locator(f"#{field}")).to_have_attribute("aria-invalid", "true")
    await expect(portal.card.locator("#number")).to_be_focused()
    assert portal.around.tokenised == []
    await portal.fill("378282246310005", "12/25", "1234")
    await expect(portal.card.locator("#number")).to_have_value("3782 822463 10005")
    await portal.confirm()
    await portal.until_heard("token")


@pytest.mark.parametrize("typed", ["1225", "12/25", "12 / 25", "12-25", "12/2025"])
async def test_an_expiry_can_be_typed_as_it_is_printed(portal: Portal, typed: str) -> None:
    await portal.visit()
    await portal.card.locator("#exp").press_sequentially(typed)
    await expect(portal.card.locator("#exp")).to_have_value("12 / 2025" if "2025" in typed else "12 / 25")


async def test_a_double_click_sends_one_card(portal: Portal) -> None:
    await portal.visit()
    await portal.fill()
    await press(portal.card.locator("#confirm"), clicks=2)
    await portal.until_heard("token")
    await portal.page.wait_for_timeout(300)
    assert len(portal.around.tokenised) == 1


async def test_its_button_and_escape_ask_the_portal_to_close(portal: Portal) -> None:
    await portal.visit()
    await press(portal.card.locator("#back"))
    await portal.card.locator("#cvc").press("Escape")
    await portal.page.wait_for_function("heard.filter((each) => each.type === 'close').length === 2")


async def test_when_the_portal_never_answers_nothing_is_promised(portal: Portal) -> None:
    await portal.page.clock.install()
    await portal.visit()
    await portal.fill()
    await portal.confirm()
    await portal.until_heard("token")
    await expect(portal.card.locator("#confirm")).to_be_disabled()
    await portal.page.clock.fast_forward(60_000)
    await expect(portal.card.get_by_role("alert")).to_have_text(SPANISH["unknown"])
    await expect(portal.card.locator("#back")).to_be_enabled()


async def test_no_other_origin_may_frame_it(portal: Portal) -> None:
    await portal.visit(portal.elsewhere)
    await portal.page.wait_for_timeout(500)
    assert await portal.page.evaluate("heard") == []
    assert await portal.card.locator("input").count() == 0


async def test_on_its_own_it_takes_no_card(portal: Portal) -> None:
    await portal.page.goto(f"{portal.cards}/cards/{SETUP}")
    await expect(portal.page.get_by_role("alert")).to_have_text(SPANISH["alone"])
    await expect(portal.page.locator("#number")).to_be_disabled()


async def test_an_ended_set_up_notifies_the_portal(portal: Portal) -> None:
    portal.around.setup = None
    await portal.visit()
    await portal.until_heard("error")
    assert (await portal.heard("error"))[0]["code"] == "setup_gone"


@pytest.mark.parametrize("width", [320, 480])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_it_fits_and_is_accessible(portal: Portal, width: int, scheme: str) -> None:
    portal.around.setup = setup_of(due=OWED)
    await portal.page.set_viewport_size({"width": width, "height": 760})
    await portal.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    await portal.visit()
    await portal.fill("4242424242424241", "1222", "1")
    await portal.confirm()
    await expect(portal.card.locator("#number-error")).to_be_visible()
    fits = "() => { const e = document.documentElement; return e.scrollHeight <= innerHeight && e.scrollWidth <= innerWidth }"
    await portal.page.frames[1].wait_for_function(fits)
    report = await Axe().run(portal.page)
    assert report.violations_count == 0, report.generate_report()
