"""The page is complete and usable when zoomed, with wider text, reduced motion, forced colours, and in print."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import product
from typing import Any

import pytest
from browser.keyboard import Keyboard
from browser.layout_checks import moving, styled, unreadable
from browser.live_stage import LiveStage
from browser.seed import sampled
from playwright.async_api import Frame, Page, expect

from support.portal_page import scenes
from support.portal_page.page_objects import PortalPage

ENLARGED = {"width": 320, "height": 215}
"""The viewport of 1280 × 860 at 400 %."""
BIGGER_TEXT = ":root { font-size: 200% }"
WIDER_TEXT = """* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important }
    p { margin-bottom: 2em !important }"""
RULES = {"bigger": BIGGER_TEXT, "wider": WIDER_TEXT}
INVOICE = f"/invoices/{scenes.invoice_id(14)}"
LAST = {"cancel": "button submit", "card": "button confirm"}


async def overview(portal: PortalPage, stage: LiveStage) -> None:
    await expect(portal.invoices).to_be_visible()


async def cancel(portal: PortalPage, stage: LiveStage) -> None:
    await portal.page.locator("#cancel").press("Enter")
    await expect(portal.dialog.locator("button[type=submit]")).to_be_attached()


async def card(portal: PortalPage, stage: LiveStage) -> None:
    await portal.page.locator("#edit-method").press("Enter")
    await Keyboard(portal.page).wait_for("textbox number")


async def invoice(portal: PortalPage, stage: LiveStage) -> None:
    await portal.page.goto(stage.origin + INVOICE)


async def ended(portal: PortalPage, stage: LiveStage) -> None:
    await portal.page.goto(f"{stage.origin}/ended")


PLACES: dict[str, Callable[[PortalPage, LiveStage], Awaitable[None]]] = {
    "overview": overview,
    "cancel": cancel,
    "card": card,
    "invoice": invoice,
    "ended": ended,
}


@asynccontextmanager
async def at(page: Page, place: str, view: Any = None) -> AsyncIterator[PortalPage]:
    async with LiveStage(view or scenes.owing()).open() as stage:
        portal = await stage.enter(page)
        await PLACES[place](portal, stage)
        yield portal


@pytest.mark.parametrize("place", sampled("zoom", PLACES, 3))
async def test_at_400_percent_everything_is_readable_and_reachable(page: Page, place: str) -> None:
    await page.set_viewport_size(ENLARGED)  # type: ignore[arg-type]
    async with at(page, place):
        assert await unreadable(page) == []
        keyboard = Keyboard(page)
        if place in LAST:
            await keyboard.reach(LAST[place])
        else:
            assert await keyboard.all_stops()


@pytest.mark.parametrize(("place", "text"), sampled("text", product(PLACES, RULES), 4))
async def test_larger_and_wider_text_is_neither_cut_nor_covered(page: Page, place: str, text: str) -> None:
    rules = RULES[text]
    async with at(page, place):
        for width in (1280,) if rules is BIGGER_TEXT else (1280, 320):
            await page.set_viewport_size({"width": width, "height": 860})
            await styled(page, rules)
            await page.wait_for_timeout(200)  # the frame reports its height
            assert await unreadable(page) == [], width


@pytest.mark.parametrize("place", sampled("motion", PLACES, 3))
async def test_nothing_moves_with_reduced_motion(page: Page, place: str) -> None:
    await page.emulate_media(reduced_motion="reduce")
    async with at(page, place):
        assert [await moving(frame) for frame in page.frames] == [0] * len(page.frames)


async def test_forced_colours_keep_edges_marks_and_states(page: Page) -> None:
    owing, other = scenes.subscription("past_due", debt=scenes.debt()), scenes.subscription(id=scenes.invoice_id(99))
    view = scenes.view(owing, other, invoices=[scenes.invoice(14, "failed")])
    await page.emulate_media(forced_colors="active")
    async with LiveStage(view).open() as stage:
        portal = await stage.enter(page)
        await page.goto(f"{stage.origin}/?subscription={scenes.PREMIUM}")
        for edged in (".panel", ".button", ".badge", ".brand", ".initials", ".notice", ".switch a", ".input", ".badge::before"):
            assert await border(page, edged) > 0, edged
        assert await border(page, ".switch [aria-current]") > await border(page, ".switch a:not([aria-current])")
        assert await border(page, ".button.primary") > await border(page, "#edit-method")
        icon = await page.locator(".pdf svg").first.evaluate("(icon) => getComputedStyle(icon).stroke")
        assert icon not in ("none", await page.locator("body").evaluate("(body) => getComputedStyle(body).backgroundColor"))
        await cancel(portal, stage)
        assert await border(page, "dialog") > 0
        too_long = "(field) => { field.maxLength = 600; field.value = 'x'.repeat(501); }"
        await portal.dialog.locator("#comment").evaluate(too_long)
        await portal.dialog.locator("button[type=submit]").click()
        await expect(portal.dialog.locator("[aria-invalid]")).to_be_visible()
        assert await border(page, "dialog [aria-invalid]") > await border(page, "dialog .chips input")


async def test_forced_colours_keep_edges_in_the_card_frame(page: Page) -> None:
    await page.emulate_media(forced_colors="active")
    async with at(page, "card") as portal:
        dialog = await portal.card_dialog()
        frame = page.frames[1]
        await dialog.fill("4242 4242 4242 4241")
        await dialog.confirm()
        wrong = dialog.frame.locator("#number[aria-invalid]")
        await expect(wrong).to_be_focused()
        for edged in (".sandbox", ".button", ".input"):
            assert await border(frame, edged) > 0, edged
        assert await border(frame, ".button.primary") > await border(frame, "#back")
        assert await border(frame, "#number") > await border(frame, "#exp")
        ring = "(field) => parseFloat(getComputedStyle(field).outlineWidth)"
        assert await wrong.evaluate(ring) == 3, "the focus shows on a wrong field as on any other"


async def border(page: Page | Frame, selector: str) -> float:
    """Of the first visible match, in CSS px."""
    element, _, part = selector.partition("::")
    read = "(element, part) => parseFloat(getComputedStyle(element, part ? '::' + part : null).borderTopWidth)"
    return float(await page.locator(element).first.evaluate(read, part))


async def test_the_printed_page_has_its_text_and_no_buttons(page: Page) -> None:
    await page.emulate_media(media="print", color_scheme="dark")
    other = scenes.subscription(id=scenes.invoice_id(99))
    async with LiveStage(scenes.view(scenes.subscription("past_due", debt=scenes.debt()), other)).open() as stage:
        portal = await stage.enter(page)
        for pressed in await page.locator("button, summary, select, nav a, .pdf, .skip, .paging a, .foot a").all():
            await expect(pressed).to_be_hidden()
        await expect(portal.invoices.get_by_role("link")).to_have_count(12)
        assert await grounds(page) == ["rgb(255, 255, 255)"]
        assert await unreadable(page) == []


async def grounds(page: Page) -> list[str]:
    """All background colours."""
    return sorted(
        await page.evaluate("""() => [...new Set([...document.querySelectorAll("*")].filter((node) => node.checkVisibility())
            .map((node) => getComputedStyle(node).backgroundColor).filter((colour) => colour !== "rgba(0, 0, 0, 0)"))]""")
    )


async def test_a_usual_invoice_is_printed_on_one_page(page: Page) -> None:
    async with at(page, "invoice"):
        for paper in ("A4", "Letter"):
            assert pages_of(await page.pdf(format=paper)) == 1, paper


async def test_no_row_is_cut_between_two_pages(page: Page) -> None:
    async with at(page, "overview"):
        await page.emulate_media(media="print")
        rows = page.locator(".invoices li, .panel h2")
        breaks = await rows.evaluate_all("""(rows) => rows.map((row) => getComputedStyle(row))
            .map((style) => [style.breakInside, style.breakAfter])""")
        assert {tuple(style) for style in breaks} == {("avoid", "auto"), ("auto", "avoid")}
        assert pages_of(await page.pdf(format="A4")) == 2


def pages_of(pdf: bytes) -> int:
    return len(re.findall(rb"/Type\s*/Page\b", pdf))
