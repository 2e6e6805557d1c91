"""Paying a debt with the card on file: the listed amount, and the outcome on the current page."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from browser.gallery_payments import facing, owing
from browser.live_stage import LiveStage
from browser.test_slow_and_failing_requests import HeldRequests
from playwright.async_api import Locator, Page, expect

from portal_gateway.application.presentation.failure_reasons import REASONS
from support.portal_page import scenes
from support.portal_page.page_objects import PortalPage, badge, paste_link, problem, sheet
from support.portal_page.sentences import spanish

UNPAID = scenes.invoice_id(14)
FIRST = re.compile(r"TS-000014.*29\.99 USD")
BEGUN = re.compile(r"14 .* 14 .*29\.99 USD")


@asynccontextmanager
async def paying(page: Page, begun: int = 0, **facts: Any) -> AsyncIterator[tuple[LiveStage, PortalPage, Locator]]:
    """Open the payment dialog at the debt."""
    stage = LiveStage(owing())
    facing(begun, **facts)(stage)
    async with stage.open():
        portal = await stage.enter(page)
        button = page.locator("#pay-now")
        await expect(button).to_contain_text("Visa •••• 4242")
        await expect(page.locator("#pay")).to_be_visible()
        await expect(button).to_have_accessible_description(await page.locator("#payment-does").inner_text())
        await button.click()
        await expect(portal.dialog.get_by_role("heading", level=1)).to_be_focused()
        yield stage, portal, portal.dialog


def submit_of(dialog: Locator) -> Locator:
    return dialog.locator("button[type=submit]")


async def confirm(dialog: Locator) -> None:
    await submit_of(dialog).click()


async def test_the_listed_debt_is_paid_with_two_clicks_and_the_page_updates(page: Page) -> None:
    async with paying(page) as (stage, portal, dialog):
        await expect(dialog.locator("dl > div")).to_have_text([FIRST])
        await expect(submit_of(dialog)).to_contain_text("29.99 USD")
        await confirm(dialog)
        await expect(sheet(dialog, "paid")).to_be_visible()
        await expect(badge(dialog.locator("#payment-outcome"), "paid").first).to_be_visible()
        await expect(dialog.locator("[data-outcome=paid]")).to_contain_text("14 de junio.")
        await dialog.locator("a[data-close]").click()
        await expect(badge(portal.subscription, "active")).to_be_visible()
        assert [request["amount"] for request in stage.live_payments.requests] == [{"amount_minor": 2999, "currency": "USD"}]


async def test_begun_periods_are_in_the_list_and_in_the_total(page: Page) -> None:
    async with paying(page, begun=1) as (stage, _, dialog):
        await expect(dialog.locator("dl > div")).to_have_text([FIRST, BEGUN, re.compile("59.98 USD")])
        await expect(submit_of(dialog)).to_contain_text("59.98 USD")
        await confirm(dialog)
        charges = dialog.locator("#payment-outcome dl > div").filter(has=page.locator("[data-status=paid]"))
        await expect(charges).to_have_text([re.compile("TS-000014 · 29.99 USD"), re.compile("TS-000015 · 29.99 USD")])
        assert stage.live_payments.requests[0]["amount"] == {"amount_minor": 5998, "currency": "USD"}


async def test_a_period_that_begins_meanwhile_is_shown_before_it_is_paid(page: Page) -> None:
    async with paying(page) as (stage, _, dialog):
        facing(1)(stage)
        await confirm(dialog)
        await expect(problem(dialog, "amount_changed")).to_be_visible()
        await expect(submit_of(dialog)).to_contain_text("59.98 USD")
        await confirm(dialog)
        await expect(badge(dialog.locator("#payment-outcome"), "paid").first).to_be_visible()
        assert [request["amount"]["amount_minor"] for request in stage.live_payments.requests] == [2999, 5998]
        assert len({request["key"] for request in stage.live_payments.requests}) == 2


async def test_a_slow_charge_shows_its_outcome_on_the_current_page(page: Page) -> None:
    async with paying(page, becomes="processing") as (stage, _, dialog):
        await confirm(dialog)
        await expect(badge(dialog.locator("[data-outcome=processing]"), "processing")).to_be_visible()
        close = dialog.locator("a[data-close]")
        await close.focus()
        stage.live_payments.end(UNPAID, "paid")
        await expect(badge(dialog.locator("#payment-outcome"), "paid").first).to_be_visible()
        await expect(close).to_be_focused()
        requests: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        await page.wait_for_timeout(2600)
        assert [url for url in requests if "/payment" in url] == [], "what is known is not asked for again"


async def test_a_failed_payment_offers_another_card(page: Page) -> None:
    async with paying(page, becomes="failed", reason="insufficient_funds") as (_, _, dialog):
        await confirm(dialog)
        await expect(dialog.locator("[data-outcome=failed]")).to_contain_text(spanish(REASONS["insufficient_funds"]))
        await dialog.locator("#another-card").click()
        await expect(dialog.locator("[data-card] iframe")).to_be_visible()


async def test_a_double_click_pays_once(page: Page) -> None:
    async with paying(page) as (stage, _, dialog):
        slow = HeldRequests()
        await page.route("**/payment", slow)
        await submit_of(dialog).dblclick()
        await slow.release()
        await expect(badge(dialog.locator("#payment-outcome"), "paid").first).to_be_visible()
        assert len(stage.live_payments.requests) == 1


async def test_card_entry_lists_begun_periods_and_says_what_it_pays(page: Page) -> None:
    stage = LiveStage(owing())
    facing(1)(stage)
    async with stage.open():
        portal = await stage.enter(page)
        dialog = await portal.pay_debt()
        await expect(dialog.root.locator("[data-due] dl > div")).to_have_text([FIRST, BEGUN, re.compile("59.98 USD")])
        await expect(dialog.root.locator("[data-does] p")).to_have_count(1)
        await dialog.fill("4242424242424242")
        await expect(dialog.confirm_button).to_contain_text("59.98 USD")
        await dialog.confirm()
        await expect(sheet(dialog.root, "card-saved")).to_be_visible()
        charges = dialog.root.locator("[data-charge]").filter(has=page.locator("[data-status=paid]"))
        await expect(charges).to_have_text([re.compile("TS-000014 · 29.99 USD"), BEGUN])
        await expect(dialog.root.locator("[data-advice=waiting]")).to_have_count(0)
        [request] = stage.live_payments.requests
        assert request["totals"] == [{"amount_minor": 5998, "currency": "USD"}]
        assert len(request["charges"]) == 2


async def test_without_scripts_the_same_pages_follow(page: Page) -> None:
    context = await page.context.browser.new_context(java_script_enabled=False, locale="es-MX")  # type: ignore[union-attr]
    stage = LiveStage(owing())
    facing(1)(stage)
    async with stage.open():
        plain = await context.new_page()
        await plain.goto(f"{stage.origin}/enter")
        await paste_link(plain, stage.link)
        await plain.locator("#pay-now").click()
        confirm_button = plain.locator("#sheet button[type=submit]")
        await expect(confirm_button).to_contain_text("59.98 USD")
        await confirm_button.click()
        await expect(sheet(plain, "paid")).to_be_visible()
        await expect(plain.locator("[data-outcome=paid]")).to_be_visible()
        await plain.locator("a[data-close]").click()
        await expect(plain).to_have_url(f"{stage.origin}/")
    await context.close()
