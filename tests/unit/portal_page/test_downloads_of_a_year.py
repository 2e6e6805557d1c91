"""The download menu of a history that is filtered by year names the year and what is complete."""

import re
from html import unescape

import pytest

from support.portal_page.fakes import Stage

ALL = [("/export.csv", "Hoja de cálculo (CSV)"), ("/export.zip", "Todas las facturas en PDF (ZIP)")]
OF_2022 = [
    ("/export.csv?year=2022", "Solo 2022, hoja de cálculo (CSV)"),
    ("/export.zip?year=2022", "Solo 2022, todas las facturas en PDF (ZIP)"),
    ("/export.csv", "Todos los años, hoja de cálculo (CSV)"),
    ("/export.zip", "Todos los años, todas las facturas en PDF (ZIP)"),
]
FOR_PROGRAMS = [("/export.ndjson", "Datos para sistemas (NDJSON)")]


@pytest.mark.parametrize(
    ("address", "name", "files"),
    [("/", "Descargar todo", ALL), ("/?status=paid", "Descargar todo", ALL), ("/?year=2022", "Descargar", OF_2022)],
)
async def test_the_menu_offers_the_year_that_is_shown(address: str, name: str, files: list[tuple[str, str]]) -> None:
    async with Stage().browser() as browser:
        html = unescape((await browser.get(address)).text)
    (menu,) = re.findall(r'<details class="menu small"><summary id="download-all".*?</details>', html, re.DOTALL)
    assert re.findall(r"<summary[^>]*>(.*?)</summary>", menu) == [name]
    assert re.findall(r'<a class="item" href="(.*?)"[^>]*>(.*?)</a>', menu) == [*files, *FOR_PROGRAMS]


async def test_the_file_of_a_year_has_it_in_its_name() -> None:
    async with Stage().browser() as browser:
        one, everything = await browser.get("/export.csv?year=2022"), await browser.get("/export.csv")
    assert "facturas-2022.csv" in one.headers["content-disposition"]
    assert "2022" not in everything.headers["content-disposition"]
