"""The page of an invoice as the browser prints it."""

from io import BytesIO

from browser.gallery_extremes import long_invoice
from browser.gallery_pages import INVOICE, owed_invoice
from browser.live_stage import LiveStage
from playwright.async_api import Page
from pypdf import PdfReader

from support.portal_page import scenes


def plain(text: str) -> str:
    return " ".join(text.split())


async def printed(page: Page, stage: LiveStage, *selectors: str) -> tuple[list[str], list[list[str]]]:
    """The text of each sheet; the texts that the page shows for each selector."""
    async with stage.open():
        await stage.enter(page)
        await page.goto(stage.origin + INVOICE)
        shown = [await page.locator(each).filter(visible=True).all_inner_texts() for each in selectors]
        paper = await page.pdf(format="A4", margin={"top": "15mm", "right": "15mm", "bottom": "15mm", "left": "15mm"})
    sheets = [plain(sheet.extract_text()) for sheet in PdfReader(BytesIO(paper)).pages]
    return sheets, [[plain(text) for text in texts] for texts in shown]


async def test_an_invoice_fits_one_sheet_without_buttons(page: Page) -> None:
    stage = LiveStage(scenes.owing())
    owed_invoice(stage)
    texts = (
        "h1",
        ".company span:last-child",
        "[data-notice] b",
        ".parties h2",
        ".sums dt",
        "[data-kind=next_attempt] > span:not(.num)",
    )
    (sheet,), visible_texts = await printed(page, stage, *texts, "button, summary, .actions a, .back a, a[hreflang], .buttons a")
    *shown, controls = visible_texts
    assert all(shown)
    for text in [*(each for texts in shown for each in texts), "TechSolutions Inc.", "TS-000014", "Ana García"]:
        assert text in sheet
    assert len(controls) >= 6
    for text in controls:
        assert text not in sheet


async def test_links_to_documents_are_not_printed(page: Page) -> None:
    stage = LiveStage()
    stage.invoicing.invoice_is = scenes.credited_invoice()
    (sheet,), (links, notes) = await printed(page, stage, ".moves a", "[data-kind=credit_note] .num")
    assert len(links) == 2, "a receipt and a credit note"
    assert notes
    for text in links:
        words, _, number = text.rpartition(" ")
        assert number.startswith("TS-")
        assert words not in sheet


async def test_a_long_invoice_begins_on_the_first_sheet(page: Page) -> None:
    stage = LiveStage()
    long_invoice(stage)
    (first, *more), ([number], headings) = await printed(page, stage, "h1", ".paper > section h2")
    assert number in first
    assert headings[-1] in " ".join([first, *more])
