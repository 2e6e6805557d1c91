"""Card entry while requests are slow, lost or unanswered, and when the customer leaves the page."""

import re
from typing import Any

import pytest
from browser.fast_time import control_time, finish_animations, forward_until, time_out
from browser.live_stage import DECLINED, MASTERCARD, LiveStage
from playwright.async_api import Page, Route, expect

from portal_gateway.adapters.page.assets import Assets
from support.portal_page import scenes
from support.portal_page.page_objects import CardDialog, PortalPage, back_to_portal, problem, sheet

PUT = "**/api/payment-method"
SAVED = "Mastercard •••• 4444"


async def enter_card(page: Page, stage: LiveStage, number: str = MASTERCARD) -> CardDialog:
    dialog = await (await stage.enter(page)).edit_card()
    await dialog.fill(number)
    return dialog


async def lose_answer(route: Route) -> None:
    """Deliver the request and lose_answer its answer."""
    await route.fetch()
    await route.abort()


async def never_answer(route: Route) -> None:
    """Leave the request open without an answer."""


async def test_without_the_card_pages_script_fields_stay_disabled_and_a_retry_is_offered(page: Page) -> None:
    await control_time(page)
    async with LiveStage().open() as stage:
        portal = await stage.enter(page)
        await page.route("**/cards/files/*.js", lambda route: route.abort())
        await portal.page.locator("#edit-method").click()
        fields = portal.dialog.frame_locator("iframe").locator("input, button")
        await expect(fields).to_have_count(6)
        assert await fields.evaluate_all("all => all.every((field) => field.matches(':disabled'))")
        await forward_until(page, portal.dialog.locator("[data-problem=noAnswer]"))
        await expect(portal.dialog.locator("[data-retry]")).to_be_focused()
        await page.unroute("**/cards/files/*.js")
        await page.keyboard.press("Enter")
        await portal.card_dialog()


@pytest.mark.parametrize("script", ["card.js", "frame.js"])
async def test_without_the_portals_script_the_page_says_what_to_do(page: Page, script: str) -> None:
    async with LiveStage().open() as stage:
        await stage.enter(page)
        await page.route(f"**{Assets().url(script)}", lambda route: route.abort())
        await page.goto(f"{stage.origin}/payment-method")
        advice = page.locator(".late .notice")
        await expect(advice).to_be_hidden()
        await finish_animations(page)
        await expect(advice).to_be_visible()
        await expect(page.locator("[data-wait]")).to_be_hidden()
        await page.unroute(f"**{Assets().url(script)}")
        await page.locator(".late a.primary").click()
        await expect(page.frame_locator("iframe").locator("#number")).to_be_enabled()
        await expect(advice).to_be_hidden()


@pytest.mark.parametrize("script", ["portal.js", "panes.js"])
async def test_without_dialogs_the_button_leads_to_the_page(page: Page, script: str) -> None:
    async with LiveStage().open() as stage:
        await stage.enter(page)
        await page.route(f"**{Assets().url(script)}", lambda route: route.abort())
        await page.goto(stage.origin)
        await page.locator("#edit-method").click()
        await page.wait_for_url(re.compile("/payment-method"))
        if script == "portal.js":
            await expect(page.frame_locator("iframe").locator("#number")).to_be_enabled()
        else:
            await page.locator(".late .notice").wait_for(state="attached")
            await finish_animations(page)
            await expect(page.locator(".late .notice")).to_be_visible()


async def test_with_reduced_motion_the_failure_is_not_shown_too_early(page: Page) -> None:
    async with LiveStage().open() as stage:
        await page.emulate_media(reduced_motion="reduce")
        await stage.enter(page)
        await page.route(f"**{Assets().url('card.js')}", never_answer)
        await page.goto(f"{stage.origin}/payment-method", wait_until="commit")
        await expect(page.locator("[data-wait]")).to_be_visible()
        await expect(page.locator(".late .notice")).to_be_hidden()


async def test_a_lost_answer_is_requested_again_with_the_same_key(page: Page) -> None:
    await control_time(page)
    async with LiveStage().open() as stage:
        dialog = await enter_card(page, stage)
        await page.route(PUT, lose_answer, times=1)
        await dialog.confirm()
        await expect(dialog.failure("asking")).to_be_visible()
        await expect(dialog.retry).to_be_hidden()
        await forward_until(page, dialog.saved)
        await expect(dialog.saved).to_contain_text(SAVED)
        assert [request["token"] for request in stage.live_payments.requests] == ["tok_1", "tok_1"]
        assert len({request["key"] for request in stage.live_payments.requests}) == 1


async def test_an_unknown_outcome_is_requested_again_until_it_is_known(page: Page) -> None:
    await control_time(page)
    async with LiveStage().open() as stage:
        dialog = await enter_card(page, stage)
        unknown = [500, 503, 504]

        async def answered(route: Route) -> None:
            if unknown:
                await route.fulfill(status=unknown.pop(), json={"code": "outcome_unknown"})
            else:
                await route.continue_()

        await page.route(PUT, answered)
        await dialog.confirm()
        await expect(dialog.failure("asking")).to_be_visible()
        await forward_until(page, dialog.saved)
        await expect(dialog.saved).to_contain_text(SAVED)
        assert (unknown, len(stage.live_payments.requests)) == ([], 1)


async def test_an_unknown_outcome_that_was_a_decline_is_shown_as_a_decline(page: Page) -> None:
    await control_time(page)
    async with LiveStage().open() as stage:
        dialog = await enter_card(page, stage, DECLINED)
        await page.route(PUT, lose_answer, times=1)
        await dialog.confirm()
        await expect(dialog.failure("asking")).to_be_visible()
        await forward_until(page, dialog.failure("notSaved"))
        await dialog.retry.click()
        await expect(dialog.number).to_have_value("")
        await dialog.fill(MASTERCARD)
        await dialog.confirm()
        await expect(dialog.saved).to_contain_text(SAVED)


async def test_when_no_answer_comes_the_dialog_says_so_and_the_pane_updates_later(page: Page) -> None:
    await control_time(page)
    async with LiveStage().open() as stage:
        dialog = await enter_card(page, stage)
        await page.evaluate("window.stillHere = true")
        held: list[Route] = []
        await page.route(PUT, lambda route: held.append(route))
        await dialog.confirm()
        await wait_until_held(page, held)
        await time_out(page)
        await expect(dialog.failure("asking")).to_be_visible()
        await expect(dialog.root.locator("[data-fallback] [data-close]")).to_be_focused()
        card = {"id": "pm2", "brand": "mastercard", "last4": "4444", "exp_month": 12, "exp_year": 2030, "version": 2}
        stage.change(payment_method=card)
        await page.keyboard.press("Enter")
        await expect(dialog.root).to_be_hidden()
        await expect(PortalPage(page).method).to_contain_text("Mastercard •••• 4444")
        assert await page.evaluate("window.stillHere")


async def test_an_unavailable_provider_changes_nothing_and_the_typed_card_is_sent_again(page: Page) -> None:
    async with LiveStage().open() as stage:
        dialog = await enter_card(page, stage)
        away = {"code": "service_unavailable"}
        await page.route(PUT, lambda route: route.fulfill(status=503, json=away), times=1)
        await dialog.confirm()
        await expect(problem(dialog.frame, "failed")).to_be_visible()
        await expect(dialog.number).to_have_value("5555 5555 5555 4444")
        await dialog.confirm()
        await expect(dialog.saved).to_contain_text(SAVED)


async def test_a_silent_card_page_times_out_and_changes_nothing(page: Page) -> None:
    await control_time(page)
    async with LiveStage().open() as stage:
        dialog = await enter_card(page, stage)
        held: list[Route] = []
        await page.route("**/token", lambda route: held.append(route))
        await dialog.confirm()
        await wait_until_held(page, held)
        await time_out(next(frame for frame in page.frames if "/cards/" in frame.url))
        await expect(problem(dialog.frame, "failed")).to_be_visible()
        await page.unroute("**/token")
        await dialog.confirm()
        await expect(dialog.saved).to_contain_text(SAVED)


async def test_many_clicks_save_one_card(page: Page) -> None:
    async with LiveStage().open() as stage:
        dialog = await enter_card(page, stage)
        await page.route("**/token", answer_slowly)
        await page.route(PUT, answer_slowly)
        await dialog.frame.locator("#cvc").press("Enter")
        await dialog.confirm_button.dblclick(force=True)
        await expect(dialog.saved).to_contain_text(SAVED)
        assert len(stage.live_payments.cards.tokenised) == 1
        assert [request["token"] for request in stage.live_payments.requests] == ["tok_1"]


async def answer_slowly(route: Route) -> None:
    answer = await route.fetch()
    await route.request.frame.page.wait_for_timeout(500)
    await route.fulfill(response=answer)


async def test_escape_outside_the_frame_closes_the_dialog(page: Page) -> None:
    async with LiveStage().open() as stage:
        dialog = await enter_card(page, stage)
        await dialog.root.get_by_role("heading", level=1).focus()
        await page.keyboard.press("Escape")
        await expect(dialog.root).to_be_hidden()
        await expect(page.locator("#edit-method")).to_be_focused()
        assert stage.live_payments.cards.tokenised == []


@pytest.mark.parametrize("under_way", ["**/token", PUT])
async def test_nothing_closes_the_dialog_while_a_card_is_being_saved(page: Page, under_way: str) -> None:
    async with LiveStage().open() as stage:
        dialog = await enter_card(page, stage)
        held: list[Route] = []
        await page.route(under_way, lambda route: held.append(route), times=1)
        await dialog.confirm()
        await expect(dialog.confirm_button).to_be_disabled()
        await expect(dialog.back_button).to_be_disabled()
        await wait_until_held(page, held)
        for _ in range(3):
            await page.keyboard.press("Escape")
        await dialog.root.get_by_role("heading", level=1).focus()
        for _ in range(3):
            await page.keyboard.press("Escape")
        await expect(dialog.root).to_be_visible()
        await held[0].continue_()
        await expect(dialog.saved).to_contain_text(SAVED)
        await page.keyboard.press("Escape")
        await expect(dialog.root).to_be_hidden()
        await expect(PortalPage(page).method).to_contain_text("Mastercard •••• 4444")


async def wait_until_held(page: Page, held: list[Route]) -> None:
    while not held:
        await page.wait_for_timeout(20)


async def test_a_frame_reload_during_saving_still_shows_the_outcome(page: Page) -> None:
    async with LiveStage().open() as stage:
        dialog = await enter_card(page, stage)
        held: list[Route] = []
        await page.route(PUT, lambda route: held.append(route), times=1)
        await dialog.confirm()
        await wait_until_held(page, held)
        await next(frame for frame in page.frames if "/cards/" in frame.url).evaluate("location.reload()")
        await expect(dialog.failure("asking")).to_be_visible()
        await held[0].continue_()
        await expect(dialog.saved).to_contain_text(SAVED)
        assert len(stage.live_payments.requests) == 1


async def test_back_and_forward_keep_and_confirm_no_card(page: Page) -> None:
    async with LiveStage().open() as stage:
        portal = await stage.enter(page)
        await portal.open_invoice("TS-000014")
        await back_to_portal(page).click()
        visited = await page.evaluate("history.length")
        dialog = await portal.edit_card()
        await dialog.fill(MASTERCARD)
        assert await page.evaluate("history.length") == visited, "an open dialog is no place to go back to"
        await page.go_back()
        await expect(sheet(page, "invoice")).to_contain_text("TS-000014")
        await page.go_forward()
        await expect(portal.dialog).to_be_hidden()
        await expect(portal.method).to_contain_text("Visa •••• 4242")
        assert (stage.live_payments.requests, stage.live_payments.cards.tokenised) == ([], [])

        dialog = await portal.edit_card()
        await expect(dialog.number).to_have_value("")
        await dialog.fill(MASTERCARD)
        await dialog.confirm()
        await expect(dialog.saved).to_contain_text(SAVED)
        await page.go_back()
        await page.go_forward()
        await expect(portal.dialog).to_be_hidden()
        await expect(portal.method).to_contain_text("Mastercard •••• 4444")
        assert len(stage.live_payments.requests) == 1


async def test_leaving_the_page_during_saving_changes_the_card_once(page: Page) -> None:
    async with LiveStage().open() as stage:
        dialog = await enter_card(page, stage)
        await dialog.confirm()
        await page.goto(f"{stage.origin}/invoices/{scenes.invoice_id(14)}")
        await page.go_back()
        await expect(PortalPage(page).method).to_contain_text(re.compile("4242|4444"))
        assert len(stage.live_payments.requests) <= 1


async def test_two_tabs_have_separate_set_ups_and_outcomes(page: Page) -> None:
    async with LiveStage().open() as stage:
        one = await enter_card(page, stage)
        other_page = await page.context.new_page()
        await other_page.goto(stage.origin)
        other = await PortalPage(other_page).edit_card()
        await other.fill(DECLINED)
        await other.confirm()
        await expect(problem(other.frame, "card_declined")).to_be_visible()
        await one.confirm()
        await expect(one.saved).to_contain_text(SAVED)
        await expect(problem(other.frame, "card_declined")).to_be_visible()
        await other.fill("378282246310005", code="1234")
        await other.confirm()
        await expect(other.saved).to_contain_text("American Express •••• 0005")
        assert len({request["setup"] for request in stage.live_payments.requests}) == 2
        await one.close()
        await expect(PortalPage(page).method).to_contain_text("American Express •••• 0005")


async def test_an_invoice_paid_in_another_tab_is_not_paid_again(page: Page) -> None:
    async with LiveStage(scenes.owing()).open() as stage:
        one = await (await stage.enter(page)).pay_debt()
        other_page = await page.context.new_page()
        await other_page.goto(stage.origin)
        other = await PortalPage(other_page).pay_debt()
        for dialog in (one, other):
            await dialog.fill(MASTERCARD)
        await one.confirm()
        await expect(one.root.locator("[data-charge]").get_by_role("definition").locator("[data-status=paid]")).to_be_visible()
        await expect(other.root.locator("[data-due]")).to_contain_text("29.99 USD")
        await other.confirm()
        await expect(problem(other.frame, "due_changed")).to_be_visible()
        await expect(other.root.locator("[data-due]")).not_to_contain_text("29.99 USD")
        await other.confirm()
        await expect(other.saved).to_contain_text(SAVED)
        charges: list[Any] = [request["charges"] for request in stage.live_payments.requests]
        assert charges == [[scenes.invoice_id(14)], [scenes.invoice_id(14)], []]
