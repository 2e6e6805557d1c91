"""The bank's question in a sheet of the portal: in the sandbox's page, in the provider's window, and for a card that is saved."""

from dataclasses import replace
from typing import Any

import pytest
from browser.axe import violations
from browser.fast_time import control_time, forward_until
from browser.live_stage import LiveStage
from browser.test_card_frame_protocol import altered, heard, post
from browser.test_slow_and_failing_requests import HeldRequests
from playwright.async_api import Locator, Page, expect

from chassis.http.problems import Problem
from payments.application.charges import Challenge
from support.payments.card_page import ASKING_NUMBER, CHARGE, SETUP, authentication_of
from support.payments.examples import id_of
from support.portal_page import scenes
from support.portal_page.page_objects import PortalPage, press, problem
from support.stripe_js.stand_in import bank, serve_stripe


def stage_of(*, ended: bool = False, challenge: Challenge | None = None) -> LiveStage:
    """A stage with a failed charge that the bank wants confirmed. Without a `challenge` the sandbox's bank asks."""
    face = {"brand": "visa", "last4": "0341"}
    view = scenes.owing(reason="authentication_required")
    debt, *paid = view.facts["invoices"]
    reason: Any = {"remedy": "authenticate", "detail": "authentication_required"}
    card: Any = {**(view.facts["payment_method"] or {}), "id": str(id_of("method"))}
    stage = LiveStage(replace(view, facts={**view.facts, "invoices": [{**debt, **reason}, *paid], "payment_method": card}))
    failed = {"kind": "failed_attempt", "reason": "card_declined", "payment_method": face, "at": "2023-05-14T06:00:00+00:00"}
    stage.invoicing.invoice_is |= {"status": "failed", "movements": [failed], **reason}
    cards = stage.live_payments.cards
    cards.authentication = authentication_of(ended=ended)
    cards.challenge_is = challenge or Challenge("secret")
    return stage


async def opened(page: Page, stage: LiveStage, language: str = "es") -> Locator:
    """The sheet after the button of the notice."""
    await stage.enter(page)
    if language != "es":
        await page.goto(f"{stage.origin}/?lang={language}")
    await page.locator("#pay-now").click()
    return PortalPage(page).dialog


async def answered(sheet: Locator) -> None:
    """Wait until the payment's result is shown in the place of the question."""
    await expect(sheet.locator('[data-sheet="paid"]')).to_be_visible()


def question(sheet: Locator) -> Locator:
    return sheet.frame_locator("iframe").locator("#bank-question")


def button(sheet: Locator, answer: str) -> Locator:
    return sheet.frame_locator("iframe").locator(f"#bank-{answer}")


@pytest.mark.parametrize(("answer", "width", "language"), [("approve", 1280, "es"), ("reject", 320, "en")])
async def test_an_answer_leads_to_the_payments_result(page: Page, answer: str, width: int, language: str) -> None:
    await page.set_viewport_size({"width": width, "height": 700})
    stage = stage_of()
    async with stage.open():
        sheet = await opened(page, stage, language)
        assert (await sheet.frame_locator("iframe").locator("html").get_attribute("lang") or "").startswith(language)
        await expect(question(sheet)).to_contain_text("29.99 USD")
        await expect(question(sheet)).to_contain_text("TechSolutions Inc.")
        box = await page.locator("iframe").bounding_box()
        assert box is not None
        if width < 640:
            assert (box["x"], box["y"], box["width"], box["height"]) == (0, 0, width, 700)
        else:
            assert min(box["width"], box["height"]) >= 600
        assert await violations(page) == []
        await press(button(sheet, answer))
        await answered(sheet)
        assert stage.live_payments.cards.answers == [(answer, CHARGE), ("wake", CHARGE)]


async def test_a_question_that_is_closed_stays_unanswered_and_can_be_opened_again(page: Page) -> None:
    stage = stage_of()
    async with stage.open():
        sheet = await opened(page, stage)
        await press(button(sheet, "close"))
        await expect(sheet).to_be_hidden()
        assert stage.live_payments.cards.answers == []
        again = await opened(page, stage)
        await press(button(again, "approve"))
        await answered(again)
        assert stage.live_payments.cards.answers[0] == ("approve", CHARGE)


async def test_escape_does_not_close_the_question_and_it_ends_after_ten_minutes(page: Page) -> None:
    await control_time(page)
    stage = stage_of()
    async with stage.open():
        sheet = await opened(page, stage)
        await expect(question(sheet)).to_be_visible()
        for target in (page.locator("body"), button(sheet, "approve")):
            await target.press("Escape")
        await page.clock.fast_forward(590_000)
        await expect(question(sheet)).to_be_visible()
        await forward_until(page, sheet.locator('[data-problem="noAnswer"]'))
        await expect(sheet.locator("[data-challenge], [data-busy]")).to_have_count(0)
        assert stage.live_payments.cards.answers == []


async def test_a_double_click_answers_once(page: Page) -> None:
    stage = stage_of()
    async with stage.open():
        sheet, slow = await opened(page, stage), HeldRequests()
        await expect(question(sheet)).to_be_visible()
        await page.route("**/confirm/**", slow)
        await press(button(sheet, "approve"), clicks=2)
        await slow.release()
        await answered(sheet)
        assert stage.live_payments.cards.answers == [("approve", CHARGE), ("wake", CHARGE)]


async def test_a_charge_that_has_not_reached_the_bank_is_awaited(page: Page) -> None:
    stage = stage_of()
    cards = stage.live_payments.cards
    cards.challenge_is = None
    async with stage.open():
        sheet = await opened(page, stage)
        await expect(sheet.frame_locator("iframe").locator("#back")).to_be_visible()
        cards.challenge_is = Challenge("secret")
        await expect(question(sheet)).to_be_visible()


async def test_a_charge_that_has_ended_asks_nothing(page: Page) -> None:
    stage = stage_of(ended=True)
    async with stage.open():
        sheet = await opened(page, stage)
        await answered(sheet)
        assert stage.live_payments.cards.answers == []


async def test_an_expired_page_is_explained(page: Page) -> None:
    stage = stage_of()
    stage.live_payments.cards.authentication = None
    async with stage.open():
        sheet = await opened(page, stage)
        await expect(sheet.locator('[data-problem="expired"]')).to_be_visible()
        await sheet.locator("[data-fallback] [data-close]").click()
        await expect(sheet).to_be_hidden()


async def test_another_origin_is_never_framed(page: Page) -> None:
    stage = stage_of()
    async with stage.open():
        stage.live_payments.frames = "https://cards.example"
        sheet = await opened(page, stage)
        await expect(sheet.locator('[data-problem="unavailable"]')).to_be_visible()
        await expect(page.locator("iframe")).to_have_count(0)


async def test_another_amount_is_shown_and_begins_nothing_without_a_click(page: Page) -> None:
    stage = stage_of()
    payments = stage.live_payments
    payments.refuses = [Problem(409, "amount_changed", "What is due has changed")]
    async with stage.open():
        sheet = await opened(page, stage)
        await expect(sheet.locator("[data-confirm]")).to_be_visible()
        await expect(sheet.locator("[data-bank]")).to_have_attribute("data-started", "yes")
        assert len(payments.requests) == 1
        await sheet.locator("[data-confirm]").click()
        await expect(question(sheet)).to_be_visible()
        assert len(payments.requests) == len({request["key"] for request in payments.requests}) == 2


async def test_while_payments_does_not_answer_the_same_request_can_be_sent_again(page: Page) -> None:
    stage = stage_of()
    payments = stage.live_payments
    payments.refuses = [Problem(503, "service_unavailable", "Not now")]
    async with stage.open():
        sheet = await opened(page, stage)
        await expect(sheet.locator('[data-problem="unavailable"]')).to_be_visible()
        await sheet.locator("[data-retry]").click()
        await expect(question(sheet)).to_be_visible()
        assert len(payments.requests) == 2
        assert len({request["key"] for request in payments.requests}) == 1


@pytest.mark.parametrize("answer", ["succeeded", "failed"])
async def test_the_providers_window_is_opened_and_the_outcome_is_looked_up(page: Page, answer: str) -> None:
    await serve_stripe(page.context)
    stage = stage_of(challenge=Challenge("pi_1_secret_2", "pk_test_1"))
    async with stage.open():
        sheet = await opened(page, stage)
        await press(bank(sheet.frame_locator("iframe")).locator(f"#{answer}"))
        await answered(sheet)
        assert stage.live_payments.cards.answers == [("wake", CHARGE)]


async def test_without_the_providers_script_the_way_back_is_open(page: Page) -> None:
    await page.context.route("https://*.stripe.com/**", lambda route: route.abort())
    stage = stage_of(challenge=Challenge("pi_1_secret_2", "pk_test_1"))
    async with stage.open():
        sheet = await opened(page, stage)
        frame = sheet.frame_locator("iframe")
        await expect(problem(frame, "not_loaded")).to_be_visible()
        await press(frame.locator("#back"))
        await expect(sheet).to_be_hidden()
        assert stage.live_payments.cards.answers == []


async def test_only_valid_messages_of_the_current_frame_close_or_grow_the_sheet(page: Page) -> None:
    stage = stage_of()
    async with stage.open():
        sheet = await opened(page, stage)
        await expect(question(sheet)).to_be_visible()
        [frame] = [each for each in page.frames if "/cards/" in each.url]
        sent = {"v": 1, "setup_id": str(SETUP)}
        off, done = {**sent, "type": "challenge", "on": False}, {**sent, "type": "done"}
        await post(
            frame,
            *altered(off, {"on": [0, "false", None, [False], {}]}),
            {**off, "more": 1},
            {**sent, "type": "challenge"},
            {**off, "v": 2},
            {**off, "setup_id": str(CHARGE)},
            done,
        )
        await page.evaluate("data => postMessage(data, '*')", off)
        await page.evaluate(
            """data => { for (const origin of ["https://evil.example", "null", location.origin]) {
                const source = document.querySelector("iframe").contentWindow;
                dispatchEvent(new MessageEvent("message", { data, origin, source }));
            } }""",
            off,
        )
        await heard(page)
        await expect(sheet.locator("[data-challenge]")).to_be_attached()
        await post(frame, off, {**done, "status": "succeeded"})
        await expect(sheet.locator("[data-challenge]")).to_have_count(0)
        await expect(sheet).to_be_visible()
        await frame.evaluate("data => parent.postMessage(data, '*')", done)
        await answered(sheet)


@pytest.mark.parametrize("answer", ["approve", "reject", "close"])
async def test_a_card_about_which_the_bank_asks_is_saved_after_an_approval_only(page: Page, answer: str) -> None:
    async with LiveStage().open() as stage:
        dialog = await (await stage.enter(page)).edit_card()
        await dialog.fill(ASKING_NUMBER)
        await dialog.confirm()
        await expect(dialog.root.locator("[data-challenge]")).to_be_attached()
        await press(button(dialog.root, answer))
        approved = stage.live_payments.cards.approved
        if answer == "approve":
            await expect(dialog.saved).to_contain_text("Visa •••• 3155")
            assert approved == {"tok_1": True}
            return
        await expect(problem(dialog.frame, "authentication_failed")).to_be_visible()
        await expect(dialog.number).to_be_focused()
        assert stage.live_payments.requests == []
        assert approved == ({"tok_1": False} if answer == "reject" else {})
