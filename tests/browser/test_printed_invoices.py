"""The page of an invoice as the browser prints it."""

from io import BytesIO

from browser.gallery_extremes import long_invoice
from browser.gallery_pages import INVOICE, owed_invoice
from browser.live_stage import LiveStage
from playwright.async_api import Page
from pypdf import PdfReader

from support.portal_page import scenes
from support.portal_page.page_objects import Visitor


async def printed(page: Page, stage: LiveStage) -> list[str]:
    """The text of each sheet."""
    async with stage.open():
        await Visitor(page, stage.link).enter()
        await page.goto(stage.origin + INVOICE)
        paper = await page.pdf(format="A4", margin={"top": "15mm", "right": "15mm", "bottom": "15mm", "left": "15mm"})
    return [" ".join(sheet.extract_text().split()) for sheet in PdfReader(BytesIO(paper)).pages]


async def test_an_invoice_fits_one_sheet_without_buttons(page: Page) -> None:
    stage = LiveStage(scenes.owing())
    owed_invoice(stage)
    (sheet,) = await printed(page, stage)
    for told in (
        "TechSolutions Inc.",
        "Factura TS-000014",
        "Ana García",
        "IVA (16 %",
        "Próximo intento de cobro",
        "No pudimos cobrar",
    ):
        assert told in sheet
    for pressed in ("Descargar PDF", "Imprimir", "Salir", "Volver al portal", "English", "Actualizar tarjeta y pagar"):
        assert pressed not in sheet


async def test_a_long_invoice_begins_on_the_first_sheet(page: Page) -> None:
    stage = LiveStage()
    long_invoice(stage)
    first, *more = await printed(page, stage)
    assert "Factura TS-000014" in first
    assert "Movimientos" in " ".join([first, *more])
