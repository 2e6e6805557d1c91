"""The exported table, opened with LibreOffice Calc as by a double click."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import date

import pytest

from invoicing.adapters.exporting.table import as_csv
from invoicing.adapters.exporting.wording import Words, words_for
from invoicing.application.history import HistoryRow
from invoicing.application.movements import Kind, Movement
from support.invoicing.examples import day, id_of
from support.spreadsheet import Cell, opened

MOVED = Movement(id_of("issued"), id_of("ana"), id_of("invoice"), Kind.INVOICE, day(5), 2999, "USD", 2585, 414)
ROW = HistoryRow(MOVED, date(2023, 5, 14), "TS-000014", "Premium Mensual", date(2023, 5, 14), date(2023, 6, 14), "paid")

AS_TYPED = [
    "Plan, con comas",
    'Plan "entre comillas"',
    "Plan; con; puntos y comas",
    "Emoji 🎉👩‍💻 y ñandú",
    "خطة شهرية",
    "プレミアム",
    "Plan 1",
    "A-1 (2 = 2)",
    "Sep",
    "•",
    "x" * 200,
]
MARKED = [
    '=HYPERLINK("http://evil.example";"click")',
    "=1+1",
    "+1-2",
    "-5",
    "@SUM(A1:A9)",
    "＝1+1",
    "  =1",
    "007",
    "123456789012345678901234",
    "1E5",
    "1e-000005",
    "1/2",
    "2023-05-14",
    "mayo 2023",
    "14 May 2023",
    "50 %",
    "$5",
    "10:30",
    "TRUE",
    "verdadero",
    "٣",
    "(5)",
    ".5",
]
"""What a spreadsheet would take for something else than text: it keeps its letters, behind an apostrophe."""
ON_ONE_LINE = {
    "two\nlines": "two lines",
    "tab\tbed": "tab bed",
    "\t=1": "' =1",
    "\r=1": "' =1",
    "a\r\n=1": "a =1",
    "a\x00b": "a b",
}
TEXTS = {typed: typed for typed in AS_TYPED} | {typed: f"'{typed}" for typed in MARKED} | ON_ONE_LINE

AMOUNTS = [
    (2999, "USD", 29.99),
    (-2999, "USD", -29.99),
    (0, "USD", 0),
    (5, "USD", 0.05),
    (99_999_999_999_999, "USD", 999_999_999_999.99),
    (-99_999_999_999_999, "USD", -999_999_999_999.99),
    (1_234_567, "JPY", 1_234_567),
    (1_234_567, "KWD", 1234.567),
    (29_999, "KWD", 29.999),
]

SERIES = ["TS", "MAR", "1E", "2023", "0", "TRUE"]

PAYMENT = replace(
    MOVED, kind=Kind.PAYMENT, net=None, tax=None, total=-2999, status="succeeded", brand="visa", last4="0042", reference="007"
)
ORDINARY = [ROW, replace(ROW, movement=PAYMENT, status="succeeded")]
WRITTEN = [replace(ROW, plan_name=typed, number=typed, movement=replace(MOVED, reference=typed, reason=typed)) for typed in TEXTS]
CHARGED = [replace(ROW, movement=replace(MOVED, total=minor, currency=currency)) for minor, currency, _ in AMOUNTS]
NUMBERED = [replace(ROW, number=f"{series}-000005") for series in SERIES]


@dataclass
class Sheet:
    """One table with all of the rows above, as the spreadsheet shows it."""

    words: Words
    header: list[Cell]
    ordinary: list[list[Cell]]
    written: list[list[Cell]]
    charged: list[list[Cell]]
    numbered: list[list[Cell]]


@pytest.fixture(scope="module", params=["es-MX", "en-US", "es-AR"])
async def sheet(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Sheet:
    country: str = request.param
    words = words_for(country)

    written = [*ORDINARY, *WRITTEN, *CHARGED, *NUMBERED]

    async def pages() -> AsyncIterator[list[HistoryRow]]:
        yield written

    table = b"".join([chunk async for chunk in as_csv(pages(), words)])
    header, *rows = opened(table, country, tmp_path_factory.mktemp("spreadsheet"))
    assert len(rows) == len(written)
    read = iter(rows)
    parts = [[next(read) for _ in part] for part in (ORDINARY, WRITTEN, CHARGED, NUMBERED)]
    return Sheet(words, header, *parts)


def test_text_is_text_numbers_are_numbers_and_days_are_days(sheet: Sheet) -> None:
    (invoice, payment), known = sheet.ordinary, sheet.words.known
    assert sheet.header == [("string", title) for title in sheet.words.header]
    assert invoice == [
        ("date", "2023-05-14"),
        ("string", known["invoice"]),
        ("string", "TS-000014"),
        ("string", "Premium Mensual"),
        ("date", "2023-05-14"),
        ("date", "2023-06-14"),
        ("float", "25.85"),
        ("float", "4.14"),
        ("float", "29.99"),
        ("string", "USD"),
        ("string", known["paid"]),
    ]
    assert payment[6:] == [
        ("", ""),
        ("", ""),
        ("float", "-29.99"),
        ("string", "USD"),
        ("string", known["succeeded"]),
        ("string", "Visa"),
        ("string", "•••• 0042"),
        ("", ""),
        ("string", "'007"),
    ]


def test_any_text_is_one_cell_and_keeps_the_columns(sheet: Sheet) -> None:
    for typed, row in zip(TEXTS, sheet.written, strict=True):
        expected: Cell = ("string", TEXTS[typed])
        assert [row[2], row[3], row[13], row[14]] == [expected] * 4, typed
        assert row[8:10] == [("float", "29.99"), ("string", "USD")], typed


def test_no_cell_is_a_formula(sheet: Sheet) -> None:
    cells = [cell for row in (*sheet.ordinary, *sheet.written, *sheet.charged, *sheet.numbered) for cell in row]
    assert {kind for kind, _ in cells} == {"", "string", "float", "date"}


def test_every_amount_is_its_number(sheet: Sheet) -> None:
    read = [row[8] for row in sheet.charged]
    assert [(kind, float(value)) for kind, value in read] == [("float", it) for _, _, it in AMOUNTS]


def test_an_invoice_number_is_unchanged_with_any_series(sheet: Sheet) -> None:
    read = [row[2] for row in sheet.numbered]
    assert [(kind, value.lstrip("'")) for kind, value in read] == [("string", f"{series}-000005") for series in SERIES]
