"""A payer opens an invoice link, sees one invoice, and pays it with a card that is not stored."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from browser.axe import violations
from browser.live_stage import DECLINED, LiveStage
from browser.tabs import another_tab
from browser.test_confirming_at_the_bank import button, question
from playwright.async_api import Locator, Page, expect

from chassis.http.problems import Problem
from portal_gateway.domain.view import InvoiceStatus
from support.payments.card_page import CHARGE, authentication_of
from support.portal_page import scenes
from support.portal_page.fakes import INVOICE_TOKEN
from support.portal_page.page_objects import CardDialog, press

WATCH_MS = 61_000
"""Longer than the pause between two checks of the session."""
GOOD = "4242424242424242"
TOTAL = {"amount_minor": 2999, "currency": "USD"}
WAITS = {"authenticate_until": "2026-11-30T12:15:00Z", "charge_id": str(CHARGE)}
"""The payment of the session waits for the payer's bank."""


@asynccontextmanager
async def paying(
    page: Page, becomes: InvoiceStatus = "paid", *, language: str = "es"
) -> AsyncIterator[tuple[LiveStage, CardDialog]]:
    """The card form of the invoice, opened with the link."""
    async with LiveStage(scenes.view()).open() as stage:
        stage.invoicing.invoice_is = scenes.whole_invoice(status="open", paid_at=None)
        stage.invoice_links.live = scenes.invoice_session()
        stage.live_payments.becomes = becomes
        await page.context.add_cookies([{"name": "lang", "value": language, "url": stage.origin}])
        await page.goto(f"{stage.origin}/enter?invoice#{INVOICE_TOKEN}")
        await page.wait_for_url(f"{stage.origin}/shared-invoice")
        await page.locator("#pay").click()
        await expect(page.locator("#not-saved")).to_be_visible()
        dialog = CardDialog(page.locator("#sheet"), page.frame_locator("[data-frame] iframe"))
        await expect(dialog.confirm_button).to_contain_text("29.99 USD")
        yield stage, dialog


async def test_the_invoice_is_paid_with_the_shown_total_and_says_so(page: Page) -> None:
    async with paying(page) as (stage, dialog):
        await dialog.fill(GOOD)
        await dialog.confirm()
        await expect(page.locator('[data-shared="paid"]')).to_be_visible()
        assert page.url == f"{stage.origin}/shared-invoice"
        await expect(page.locator("#pay")).to_have_count(0)
        invoice = scenes.invoice_id(14)
        assert stage.live_payments.requests == [{"pays_once": invoice, "total": TOTAL, "last4": "4242"}]
        await expect(page.locator("body")).not_to_contain_text(re.compile("ana@example.com|•••• 0341|TS-000013"))


async def test_a_declined_card_changes_nothing_and_another_one_pays(page: Page) -> None:
    async with paying(page) as (stage, dialog):
        await dialog.fill(DECLINED)
        await dialog.confirm()
        await expect(dialog.frame.get_by_text(re.compile("No se cobró nada|Nothing was charged"))).to_be_visible()
        assert stage.invoicing.invoice_is["status"] == "open"
        await dialog.fill(GOOD)
        await dialog.confirm()
        await expect(page.locator('[data-shared="paid"]')).to_be_visible()


async def test_the_outcome_appears_once_it_is_known(page: Page) -> None:
    async with paying(page, "processing") as (stage, dialog):
        await dialog.fill(GOOD)
        await dialog.confirm()
        await expect(page.locator('[data-shared="processing"]')).to_be_visible()
        stage.invoicing.invoice_is |= {"status": "failed"}
        await expect(page.locator('[data-shared="failed"]')).to_be_visible()
        await expect(page.locator("#pay")).to_be_visible()


@asynccontextmanager
async def at_bank(page: Page, *, language: str = "es") -> AsyncIterator[tuple[LiveStage, Locator]]:
    """The payer's bank asks about the payment. Yields the sheet with its question."""
    async with paying(page, "processing", language=language) as (stage, dialog):
        stage.live_payments.cards.authentication = authentication_of()
        await dialog.fill(GOOD)
        await dialog.confirm()
        await expect(page.locator('[data-shared="processing"]')).to_be_visible()
        stage.invoicing.invoice_is |= WAITS
        sheet = page.locator('#sheet:has([data-sheet="shared-confirmation"])')
        await expect(question(sheet)).to_be_visible()
        yield stage, sheet


def ends(stage: LiveStage, status: str, **facts: Any) -> None:
    """The payment has its outcome."""
    facts_before = {name: value for name, value in stage.invoicing.invoice_is.items() if name != "authenticate_until"}
    paid_at = scenes.instant(2023, 5, 20) if status == "paid" else None
    stage.invoicing.invoice_is = {**facts_before, "status": status, "paid_at": paid_at, **facts}


@pytest.mark.parametrize(
    ("answer", "width", "language", "status"), [("approve", 1280, "es", "paid"), ("reject", 320, "en", "failed")]
)
async def test_the_payer_answers_their_bank_and_sees_the_result(
    page: Page, answer: str, width: int, language: str, status: str
) -> None:
    await page.set_viewport_size({"width": width, "height": 700})
    async with at_bank(page, language=language) as (stage, sheet):
        assert (await sheet.frame_locator("iframe").locator("html").get_attribute("lang") or "").startswith(language)
        await expect(question(sheet)).to_contain_text("29.99 USD")
        box = await page.locator("iframe").bounding_box()
        assert box is not None
        assert width >= 640 or (box["x"], box["y"], box["width"], box["height"]) == (0, 0, width, 700)
        assert await violations(page) == []
        await press(button(sheet, answer))
        await expect(page.locator("[data-waits]")).to_be_visible()
        assert stage.live_payments.cards.answers == [(answer, CHARGE), ("wake", CHARGE)]
        ends(stage, status, detail="authentication_failed")
        await expect(page.locator(f'[data-shared="{status}"]')).to_be_visible()
        await expect(page.locator("#pay")).to_have_count(0 if status == "paid" else 1)


async def test_a_payer_who_leaves_the_question_can_open_it_again_until_the_payment_ends(page: Page) -> None:
    async with at_bank(page) as (stage, sheet):
        await press(button(sheet, "close"))
        await expect(page.locator("[data-waits]")).to_be_visible()
        await page.locator("#confirm-at-bank").click()
        await expect(question(sheet)).to_be_visible()
        assert stage.live_payments.cards.answers == []
        ends(stage, "failed", detail="authentication_abandoned")
        await press(button(sheet, "close"))
        await expect(page.locator('[data-shared="failed"]')).to_be_visible()
        await expect(page.locator("#pay")).to_be_visible()


async def test_a_confirmation_that_cannot_be_opened_shows_the_invoice_or_can_be_repeated(page: Page) -> None:
    async with paying(page, "processing") as (stage, _):
        stage.live_payments.cards.authentication = authentication_of()
        stage.invoicing.invoice_is |= {"status": "processing", **WAITS}
        stage.invoice_links.live = scenes.invoice_session(paying="payment-1:3", charge_id=CHARGE)
        stage.live_payments.refuses = [Problem(503, "service_unavailable", "Not now"), Problem(404, "not_found", "Over")]
        await page.goto(f"{stage.origin}/shared-invoice/confirmation")
        await expect(page.locator('[data-problem="unavailable"]')).to_be_visible()
        await page.locator("[data-retry]").click()
        await expect(page.locator("[data-waits]")).to_be_visible()


async def test_the_way_back_is_open_when_the_card_form_cannot_be_opened(page: Page) -> None:
    async with paying(page) as (stage, _):
        stage.live_payments.refuses = [Problem(503, "service_unavailable", "Not now")]
        await page.reload()
        await expect(page.locator('[data-problem="unavailable"]')).to_be_visible()
        await page.locator("[data-fallback] [data-close]").click()
        await expect(page.locator('[data-shared="open"]')).to_be_visible()


async def test_closing_the_invoice_ends_the_session(page: Page) -> None:
    async with paying(page) as (stage, _):
        await page.locator("#log-out").click()
        await page.wait_for_url(f"{stage.origin}/shared-invoice/closed")
        assert stage.invoice_links.live is None
        await page.goto(f"{stage.origin}/shared-invoice")
        await expect(page.locator('[data-code="not_opened"]')).to_be_visible()


@asynccontextmanager
async def open_invoice(page: Page) -> AsyncIterator[LiveStage]:
    """The page of an invoice link, with a clock that the test moves."""
    await page.clock.install()
    async with LiveStage(scenes.view()).open() as stage:
        stage.invoicing.invoice_is = scenes.whole_invoice(status="open", paid_at=None)
        stage.invoice_links.live = scenes.invoice_session()
        await page.goto(f"{stage.origin}/enter?invoice#{INVOICE_TOKEN}")
        # Its end is the load event, after the scripts have run: from then on the page checks its session.
        await page.wait_for_url(f"{stage.origin}/shared-invoice")
        await expect(page.locator("#pay")).to_be_visible()
        yield stage


async def test_a_page_removes_its_invoice_when_the_session_has_ended(page: Page) -> None:
    async with open_invoice(page) as stage:
        async with page.expect_response("**/api/shared-invoice"):
            await page.clock.fast_forward(WATCH_MS)
        await expect(page.locator("#pay")).to_be_visible()
        stage.invoice_links.live = None
        await page.clock.fast_forward(WATCH_MS)
        await expect(page.locator('[data-code="not_opened"]')).to_be_visible()
        await expect(page.locator("body")).not_to_contain_text("TS-000014")


async def test_the_card_form_disappears_with_the_session(page: Page) -> None:
    async with open_invoice(page) as stage:
        await page.locator("#pay").click()
        await page.wait_for_url(f"{stage.origin}/shared-invoice/payment")
        await expect(page.locator("[data-frame] iframe")).to_be_visible()
        stage.invoice_links.live = None
        await page.clock.fast_forward(WATCH_MS)
        await expect(page.locator('[data-code="not_opened"]')).to_be_visible()
        await expect(page.locator("iframe")).to_have_count(0)


async def test_closing_the_invoice_in_one_tab_removes_it_from_the_others(page: Page) -> None:
    async with open_invoice(page) as stage:
        other = await another_tab(page)
        await other.goto(f"{stage.origin}/shared-invoice")
        await other.locator("#log-out").click()
        await expect(page.locator('[data-code="not_opened"]')).to_be_visible()


async def test_opening_another_link_removes_the_former_invoice_from_open_tabs(page: Page) -> None:
    async with open_invoice(page) as stage:
        other = await another_tab(page)
        stage.invoice_links.live = replace(scenes.invoice_session(), csrf="n" * 43)
        stage.invoicing.invoice_is |= {"number": "TS-000099"}
        await other.goto(f"{stage.origin}/shared-invoice")
        await expect(page.locator("#sheet-title")).to_contain_text("TS-000099")


async def test_the_customer_copies_a_link_and_revokes_it(page: Page) -> None:
    async with LiveStage(scenes.owing()).open() as stage:
        stage.invoicing.invoice_is = scenes.whole_invoice(status="failed", paid_at=None)
        await stage.enter(page)
        await page.goto(f"{stage.origin}/invoices/{scenes.invoice_id(14)}")
        await page.locator("#share").click()
        await page.locator("#create-link").click()
        await expect(page.locator("#invoice-link")).to_have_value(re.compile(r"/enter\?invoice#[0-9a-f-]{36}\.[\w-]{43}$"))
        await page.locator("#revoke-links").click()
        await expect(page.locator("#create-link")).to_be_visible()
        await expect(page.locator("#revoke-links")).to_have_count(0)
        assert stage.invoice_links.issued == []
