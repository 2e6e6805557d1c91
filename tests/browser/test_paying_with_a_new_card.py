"""Paying a debt with a new card: the list before the confirmation, and the outcome of each invoice after it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from browser.live_stage import LiveStage
from playwright.async_api import Locator, Page, expect

from support.portal_page import scenes
from support.portal_page.page_objects import CardDialog, PortalPage, Visitor, press

APRIL = {"amount_minor": 1200, "currency": "USD"}


def two_owed() -> Any:
    owed = [scenes.invoice(14, "failed"), scenes.invoice(13, "failed", total=APRIL)]
    return scenes.view(scenes.subscription("past_due", debt=scenes.debt()), invoices=[*owed, scenes.invoice(12)])


@asynccontextmanager
async def paying(page: Page, **becomes: str) -> AsyncIterator[tuple[LiveStage, PortalPage, CardDialog, dict[str, str]]]:
    """The filled-in dialog. The outcome of each invoice can still be set."""
    async with LiveStage(two_owed()).open() as stage:
        statuses = {scenes.invoice_id(int(number.removeprefix("TS"))): status for number, status in becomes.items()}

        async def invoice(session: Any, id: UUID) -> dict[str, Any]:
            return scenes.whole_invoice(id=str(id), status=statuses[str(id)])

        stage.invoicing.invoice = invoice  # type: ignore[method-assign, assignment]
        portal = await Visitor(page, stage.link).enter()
        dialog = await portal.pay_debt()
        await dialog.fill("4242424242424242")
        yield stage, portal, dialog, statuses


def outcome(dialog: CardDialog, number: str) -> Locator:
    return dialog.root.locator("[data-charge]").filter(has_text=number).get_by_role("definition")


async def test_exactly_the_listed_invoices_are_paid(page: Page) -> None:
    async with paying(page, TS14="paid", TS13="paid") as (stage, _, dialog, _):
        listed = dialog.root.locator("[data-due] dl > div")
        await expect(listed).to_have_text(
            ["TS-000013 · 14 abr 202312.00 USD", "TS-000014 · 14 may 202329.99 USD", "Total41.99 USD"]
        )
        await press(dialog.frame.get_by_role("button", name="Confirmar y pagar 41.99 USD"))
        await expect(outcome(dialog, "TS-000014 · 29.99 USD")).to_have_text("Pagado")
        await expect(outcome(dialog, "TS-000013 · 12.00 USD")).to_have_text("Pagado")
        assert sorted(stage.live_payments.asked[0]["charges"]) == sorted([scenes.invoice_id(13), scenes.invoice_id(14)])


async def test_a_debt_that_arises_meanwhile_is_listed_before_it_is_paid(page: Page) -> None:
    async with paying(page, TS14="paid", TS13="paid", TS12="paid") as (stage, _, dialog, _):
        owed = [scenes.invoice(14, "failed"), scenes.invoice(13, "failed", total=APRIL), scenes.invoice(12, "failed")]
        stage.change(invoices=owed)
        await press(dialog.frame.get_by_role("button", name="Confirmar y pagar 41.99 USD"))
        await expect(dialog.frame.get_by_role("alert")).to_contain_text("Lo pendiente de pago cambió")
        await expect(dialog.root.locator("[data-due] dl > div")).to_have_text(
            [
                "TS-000012 · 14 mar 202329.99 USD",
                "TS-000013 · 14 abr 202312.00 USD",
                "TS-000014 · 14 may 202329.99 USD",
                "Total71.98 USD",
            ]
        )
        await press(dialog.frame.get_by_role("button", name="Confirmar y pagar 71.98 USD"))
        await expect(outcome(dialog, "TS-000012 · 29.99 USD")).to_have_text("Pagado")
        assert [len(asked["charges"]) for asked in stage.live_payments.asked] == [2, 3]


async def test_one_of_two_invoices_can_fail(page: Page) -> None:
    async with paying(page, TS14="failed", TS13="paid") as (_, _, dialog, _):
        await dialog.confirm()
        await expect(outcome(dialog, "TS-000013")).to_have_text("Pagado")
        await expect(outcome(dialog, "TS-000014")).to_have_text("Pago fallido")
        await expect(dialog.root).to_contain_text("No pudimos cobrar con esta tarjeta. Puedes intentarlo con otra.")
        await expect(dialog.root).to_contain_text("Desde ahora usaremos Visa •••• 4242.")


async def test_a_slow_charge_shows_that_it_runs_and_then_its_outcome(page: Page) -> None:
    async with paying(page, TS14="processing", TS13="paid") as (_, portal, dialog, statuses):
        await dialog.confirm()
        await expect(outcome(dialog, "TS-000013")).to_have_text("Pagado")
        await expect(outcome(dialog, "TS-000014")).to_have_text("En proceso")
        await expect(dialog.root).to_contain_text("Tu banco todavía no responde. Puedes cerrar esta ventana")
        statuses[scenes.invoice_id(14)] = "paid"
        await expect(outcome(dialog, "TS-000014")).to_have_text("Pagado", timeout=15_000)
        await expect(dialog.root).not_to_contain_text("Tu banco todavía no responde")
        await dialog.close()
        await expect(portal.method).to_contain_text("Visa •••• 4242")
