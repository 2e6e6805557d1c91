"""Invalid input gets an error at its field and changes nothing. Typed text is kept, secrets are not."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from browser.live_stage import LiveStage
from playwright.async_api import Locator, Page, expect

from support.portal_page import scenes
from support.portal_page.page_objects import PortalPage, badge, collect_alerts, message, problem

HOSTILE = "<script>alert(1)</script>\N{RIGHT-TO-LEFT OVERRIDE}\N{PILE OF POO}"


@asynccontextmanager
async def live_portal(page: Page, view: Any = None) -> AsyncIterator[tuple[LiveStage, PortalPage]]:
    async with LiveStage(view).open() as stage:
        yield stage, await stage.enter(page)


async def has_its_error(field: Locator) -> None:
    """Assert that the field is marked as invalid and described by the sentence of its own error."""
    id = await field.get_attribute("id")
    error = field.page.locator(f"#{id}-error")
    await expect(error).to_be_visible()
    await expect(field).to_have_attribute("aria-invalid", "true")
    await expect(field).to_have_accessible_description(re.compile(re.escape(await error.inner_text())))


async def test_an_invalid_link_gets_an_error_at_its_field_and_is_not_kept(page: Page) -> None:
    async with LiveStage().open() as stage:
        await page.goto(f"{stage.link}x")
        field = page.locator("#link")
        await field.fill(f"{stage.link}y")
        await page.keyboard.press("Enter")
        await has_its_error(field)
        await expect(field).to_have_value("")
        secret = stage.link.partition(".")[2]
        assert secret not in await page.content()
        assert secret not in page.url


async def test_a_too_long_comment_shows_the_remaining_characters_and_is_kept(page: Page) -> None:
    async with live_portal(page) as (stage, portal):
        dialog = await portal.cancel()
        await dialog.fill("other", "x" * 503)
        await expect(dialog.root.locator("#comment-limit")).to_contain_text("-3")
        await dialog.confirm()
        comment = dialog.comment
        await has_its_error(comment)
        await expect(dialog.root.locator("#comment-error")).to_have_text(re.compile("500.*503"))
        await expect(comment).to_have_value("x" * 503)
        await expect(comment).to_be_focused()
        await expect(dialog.reason("other")).to_be_checked()
        assert stage.subscriptions.commands == []


async def test_markup_and_unusual_characters_are_shown_as_text(page: Page) -> None:
    alerts = collect_alerts(page)
    async with live_portal(page) as (stage, portal):
        dialog = await portal.cancel()
        await dialog.reason("other").evaluate("(reason) => { reason.value = '<b>boredom</b>'; reason.checked = true; }")
        await dialog.comment.fill(HOSTILE)
        await dialog.confirm()
        reasons = dialog.root.locator("#feedback")
        await has_its_error(reasons)
        await expect(reasons.locator("input").first).to_be_focused()
        await expect(dialog.comment).to_have_value(HOSTILE)
        await dialog.fill("other")
        await dialog.confirm()
        await expect(dialog.outcome("scheduled")).to_be_visible()
        assert stage.subscriptions.commands[0]["comment"] == HOSTILE.replace("\N{RIGHT-TO-LEFT OVERRIDE}", "")
    assert alerts == []


async def test_an_invalid_filter_gets_an_error_at_its_field_and_the_page_works(page: Page) -> None:
    async with live_portal(page) as (stage, portal):
        await page.goto(f"{stage.origin}/?year=abc&status=boredom")
        year, status = portal.year, portal.status
        await has_its_error(year)
        await has_its_error(status)
        await expect(portal.invoices.get_by_role("listitem")).to_have_count(12)
        stage.change(subscriptions=[scenes.ending()])
        await expect(badge(portal.subscription, "ending")).to_be_visible()
        await status.select_option("void")
        await expect(portal.no_match).to_be_visible()
        await expect(status).to_have_accessible_description("")


async def test_an_invalid_cursor_is_reported_once_and_the_newest_invoices_are_shown(page: Page) -> None:
    async with live_portal(page) as (stage, portal):
        await page.goto(f"{stage.origin}/?cursor=nowhere")
        lost = problem(portal.invoices, "invalid_cursor")
        await expect(lost).to_be_visible()
        stage.change(invoices=[scenes.invoice(14, "refunded")])
        await expect(badge(portal.invoices, "refunded")).to_be_visible()
        await expect(lost).to_have_count(1)


async def test_a_foreign_subscription_is_not_found_and_the_page_works(page: Page) -> None:
    async with live_portal(page) as (stage, portal):
        await page.goto(f"{stage.origin}/?subscription={scenes.CUSTOMER}")
        await expect(message(page, "unknown_subscription")).to_be_visible()
        stage.change(subscriptions=[scenes.ending()])
        await expect(badge(portal.subscription, "ending")).to_be_visible()


async def test_a_notice_named_in_the_address_is_shown_only_if_it_is_true(page: Page) -> None:
    async with live_portal(page, scenes.view(scenes.ending())) as (stage, portal):
        await page.goto(f"{stage.origin}/?said=kept&after=x&lang=xx")
        await expect(badge(portal.subscription, "ending")).to_be_visible()
        await expect(message(page, "kept")).to_have_count(0)
        assert page.url == f"{stage.origin}/"
