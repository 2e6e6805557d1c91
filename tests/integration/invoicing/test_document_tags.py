"""The structure of the PDF for screen readers and archives: PDF/UA-1, PDF/A-2a."""

import json
import re
from dataclasses import replace

from invoicing.adapters.document.layout import lay_out
from invoicing.adapters.document.renderer import Renderer
from invoicing.application.invoices import Document, Settlement
from invoicing.domain.totals import totals_of
from support.invoicing.examples import ANA, ISSUE, ISSUED, LETTERHEAD, issued
from support.invoicing.pdf_documents import LOGO_ID, OPEN, SETTLED, opened, root, tags, text, unmarked

ENGLISH = Document(issued(replace(ISSUE, letterhead=replace(LETTERHEAD, locale="en-US"))), Settlement(), ANA)
LONG = replace(OPEN, issued=replace(ISSUED, lines=ISSUED.lines * 60, totals=totals_of(ISSUED.lines * 60)))
WITH_LOGO = replace(OPEN, issued=replace(ISSUED, letterhead=replace(LETTERHEAD, logo=LOGO_ID)))


async def test_the_pdf_has_a_title_and_a_language(render: Renderer) -> None:
    for document, title, language in ((SETTLED, "Factura TS-000014", "es"), (ENGLISH, "Invoice TS-000014", "en")):
        pdf = await render(document)
        metadata = opened(pdf).metadata
        assert metadata is not None
        assert metadata.title == title
        assert root(pdf)["/Lang"] == language
        assert root(pdf)["/ViewerPreferences"]["/DisplayDocTitle"].value


async def test_the_pdf_declares_pdf_ua_and_pdf_a(render: Renderer) -> None:
    promised = root(await render(SETTLED))["/Metadata"].get_data()
    assert b"<pdfuaid:part>1</pdfuaid:part>" in promised
    assert b"<pdfaid:part>2</pdfaid:part>" in promised
    assert b"<pdfaid:conformance>A</pdfaid:conformance>" in promised


async def test_its_headings_are_the_invoice_its_parties_and_the_payment(render: Renderer) -> None:
    assert [tag.role for tag in tags(await render(OPEN)).all("H1", "H2", "H3")] == ["H1", "H2", "H2"]
    assert [tag.role for tag in tags(await render(SETTLED)).all("H1", "H2", "H3")] == ["H1", "H2", "H2", "H2"]


async def test_its_lines_are_a_table_whose_head_names_the_columns(render: Renderer) -> None:
    tables = tags(await render(SETTLED)).all("Table")
    assert len(tables) == 2, "the lines and the payment"
    for table in tables:
        head, body = table.kids
        assert (head.role, body.role) == ("THead", "TBody")
        (row,) = head.kids
        assert [(cell.role, cell.attributes["Scope"]) for cell in row.kids] == [("TH", "/Column")] * 4
        assert [[cell.role for cell in row.kids] for row in body.kids] == [["TD"] * 4]


async def test_a_long_table_is_one_table_whose_head_stands_on_every_page(render: Renderer) -> None:
    pdf = await render(LONG)
    (table,) = tags(pdf).all("Table")
    assert len(table.all("THead")) == 1
    assert len(table.all("TR")) == 61
    pages = [page.extract_text() for page in opened(pdf).pages]
    assert len(pages) > 2
    for number, page in enumerate(pages, 1):
        assert "Concepto" in page
        assert f"Factura TS-000014 · Página {number} de {len(pages)}" in page


async def test_no_line_is_torn_between_two_pages_but_one_that_is_longer_than_a_page(render: Renderer) -> None:
    def described(times: int, lines: int) -> Document:
        line = replace(ISSUED.lines[0], description=f"Principio {'de todo un poco ' * times}final")
        return replace(LONG, issued=replace(LONG.issued, lines=(line,) * lines))

    for page in opened(await render(described(times=15, lines=20))).pages:
        assert (text := page.extract_text()).count("Principio") == text.count("final") > 0
    pages = [page.extract_text() for page in opened(await render(described(times=400, lines=3))).pages]
    assert sum(page.count("todo") for page in pages) == 3 * 400
    assert len(pages) > 4, "a line takes more than a page"


async def test_all_text_belongs_to_the_structure_or_is_decoration(render: Renderer) -> None:
    assert unmarked(await render(LONG)) == []


async def test_a_logo_has_alternative_text_and_an_initial_has_none(render: Renderer) -> None:
    (logo,) = tags(await render(WITH_LOGO)).all("Figure")
    assert logo.alt == json.loads(lay_out(WITH_LOGO))["logo_name"]
    plain = await render(OPEN)
    assert tags(plain).all("Figure") == []
    assert re.match(r"\w+ TS-000014 TechSolutions Inc\. T 29\.99", text(plain))
