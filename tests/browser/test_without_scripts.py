"""Every flow except card entry by links and forms, in a browser without scripts."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from browser.gallery_portal import keep_many, many
from browser.gallery_states import Prepare
from browser.live_stage import LiveStage
from playwright.async_api import Browser, Page, expect

from chassis.http.problems import Problem
from portal_gateway.domain.access import ABSOLUTE
from support.portal_page import scenes
from support.portal_page.page_objects import (
    PortalPage,
    back_to_portal,
    badge,
    language_link,
    log_out,
    message,
    paste_link,
    problem,
)

SECOND = scenes.subscription("past_due", id=scenes.invoice_id(99), plan=scenes.plan(name="Respaldo Anual"), debt=scenes.debt())


@asynccontextmanager
async def scriptless(
    browser: Browser, view: Any = None, prepare: Prepare = lambda stage: None
) -> AsyncIterator[tuple[LiveStage, Page, PortalPage]]:
    """Enter by pasting the link."""
    context = await browser.new_context(java_script_enabled=False, locale="es-MX")
    page = await context.new_page()
    stage = LiveStage(view)
    prepare(stage)
    async with stage.open():
        await page.goto(f"{stage.origin}/enter")
        await paste_link(page, stage.link)
        yield stage, page, PortalPage(page)
    await context.close()


async def test_an_invalid_link_gets_an_error_at_its_field_and_is_not_kept(browser: Browser) -> None:
    context = await browser.new_context(java_script_enabled=False, locale="es-MX")
    page = await context.new_page()
    async with LiveStage().open() as stage:
        await page.goto(f"{stage.origin}/enter")
        field = page.locator("#link")
        for wrong in ("", f"{stage.link}x", "no es un enlace"):
            await paste_link(page, wrong)
            await expect(page.locator("[data-code=not_opened]")).to_be_visible()
            await expect(field).to_have_attribute("aria-describedby", "link-hint link-error")
            await expect(page.locator("#link-error")).to_be_visible()
            await expect(field).to_have_value("")
        await language_link(page, "en").click()
        await expect(page.locator("html")).to_have_attribute("lang", re.compile("^en"))
        await paste_link(page, stage.link)
        await expect(page.locator("#invoices-title")).to_be_visible()
    await context.close()


async def test_language_subscription_filter_and_page_are_kept_together(browser: Browser) -> None:
    async with scriptless(browser, scenes.view(scenes.subscription(), SECOND)) as (_, page, portal):
        await page.get_by_role("link", name="Respaldo Anual").click()
        await portal.status.select_option("paid")
        await portal.invoices.locator(".filter button").click()
        await expect(portal.status).to_have_value("paid")
        await language_link(page, "en").click()
        await expect(page.locator("html")).to_have_attribute("lang", re.compile("^en"))
        await expect(portal.status).to_have_value("paid")
        await expect(page.get_by_role("link", name="Respaldo Anual")).to_have_attribute("aria-current", "true")
        await page.get_by_role("link", name="Premium Mensual").click()
        await expect(portal.status).to_have_value("paid")
        await language_link(page, "es").click()
        await portal.page.locator("#clear").click()
        await expect(portal.invoices.get_by_role("listitem")).to_have_count(12)


async def test_the_history_is_paged_by_links(browser: Browser) -> None:
    async with scriptless(browser, many(), keep_many) as (_, _, portal):
        newest = portal.invoices.get_by_role("listitem").first
        await portal.page.locator("#older").click()
        await expect(newest.filter(has_text="TS-000022")).to_be_visible()
        await portal.page.locator("#newest").click()
        await expect(newest.filter(has_text="TS-000034")).to_be_visible()


async def test_invoices_and_files_are_links_and_the_way_back_keeps_the_filter(browser: Browser) -> None:
    async with scriptless(browser, scenes.view(scenes.subscription(), SECOND)) as (stage, page, portal):
        await page.goto(f"{stage.origin}/?subscription={SECOND['id']}&status=paid")
        for file in ("csv", "zip", "ndjson"):
            assert (await portal.download_history(file)).endswith(b"fecha")
            await page.reload()
        await page.goto(f"{stage.origin}/?subscription={SECOND['id']}")
        await portal.open_invoice("TS-000014")
        await expect(page.locator("[data-print]")).to_be_hidden()
        assert (await portal.download(page.locator('.actions a[href$=".pdf"]'))).startswith(b"%PDF")
        await back_to_portal(page).click()
        await expect(page.get_by_role("link", name="Respaldo Anual")).to_have_attribute("aria-current", "true")


async def test_a_cancellation_is_refused_corrected_confirmed_and_withdrawn(browser: Browser) -> None:
    async with scriptless(browser) as (stage, page, portal):
        await portal.page.locator("#cancel").click()
        await expect(page.locator("#comment")).to_be_hidden()
        await page.locator("[name=feedback][value=other]").check()
        comment = page.locator("#comment")
        await comment.fill("x" * 501)
        await page.locator("#sheet button[type=submit]").click()
        await expect(comment).to_have_attribute("aria-describedby", "comment-limit comment-error")
        await expect(page.locator("#comment-error")).to_have_text(re.compile("500.*501"))
        await expect(comment).to_have_value("x" * 501)
        await comment.fill("Hasta pronto")
        stage.subscriptions.refuses = Problem(503, "service_unavailable", "Away")
        await page.locator("#sheet button[type=submit]").click()
        await expect(problem(page, "service_unavailable").locator("[data-reference]")).to_be_visible()
        await expect(page.locator("[name=feedback][value=other]")).to_be_checked()
        stage.subscriptions.refuses = None
        await page.locator("#sheet button[type=submit]").click()
        await expect(page.locator("[data-outcome=scheduled]")).to_be_visible()
        await page.locator("form[action*='/keep'] button").click()
        await expect(message(page, "kept")).to_be_visible()
        assert [command.get("comment") for command in stage.subscriptions.commands] == ["Hasta pronto", "Hasta pronto", None]
        assert len({command["key"] for command in stage.subscriptions.commands[:2]}) == 1


async def test_a_refused_command_leads_back_to_the_portal(browser: Browser) -> None:
    async with scriptless(browser, scenes.view(scenes.ending())) as (stage, page, portal):
        stage.subscriptions.refuses = Problem(409, "cancellation_took_effect", "Too late")
        await portal.keep()
        await expect(problem(page, "cancellation_took_effect")).to_be_visible()
        await expect(page.get_by_text("Ana García")).to_be_visible()
        await page.locator("main a[data-close]").click()
        await expect(badge(portal.subscription, "ending")).to_be_visible()


async def test_a_session_is_extended_or_says_that_it_cannot_be(browser: Browser) -> None:
    async with scriptless(browser, scenes.view(scenes.subscription(), SECOND)) as (stage, page, _):
        await page.get_by_role("link", name="Respaldo Anual").click()
        await expect(page.locator("form.without-script").filter(has_text="30")).to_be_visible()
        await page.locator("form.without-script button").click()
        await expect(page.get_by_role("link", name="Respaldo Anual")).to_have_attribute("aria-current", "true")
        began = datetime.now(UTC) - ABSOLUTE + timedelta(minutes=4)
        stage.access.session_of_ana = scenes.session(started_at=began, seen_at=datetime.now(UTC))
        await page.reload()
        await expect(page.locator("[data-for-good]")).to_be_visible()


async def test_card_entry_says_that_it_needs_scripts(browser: Browser) -> None:
    async with scriptless(browser, scenes.owing()) as (_, page, portal):
        await page.locator("#pay").click()
        await expect(page.locator("p.without-script")).to_be_visible()
        await back_to_portal(page).click()
        await expect(badge(portal.subscription, "past_due")).to_be_visible()


async def test_both_ways_of_logging_out(browser: Browser) -> None:
    async with scriptless(browser) as (stage, page, _):
        await log_out(page, revoke_link=True)
        await expect(problem(page, "link_revoked")).to_be_visible()
        assert stage.access.ended == [True]
    async with scriptless(browser) as (stage, page, _):
        await log_out(page)
        await expect(problem(page, "session_ended")).to_be_visible()
        await expect(page.locator("#link")).to_be_visible()
        assert stage.access.ended == [False]
