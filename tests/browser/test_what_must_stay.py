"""Good properties of the page that a redesign could lose, beside those with tests of their own."""

import asyncio
import re

import pytest
from browser.live_stage import LiveStage
from browser.test_card_entry_errors import Card
from playwright.async_api import Page, Route, expect

from support.portal_page.page_objects import sheet

WIDE = 900
COLUMNS = """() => {
    const box = (selector) => document.querySelector(selector).getBoundingClientRect();
    const [summary, account] = [box(".summary"), box(".account")];
    const tint = getComputedStyle(document.documentElement).getPropertyValue("--tint").trim();
    const swatch = document.body.appendChild(document.createElement("i"));
    swatch.style.background = tint;
    const [wanted, shown] = [swatch, document.querySelector(".summary")].map((each) => getComputedStyle(each).backgroundColor);
    swatch.remove();
    const panes = ["subscription", "payment_method", "invoices"].map((name) => box(`#pane-${name}`).top);
    return {
        beside: summary.right <= account.left + 1,
        above: summary.bottom <= account.top + 1,
        tinted: wanted === shown,
        inOrder: panes.every((top, place) => place === 0 || top > panes[place - 1]),
    };
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_summary_is_a_calm_column_in_the_merchants_tint(page: Page, scheme: str) -> None:
    await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    async with LiveStage().open() as stage:
        await stage.enter(page)
        for width in (320, 390, 768, 900, 1280, 1600):
            await page.set_viewport_size({"width": width, "height": 900})
            wide = width >= WIDE
            assert await page.evaluate(COLUMNS) == {"beside": wide, "above": not wide, "tinted": True, "inOrder": True}, width


async def test_a_dialog_opens_at_once_and_its_top_stays_when_its_content_arrives(page: Page) -> None:
    arrives = asyncio.Event()

    async def late(route: Route) -> None:
        response = await route.fetch()
        await arrives.wait()
        await route.fulfill(response=response)

    async with LiveStage().open() as stage:
        portal = await stage.enter(page)
        await page.emulate_media(reduced_motion="reduce")
        await page.route(re.compile("/cancel"), late)
        await page.locator("#cancel").click()
        await expect(portal.dialog.locator(".skeleton")).to_be_visible()
        await expect(sheet(portal.dialog, "loading")).to_be_focused()
        waiting = await portal.dialog.bounding_box()
        arrives.set()
        await expect(sheet(portal.dialog, "cancel")).to_be_focused()
        arrived = await portal.dialog.bounding_box()
        assert waiting is not None
        assert arrived is not None
        assert waiting["y"] == arrived["y"]


async def test_all_mistakes_of_a_card_are_shown_at_once_and_what_was_typed_is_kept(page: Page) -> None:
    async with LiveStage().open() as stage:
        card = await Card.opened(page, stage)
        await card.type("4242 4242 4242 4241", "13 / 30", "1")
        await card.confirm()
        for name, typed in (("number", "4242 4242 4242 4241"), ("exp", "13 / 30"), ("cvc", "1")):
            await expect(card.field(f"{name}-error")).to_be_visible()
            await expect(card.field(name)).to_have_value(typed)
        await expect(card.field("number")).to_be_focused()


async def test_a_number_is_grouped_while_it_is_typed(page: Page) -> None:
    async with LiveStage().open() as stage:
        card = await Card.opened(page, stage)
        await card.field("number").press_sequentially("55555")
        await expect(card.field("number")).to_have_value("5555 5")


async def test_leaving_is_as_easy_to_press_as_staying(page: Page) -> None:
    """No dark pattern: no preselected choice, no required answer, equal buttons side by side."""
    async with LiveStage().open() as stage:
        dialog = await (await stage.enter(page)).cancel()
        stay, leave = dialog.root.locator("button[data-close]"), dialog.confirm_button
        await expect(dialog.root.locator(":checked, [required]")).to_have_count(0)
        await expect(leave).to_be_enabled()
        boxes = [box for button in (stay, leave) if (box := await button.bounding_box())]
        assert len({box["height"] for box in boxes}) == 1
        assert 1 in (len({box["y"] for box in boxes}), len({box["width"] for box in boxes})), "one row or one width"
        assert await stay.evaluate("(button) => getComputedStyle(button).fontSize") == (
            await leave.evaluate("(button) => getComputedStyle(button).fontSize")
        )
