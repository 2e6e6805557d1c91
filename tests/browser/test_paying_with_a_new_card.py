"""Paying a debt with a new card: the list before the confirmation, and the outcome of each invoice after it."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any
from uuid import UUID

from browser.live_stage import LiveStage
from browser.test_confirming_at_the_bank import button, question
from playwright.async_api import Locator, Page, expect

from support.payments.card_page import authentication_of
from support.payments.examples import id_of
from support.portal_page import scenes
from support.portal_page.page_objects import CardDialog, PortalPage, badge, press, problem

APRIL = {"amount_minor": 1200, "currency": "USD"}


def two_owed() -> Any:
    owed = [scenes.invoice(14, "failed"), scenes.invoice(13, "failed", total=APRIL)]
    return scenes.view(scenes.subscription("past_due", debt=scenes.debt()), invoices=[*owed, scenes.invoice(12)])


@asynccontextmanager
async def paying(
    page: Page, more: Mapping[str, dict[str, str]] = MappingProxyType({}), **becomes: str
) -> AsyncIterator[tuple[LiveStage, PortalPage, CardDialog, dict[str, str]]]:
    """The filled-in dialog. The outcome of each invoice can still be set, and `more` of its facts."""
    async with LiveStage(two_owed()).open() as stage:
        statuses = {scenes.invoice_id(int(number.removeprefix("TS"))): status for number, status in becomes.items()}

        async def invoice(session: Any, id: UUID) -> dict[str, Any]:
            return scenes.whole_invoice(id=str(id), status=statuses[str(id)], **more.get(str(id), {}))

        stage.invoicing.invoice = invoice  # type: ignore[method-assign, assignment]
        portal = await stage.enter(page)
        dialog = await portal.pay_debt()
        await dialog.fill("4242424242424242")
        yield stage, portal, dialog, statuses


def outcome(dialog: CardDialog, number: str, status: str) -> Locator:
    """The badge of an invoice in the result."""
    return badge(dialog.root.locator("[data-charge]").filter(has_text=number), status)


def lines(*amounts: str) -> list[re.Pattern[str]]:
    """Numbers and amounts of the list, in this order."""
    return [re.compile(amount) for amount in amounts]


async def test_exactly_the_listed_invoices_are_paid(page: Page) -> None:
    async with paying(page, TS14="paid", TS13="paid") as (stage, _, dialog, _):
        listed = dialog.root.locator("[data-due] dl > div")
        await expect(listed).to_have_text(lines("TS-000013.*12.00 USD", "TS-000014.*29.99 USD", "41.99 USD"))
        await expect(dialog.confirm_button).to_contain_text("41.99 USD")
        await dialog.confirm()
        await expect(outcome(dialog, "TS-000014 · 29.99 USD", "paid")).to_be_visible()
        await expect(outcome(dialog, "TS-000013 · 12.00 USD", "paid")).to_be_visible()
        assert sorted(stage.live_payments.requests[0]["charges"]) == sorted([scenes.invoice_id(13), scenes.invoice_id(14)])


async def test_a_debt_that_arises_meanwhile_is_listed_before_it_is_paid(page: Page) -> None:
    async with paying(page, TS14="paid", TS13="paid", TS12="paid") as (stage, _, dialog, _):
        owed = [scenes.invoice(14, "failed"), scenes.invoice(13, "failed", total=APRIL), scenes.invoice(12, "failed")]
        stage.change(invoices=owed)
        await dialog.confirm()
        await expect(problem(dialog.frame, "due_changed")).to_be_visible()
        await expect(dialog.root.locator("[data-due] dl > div")).to_have_text(
            lines("TS-000012.*29.99 USD", "TS-000013.*12.00 USD", "TS-000014.*29.99 USD", "71.98 USD")
        )
        await expect(dialog.confirm_button).to_contain_text("71.98 USD")
        await dialog.confirm()
        await expect(outcome(dialog, "TS-000012 · 29.99 USD", "paid")).to_be_visible()
        assert [len(request["charges"]) for request in stage.live_payments.requests] == [2, 3]


async def test_one_of_two_invoices_can_fail(page: Page) -> None:
    async with paying(page, TS14="failed", TS13="paid") as (_, _, dialog, _):
        await dialog.confirm()
        await expect(outcome(dialog, "TS-000013", "paid")).to_be_visible()
        await expect(outcome(dialog, "TS-000014", "failed")).to_be_visible()
        await expect(dialog.root.locator("[data-advice=failed]")).to_be_visible()
        await expect(dialog.saved).to_contain_text("Visa •••• 4242")


async def test_a_new_card_whose_bank_asks_leads_to_the_confirmation(page: Page) -> None:
    more: dict[str, dict[str, str]] = {}
    async with paying(page, more, TS14="processing", TS13="paid") as (stage, _, dialog, statuses):
        await dialog.confirm()
        await expect(outcome(dialog, "TS-000013", "paid")).to_be_visible()
        await expect(dialog.root.locator("#confirm-at-bank")).to_be_hidden()
        card: Any = {**(stage.views.shown.facts["payment_method"] or {}), "id": str(id_of("method"))}
        facts = {"remedy": "authenticate", "detail": "authentication_required", "charged_method_id": card["id"]}
        stage.change(invoices=[scenes.invoice(14, "failed", **facts), scenes.invoice(13)], payment_method=card)
        statuses[scenes.invoice_id(14)], more[scenes.invoice_id(14)] = "failed", facts
        confirm = dialog.root.locator("#confirm-at-bank")
        await expect(confirm).to_be_visible(timeout=15_000)
        await expect(dialog.root.locator("[data-advice=asked]")).to_be_visible()
        await expect(dialog.root.locator("#another-card")).to_be_visible()
        await expect(dialog.root.locator(".button.primary:visible")).to_have_count(1)
        stage.live_payments.cards.authentication = authentication_of()
        await confirm.click()
        await expect(question(dialog.root)).to_be_visible()
        begun = stage.live_payments.requests[-1]
        assert begun["authenticate"] == scenes.invoice_id(14)
        await press(button(dialog.root, "approve"))
        await expect(dialog.root.locator('[data-sheet="paid"]')).to_be_visible()


async def test_a_slow_charge_shows_that_it_runs_and_then_its_outcome(page: Page) -> None:
    async with paying(page, TS14="processing", TS13="paid") as (_, portal, dialog, statuses):
        await dialog.confirm()
        await expect(outcome(dialog, "TS-000013", "paid")).to_be_visible()
        await expect(outcome(dialog, "TS-000014", "processing")).to_be_visible()
        await expect(dialog.root.locator("[data-advice=waiting]")).to_be_visible()
        statuses[scenes.invoice_id(14)] = "paid"
        await expect(outcome(dialog, "TS-000014", "paid")).to_be_visible(timeout=15_000)
        await expect(dialog.root.locator("[data-advice=waiting]")).to_have_count(0)
        await dialog.close()
        await expect(portal.method).to_contain_text("Visa •••• 4242")
