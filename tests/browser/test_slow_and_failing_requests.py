"""HeldRequests networks and unavailable services: the page reacts immediately, then shows the outcome and what to do."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from browser.live_stage import LiveStage
from playwright.async_api import Page, Route, expect

from chassis.http.problems import Problem
from support.portal_page import scenes
from support.portal_page.page_objects import CancelDialog, PortalPage, badge, message, problem, sheet

CANCEL, KEEP = (f"**/subscriptions/{scenes.PREMIUM}/{what}" for what in ("cancel", "keep"))
AWAY = Problem(503, "service_unavailable", "Away")


@asynccontextmanager
async def live_portal(page: Page, view: Any = None) -> AsyncIterator[tuple[LiveStage, PortalPage]]:
    async with LiveStage(view).open() as stage:
        yield stage, await stage.enter(page)


class HeldRequests:
    """Holds requests until they are released, and counts them."""

    def __init__(self) -> None:
        self.held: list[Route] = []

    async def __call__(self, route: Route) -> None:
        self.held.append(route)

    async def first(self) -> Route:
        while not self.held:
            await asyncio.sleep(0.05)
        return self.held[0]

    async def release(self) -> None:
        await self.first()
        for route in self.held:
            await route.continue_()


async def confirm_and_close(page: Page, portal: PortalPage, dialog: CancelDialog) -> HeldRequests:
    """Confirm, hold the request and close the dialog."""
    slow = HeldRequests()
    await page.route(CANCEL, slow)
    await dialog.confirm()
    await slow.first()
    await page.keyboard.press("Escape")
    await expect(portal.dialog).to_be_hidden()
    return slow


async def test_a_dialog_opens_immediately_and_once(page: Page) -> None:
    async with live_portal(page) as (_, portal):
        title, slow = await page.title(), HeldRequests()
        await page.route(CANCEL, slow)
        button = portal.page.locator("#cancel")
        await button.click()
        await button.dispatch_event("click")
        await expect(portal.dialog).to_have_accessible_name(await button.inner_text())
        await expect(portal.dialog.get_by_role("heading")).to_be_focused()
        await expect(sheet(portal.dialog, "loading")).to_be_visible()
        await expect(portal.dialog.locator("[aria-busy=true]").first).to_be_visible()
        await slow.release()
        await expect(sheet(portal.dialog, "cancel")).to_contain_text("Premium Mensual")
        await expect(portal.dialog.get_by_role("heading", level=1)).to_be_focused()
        await expect(portal.dialog.locator("[aria-busy=true]")).to_have_count(0)
        assert len(slow.held) == 1
        assert await page.title() == title


async def test_a_dialog_closed_while_loading_stays_closed(page: Page) -> None:
    async with live_portal(page) as (_, portal):
        slow = HeldRequests()
        await page.route(CANCEL, slow)
        button = portal.page.locator("#cancel")
        await button.click()
        await page.keyboard.press("Escape")
        await expect(portal.dialog).to_be_hidden()
        await slow.release()
        await page.wait_for_timeout(400)
        await expect(portal.dialog).to_be_hidden()
        await expect(button).to_be_focused()
        await page.unroute(CANCEL)
        await portal.cancel()


async def test_a_loading_dialog_survives_another_answer(page: Page) -> None:
    async with live_portal(page) as (_, portal):
        filtering, opening = HeldRequests(), HeldRequests()
        await page.route("**/?*status=paid", filtering)
        await page.route(CANCEL, opening)
        await portal.status.select_option("paid")
        await filtering.first()
        await portal.page.locator("#cancel").click()
        await opening.first()
        await filtering.release()
        await expect(page.locator("#pane-invoices")).not_to_have_attribute("aria-busy", "true")
        await page.wait_for_timeout(400)
        await expect(sheet(portal.dialog, "loading")).to_be_visible()
        await opening.release()
        await expect(sheet(portal.dialog, "cancel")).to_contain_text("Premium Mensual")
        await expect(portal.dialog.get_by_role("heading", level=1)).to_be_focused()


async def test_a_dialog_that_fails_to_open_shows_the_reason_in_its_pane_and_can_be_retried(page: Page) -> None:
    async with live_portal(page) as (stage, portal):
        stage.subscriptions.refuses_preview = AWAY
        button = portal.page.locator("#cancel")
        await button.click()
        alert = portal.subscription.get_by_role("alert")
        await expect(problem(portal.subscription, AWAY.code)).to_be_visible()
        await expect(alert.locator("[data-reference]")).to_be_visible()
        await expect(portal.dialog).to_be_hidden()
        await expect(button).to_be_focused()
        stage.change(subscriptions=[scenes.subscription(quantity=2)])
        await expect(portal.subscription).to_contain_text("59.98 USD al mes")
        await expect(alert).to_be_visible()
        await page.route(CANCEL, lambda route: route.abort())
        await button.click()
        await expect(problem(portal.subscription, "offline")).to_be_visible()
        await page.unroute(CANCEL)
        stage.subscriptions.refuses_preview = None
        await portal.cancel()
        await page.keyboard.press("Escape")
        await expect(alert).to_have_count(0)


async def test_typed_text_survives_an_unavailable_service(page: Page) -> None:
    async with live_portal(page) as (stage, portal):
        dialog = await portal.cancel()
        await dialog.fill("unused", "Hasta pronto")
        stage.subscriptions.refuses = AWAY
        await dialog.confirm()
        await expect(problem(dialog.root, AWAY.code)).to_be_visible()
        await page.route(CANCEL, lambda route: route.abort())
        await dialog.confirm()
        await expect(problem(dialog.root, "offline")).to_be_visible()
        await page.unroute(CANCEL)
        await expect(dialog.comment).to_have_value("Hasta pronto")
        await expect(dialog.confirm_button).to_be_focused()
        stage.subscriptions.refuses = None
        await dialog.confirm()
        await expect(dialog.outcome("scheduled")).to_be_visible()
        keys = {command["key"] for command in stage.subscriptions.commands}
        assert (len(stage.subscriptions.commands), len(keys)) == (2, 1)


async def test_a_confirmation_pressed_twice_is_sent_once(page: Page) -> None:
    async with live_portal(page) as (stage, portal):
        dialog = await portal.cancel()
        slow = HeldRequests()
        await page.route(CANCEL, slow)
        await dialog.confirm_button.dblclick()
        await slow.release()
        await expect(dialog.outcome("scheduled")).to_be_visible()
        assert len(stage.subscriptions.commands) == 1


@pytest.mark.parametrize(
    "refusal",
    [Problem(409, "already_cancelled", "The subscription is over"), Problem(500, "internal_error", "Broken"), AWAY],
    ids=["over", "broken", "away"],
)
async def test_a_refused_confirmation_is_shown_although_its_dialog_was_closed(page: Page, refusal: Problem) -> None:
    async with live_portal(page) as (stage, portal):
        dialog = await portal.cancel()
        await dialog.fill(comment="Hasta pronto")
        stage.subscriptions.refuses = refusal
        slow = await confirm_and_close(page, portal, dialog)
        await slow.release()
        await expect(problem(portal.dialog, refusal.code)).to_be_visible()
        await expect(portal.dialog.get_by_role("heading", level=1)).to_be_focused()
        await expect(dialog.comment).to_have_value("Hasta pronto")
        await page.keyboard.press("Escape")
        await expect(portal.dialog).to_be_hidden()
        await expect(page.locator("#dialog-body > *")).to_have_count(0)


async def test_an_unanswered_confirmation_is_shown_although_its_dialog_was_closed(page: Page) -> None:
    async with live_portal(page) as (_, portal):
        slow = await confirm_and_close(page, portal, await portal.cancel())
        await (await slow.first()).abort()
        await expect(problem(portal.dialog, "offline")).to_be_visible()


async def test_a_dialog_opened_during_a_confirmation_shows_that_confirmation(page: Page) -> None:
    async with live_portal(page) as (stage, portal):
        dialog = await portal.cancel()
        stage.subscriptions.refuses = AWAY
        slow = await confirm_and_close(page, portal, dialog)
        await portal.cancel()
        await expect(sheet(portal.dialog, "cancel")).to_contain_text("Premium Mensual")
        await slow.release()
        await expect(problem(portal.dialog, AWAY.code)).to_be_visible()
        assert len(slow.held) == 1


async def test_a_failed_withdrawal_is_shown_after_closing_and_disappears_once_it_succeeds(page: Page) -> None:
    async with live_portal(page) as (stage, portal):
        dialog = await portal.cancel()
        await dialog.confirm()
        keep = portal.dialog.locator("form[action*='/keep'] button")
        slow = HeldRequests()
        await page.route(KEEP, slow)
        stage.subscriptions.refuses = AWAY
        await keep.click()
        await slow.first()
        await page.keyboard.press("Escape")
        await expect(portal.dialog).to_be_hidden()
        await slow.release()
        await expect(problem(portal.dialog, AWAY.code)).to_be_visible()
        stage.subscriptions.refuses = None
        slow.held.clear()
        await keep.click()
        await slow.first()
        await page.keyboard.press("Escape")
        await slow.release()
        await expect(badge(portal.subscription, "active")).to_be_visible()
        await expect(portal.dialog).to_be_hidden()
        await expect(page.locator("#dialog-body > *")).to_have_count(0)


async def test_a_refused_command_is_shown_in_the_dialog_and_the_panes_update(page: Page) -> None:
    async with live_portal(page) as (stage, portal):
        dialog = await portal.cancel()
        stage.subscriptions.refuses = Problem(409, "already_cancelled", "The subscription is over")
        await dialog.confirm()
        await expect(problem(dialog.root, "already_cancelled")).to_be_visible()
        stage.change(subscriptions=[scenes.subscription("canceled")])
        await page.keyboard.press("Escape")
        await expect(badge(portal.subscription, "canceled")).to_be_visible()


async def test_a_failed_withdrawal_is_shown_in_its_pane(page: Page) -> None:
    async with live_portal(page, scenes.view(scenes.ending())) as (stage, portal):
        stage.subscriptions.refuses = AWAY
        await portal.keep()
        await expect(problem(portal.subscription, AWAY.code)).to_be_visible()
        stage.subscriptions.refuses = Problem(409, "cancellation_took_effect", "Too late")
        await portal.keep()
        await expect(problem(portal.subscription, "cancellation_took_effect")).to_be_visible()
        stage.subscriptions.refuses = None
        await portal.keep()
        await expect(badge(portal.subscription, "active")).to_be_visible()
        await expect(portal.subscription.get_by_role("alert")).to_have_count(0)


async def test_a_slow_filter_shows_that_it_loads_and_a_failed_one_keeps_the_rows(page: Page) -> None:
    async with live_portal(page) as (_, portal):
        slow = HeldRequests()
        await page.route("**/?*status=paid", slow)
        await portal.status.select_option("paid")
        await expect(page.locator("#pane-invoices")).to_have_attribute("aria-busy", "true")
        await (await slow.first()).fulfill(
            status=500, content_type="text/html", body='<div class="problem" role="alert">Broken</div>'
        )
        await expect(portal.invoices.get_by_role("alert")).to_have_text("Broken")
        await expect(portal.invoices.get_by_role("listitem")).to_have_count(12)
        await expect(page.locator("#pane-invoices")).not_to_have_attribute("aria-busy", "true")
        await page.unroute("**/?*status=paid")
        await portal.status.select_option("void")
        await expect(portal.no_match).to_be_visible()
        await expect(portal.invoices.get_by_role("alert")).to_have_count(0)


async def test_the_later_of_two_filters_wins(page: Page) -> None:
    async with live_portal(page) as (_, portal):
        slow = HeldRequests()
        await page.route("**/?*status=paid", slow)
        await portal.status.select_option("paid")
        await portal.status.select_option("void")
        await expect(portal.no_match).to_be_visible()
        await page.wait_for_timeout(300)
        assert "status=void" in page.url


async def test_a_dialog_of_an_ended_session_leaves_nothing_personal(page: Page) -> None:
    await page.route("**/api/stream*", lambda route: route.abort())
    async with live_portal(page) as (stage, portal):
        stage.access.ended.append(False)
        await portal.page.locator("#cancel").click()
        await page.wait_for_url("**/ended")
        await expect(page.get_by_text("Ana García")).to_have_count(0)


async def test_a_dialog_of_another_session_reloads_the_page_with_a_notice(page: Page) -> None:
    async with live_portal(page) as (stage, portal):
        dialog = await portal.cancel()
        stage.access.session_of_ana = scenes.session(csrf="csrf-of-another")
        await dialog.confirm()
        await expect(message(page, "session_changed")).to_be_visible()
        await expect(portal.dialog).to_be_hidden()
        assert stage.subscriptions.commands == []
