"""A payer opens an invoice link, sees one invoice, and pays it with a card that is not stored."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from browser.live_stage import DECLINED, LiveStage
from playwright.async_api import Page, expect

from portal_gateway.domain.view import InvoiceStatus
from support.portal_page import scenes
from support.portal_page.fakes import INVOICE_TOKEN
from support.portal_page.page_objects import CardDialog

GOOD = "4242424242424242"
TOTAL = {"amount_minor": 2999, "currency": "USD"}


@asynccontextmanager
async def paying(page: Page, becomes: InvoiceStatus = "paid") -> AsyncIterator[tuple[LiveStage, CardDialog]]:
    """The card form of the invoice, opened with the link."""
    async with LiveStage(scenes.view()).open() as stage:
        stage.invoicing.invoice_is = scenes.whole_invoice(status="open", paid_at=None)
        stage.invoice_links.live = scenes.invoice_session()
        stage.live_payments.becomes = becomes
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


async def test_closing_the_invoice_ends_the_session(page: Page) -> None:
    async with paying(page) as (stage, _):
        await page.locator("#log-out").click()
        await page.wait_for_url(f"{stage.origin}/shared-invoice/closed")
        assert stage.invoice_links.live is None
        await page.goto(f"{stage.origin}/shared-invoice")
        await expect(page.locator('[data-code="not_opened"]')).to_be_visible()


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
