"""A card in the provider's fields: three origins, of which ours see no card number. Stripe's origin is a stand-in."""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from browser.axe import violations
from browser.fast_time import control_time, forward_until
from browser.live_stage import DECLINED, MASTERCARD, LiveStage
from browser.test_card_numbers_stay_in_the_frame import STORAGE
from browser.test_slow_and_failing_requests import HeldRequests
from playwright.async_api import FrameLocator, Locator, Page, Route, expect

from payments.adapters.card_page.policies import STRIPE_JS, stripe_policy
from payments.application.card_setup import ProviderFields
from support.portal_page import scenes
from support.portal_page.page_objects import PortalPage, press, problem
from support.stripe_js.stand_in import NUMBER_OF_NO_TEST, ORIGIN, bank, fields, frames_of_ours, serve_stripe

ASKING = "4000002500003155"
POOR = "4000000000009995"


@dataclass(frozen=True)
class ProviderDialog:
    page: Page
    root: Locator
    frame: FrameLocator

    @property
    def number(self) -> Locator:
        return fields(self.frame).locator("#number")

    @property
    def saved(self) -> Locator:
        return self.root.locator("[data-new-card]")

    async def fill(self, number: str) -> None:
        await self.number.fill(number)

    async def confirm(self) -> None:
        await press(self.frame.locator("#confirm"))

    async def wait_for_bank(self) -> None:
        """Wait until the bank asks and the sheet has its room for that."""
        await expect(bank(self.frame).locator("#succeeded")).to_be_visible()
        await expect(self.root.locator("[data-challenge]")).to_be_attached()


@pytest.fixture
async def stage() -> AsyncIterator[LiveStage]:
    stage = LiveStage()
    stage.live_payments.cards.fields = ProviderFields("seti_1_secret_2", "pk_test_1")
    async with stage.open():
        yield stage


async def opened(page: Page, stage: LiveStage, path: str = "/") -> ProviderDialog:
    """The card dialog with usable fields."""
    await serve_stripe(page.context)
    await stage.enter(page)
    if path != "/":
        await page.goto(stage.origin + path)
    await page.locator("#edit-method").click()
    root = PortalPage(page).dialog
    dialog = ProviderDialog(page, root, root.frame_locator("iframe"))
    await expect(dialog.frame.locator("#confirm")).to_be_enabled()
    return dialog


async def test_a_card_is_saved_and_its_number_reaches_no_origin_of_ours(
    page: Page, stage: LiveStage, caplog: pytest.LogCaptureFixture
) -> None:
    sent: list[str] = []
    written: list[str] = []
    policies: list[str] = []
    page.on("request", lambda request: sent.append(f"{request.method} {request.url} {request.post_data or ''}"))
    page.on("console", lambda message: written.append(message.text))
    page.on(
        "response",
        lambda response: (
            policies.append(response.headers.get("content-security-policy", ""))
            if re.search(r"/cards/[0-9a-f-]{36}$", response.url)
            else None
        ),
    )
    dialog = await opened(page, stage)
    await page.evaluate("window.heard = []; addEventListener('message', ({ data }) => heard.push(data))")
    await dialog.fill(NUMBER_OF_NO_TEST)
    for frame in frames_of_ours(page):
        assert await frame.locator("#fields input, [autocomplete=cc-number], #number, #cvc").count() == 0
        assert NUMBER_OF_NO_TEST not in await frame.content()
    [card] = [frame for frame in page.frames if "/cards/" in frame.url]
    assert await card.locator("input, select, textarea").count() == 0
    assert await card.evaluate("[...document.querySelectorAll('iframe')].map((each) => each.contentDocument)") == [None]
    stored = [await frame.evaluate(STORAGE) for frame in frames_of_ours(page)]
    await dialog.confirm()
    await expect(dialog.saved).to_contain_text("Mastercard •••• 4444")
    heard = json.dumps(await page.evaluate("heard"))
    assert '"token": "seti_1"}' in heard
    assert policies == [stripe_policy(stage.origin, STRIPE_JS)]
    ours = [each for each in sent if f" {ORIGIN}/" not in each]
    assert any('"seti_1"' in each for each in ours)
    assert NUMBER_OF_NO_TEST not in " ".join([*ours, *written, *stored, heard, caplog.text])
    assert stage.live_payments.cards.tokenised == []


@pytest.mark.parametrize(("number", "code"), [(DECLINED, "card_declined"), (POOR, "insufficient_funds")])
async def test_a_refused_card_is_explained_and_another_one_is_saved(page: Page, stage: LiveStage, number: str, code: str) -> None:
    dialog = await opened(page, stage)
    await dialog.fill(number)
    await dialog.confirm()
    await expect(problem(dialog.frame, code)).to_be_visible()
    assert stage.live_payments.requests == []
    await dialog.fill(MASTERCARD)
    await dialog.confirm()
    await expect(dialog.saved).to_be_visible()


async def test_a_mistake_in_the_fields_is_shown_by_them_and_the_focus_returns(page: Page, stage: LiveStage) -> None:
    dialog = await opened(page, stage)
    await dialog.confirm()
    await expect(dialog.number).to_be_focused()
    await expect(dialog.frame.locator("#problem")).to_be_hidden()
    assert stage.live_payments.requests == []


async def test_a_double_click_saves_one_card(page: Page, stage: LiveStage) -> None:
    dialog = await opened(page, stage)
    slow = HeldRequests()
    await page.route("**/api/payment-method", slow)
    await dialog.fill(MASTERCARD)
    await press(dialog.frame.locator("#confirm"), clicks=2)
    await slow.release()
    await expect(dialog.saved).to_be_visible()
    assert [request["token"] for request in stage.live_payments.requests] == ["seti_1"]


@pytest.mark.parametrize(("answer", "width", "language"), [("succeeded", 1280, "es"), ("failed", 320, "en")])
async def test_the_bank_asks_in_room_of_its_own_until_it_is_answered(
    page: Page, stage: LiveStage, answer: str, width: int, language: str
) -> None:
    await control_time(page)
    await page.set_viewport_size({"width": width, "height": 860})
    dialog = await opened(page, stage, f"/?lang={language}")
    assert (await dialog.frame.locator("html").get_attribute("lang") or "").startswith(language)
    await dialog.fill(ASKING)
    await dialog.confirm()
    await dialog.wait_for_bank()
    box = await page.locator("iframe").bounding_box()
    assert box is not None
    if width < 640:
        assert (box["x"], box["y"], box["width"], box["height"]) == (0, 0, width, 860)
    else:
        assert min(box["width"], box["height"]) >= 600
    # Longer than a token may take without the bank.
    await page.clock.fast_forward(60_000)
    await page.keyboard.press("Escape")
    await page.keyboard.press("Escape")
    await expect(bank(dialog.frame).locator(f"#{answer}")).to_be_visible()
    await press(bank(dialog.frame).locator(f"#{answer}"))
    if answer == "succeeded":
        await expect(dialog.saved).to_be_visible()
        return
    await expect(problem(dialog.frame, "authentication_failed")).to_be_visible()
    await expect(dialog.root.locator("[data-challenge]")).to_have_count(0)
    assert stage.live_payments.requests == []
    await dialog.fill(MASTERCARD)
    await dialog.confirm()
    await expect(dialog.saved).to_be_visible()


async def test_a_bank_that_never_gets_an_answer_is_given_up_after_ten_minutes(page: Page, stage: LiveStage) -> None:
    await control_time(page)
    dialog = await opened(page, stage)
    await dialog.fill(ASKING)
    await dialog.confirm()
    await dialog.wait_for_bank()
    await page.clock.fast_forward(590_000)
    await expect(bank(dialog.frame).locator("#succeeded")).to_be_visible()
    await forward_until(page, dialog.root.locator('[data-problem="noAnswer"]'))
    await expect(dialog.root.locator("[data-challenge], [data-busy]")).to_have_count(0)
    assert stage.live_payments.requests == []


@pytest.mark.parametrize("fault", ["refused", "hangs"])
async def test_a_script_that_does_not_load_is_explained_and_the_way_back_is_open(
    page: Page, stage: LiveStage, fault: str
) -> None:
    await control_time(page)
    held: list[Route] = []
    await page.context.route(STRIPE_JS, lambda route: route.abort() if fault == "refused" else held.append(route))
    await stage.enter(page)
    await page.locator("#edit-method").click()
    frame = PortalPage(page).dialog.frame_locator("iframe")
    await expect(frame.locator("#back")).to_be_enabled()
    await forward_until(page, problem(frame, "not_loaded"))
    await expect(frame.locator("#confirm")).to_be_disabled()
    await press(frame.locator("#back"))
    await expect(PortalPage(page).dialog).to_be_hidden()
    for route in held:
        await route.abort()


async def test_what_was_saved_is_sent_again_when_the_amount_has_changed(page: Page) -> None:
    stage = LiveStage(scenes.owing())
    stage.live_payments.cards.fields = ProviderFields("seti_1_secret_2", "pk_test_1")
    async with stage.open():
        await serve_stripe(page.context)
        await stage.enter(page)
        await page.locator("#pay").click()
        root = PortalPage(page).dialog
        dialog = ProviderDialog(page, root, root.frame_locator("iframe"))
        await expect(dialog.frame.locator("#confirm")).to_be_enabled()
        await dialog.fill(MASTERCARD)
        rows = stage.views.shown.facts["invoices"]
        stage.change(invoices=[{**row, "total": {"amount_minor": 999, "currency": "USD"}} for row in rows])
        await dialog.confirm()
        await expect(problem(dialog.frame, "due_changed")).to_be_visible()
        await expect(dialog.frame.locator("#confirm")).to_contain_text("9.99 USD")
        await dialog.confirm()
        await expect(dialog.saved).to_be_visible()
        assert [request["token"] for request in stage.live_payments.requests] == ["seti_1", "seti_1"]


async def test_messages_of_stripes_frames_reach_neither_page(page: Page, stage: LiveStage) -> None:
    dialog = await opened(page, stage)
    await dialog.fill(MASTERCARD)
    [inside] = [frame for frame in page.frames if frame.url.startswith(f"{ORIGIN}/fields")]
    [card] = [frame for frame in page.frames if "/cards/" in frame.url]
    setup = card.url.rpartition("/")[2]
    messages = [
        {"v": 1, "setup_id": setup, "type": "submitting"},
        {"v": 1, "setup_id": setup, "type": "token", "token": "seti_1"},
        {"v": 1, "setup_id": setup, "type": "challenge", "on": True},
        {"v": 1, "setup_id": setup, "type": "result", "ok": True},
    ]
    await inside.evaluate(
        "all => all.forEach((each) => { parent.postMessage(each, '*'); top.postMessage(each, '*'); })", messages
    )
    for frame in (page.main_frame, card):
        await frame.evaluate("new Promise((resolve) => setTimeout(resolve, 20))")
    await expect(dialog.root.locator("[data-challenge], [data-busy]")).to_have_count(0)
    await expect(dialog.frame.locator("#confirm")).to_be_enabled()
    assert stage.live_payments.requests == []


@pytest.mark.parametrize(("width", "scheme"), [(320, "dark"), (1280, "light")])
async def test_the_page_around_the_fields_is_accessible(page: Page, stage: LiveStage, width: int, scheme: str) -> None:
    await page.set_viewport_size({"width": width, "height": 760})
    await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    dialog = await opened(page, stage)
    await dialog.fill(DECLINED)
    await dialog.confirm()
    await expect(problem(dialog.frame, "card_declined")).to_be_visible()
    assert [each for each in await violations(page) if "Stripe" not in each] == []
