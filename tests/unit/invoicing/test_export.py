import csv
import io
import json
import re
import zipfile
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import get_args

import jsonschema
import pytest
from hypothesis import given as every
from hypothesis import strategies as st

import billing_contracts
from billing_contracts import payments
from billing_contracts.history import Brand, HistoryLine, MovementKind, MovementStatus
from invoicing.adapters.exporting.archive import ArchivedDocument, archived, as_zip, path
from invoicing.adapters.exporting.lines import as_ndjson
from invoicing.adapters.exporting.table import as_csv, cells, harmless
from invoicing.adapters.exporting.wording import ExportWords, words_for
from invoicing.application.credit_notes import CreditNoteDocument
from invoicing.application.history import HistoryRow, Render
from invoicing.application.invoices import Document, Settlement
from invoicing.application.movements import Kind, Movement
from invoicing.domain.invoice.events import VoidReason
from support.invoicing.examples import ANA, CREDITED, ISSUED, PAID, day, id_of

SPANISH, ENGLISH = words_for("es-MX"), words_for("en-US")
INVOICE = Movement(id_of("issued"), id_of("ana"), id_of("invoice"), Kind.INVOICE, day(5), 2999, "USD", 2585, 414)
FAILED = replace(
    INVOICE, kind=Kind.FAILED_ATTEMPT, total=0, net=None, tax=None, reason="insufficient_funds", brand="visa", last4="0341"
)
PAYMENT = replace(
    INVOICE, kind=Kind.PAYMENT, total=-2999, net=None, tax=None, brand="visa", last4="4242", reference="ch_1", at=PAID.at
)


def row(movement: Movement, status: str = "") -> HistoryRow:
    return HistoryRow(movement, date(2023, 5, 14), "TS-000014", "Premium Mensual", date(2023, 5, 14), date(2023, 6, 14), status)


FORMATS = jsonschema.Draft202012Validator.FORMAT_CHECKER
HISTORY = [row(INVOICE, "paid"), row(FAILED, "failed"), row(PAYMENT, "succeeded")]


async def pages(rows: list[HistoryRow]) -> AsyncIterator[list[HistoryRow]]:
    for it in rows:
        yield [it]


async def read(stream: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in stream])


async def test_the_table_has_a_line_per_movement() -> None:
    written = (await read(as_csv(pages(HISTORY), SPANISH))).decode()
    words, period = SPANISH.known, "TS-000014,Premium Mensual,2023-05-14,2023-06-14"
    assert written.split("\r\n") == [
        "\ufeff" + ",".join(SPANISH.header),
        f"2023-05-14,{words['invoice']},{period},25.85,4.14,29.99,USD,{words['paid']},,,,",
        f"2023-05-14,{words['failed_attempt']},{period},,,0.00,USD,{words['failed']},Visa,"
        f"•••• 0341,{words['insufficient_funds']},",
        f"2023-05-14,{words['payment']},{period},,,-29.99,USD,{words['succeeded']},Visa,•••• 4242,,ch_1",
        "",
    ]


@pytest.mark.parametrize("locale", ["es-AR", "es-CO", "es-ES"])
async def test_a_region_with_a_decimal_comma_has_semicolons_between_columns(locale: str) -> None:
    rows = [replace(HISTORY[0], plan_name="Plan, con coma; y más"), *HISTORY[1:]]
    written = (await read(as_csv(pages(rows), words_for(locale)))).decode("utf-8-sig")
    header, invoice, _, payment = csv.reader(io.StringIO(written, newline=""), delimiter=";")
    assert (len(header), header[8]) == (15, "Total")
    assert (invoice[3], invoice[6:9], payment[8]) == ("Plan, con coma; y más", ["25,85", "4,14", "29,99"], "-29,99")


async def test_an_empty_history_is_a_table_without_lines() -> None:
    assert (await read(as_csv(pages([]), words_for("en-GB")))).decode().count("\r\n") == 1


@pytest.mark.parametrize(
    ("typed", "cell"),
    [
        ('=HYPERLINK("http://x")', '\'=HYPERLINK("http://x")'),
        ("+1", "'+1"),
        ("-1+2", "'-1+2"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "' =1"),
        ("  =1", "'  =1"),
        ("x;=1", "x;'=1"),
        ("x\r\n=1", "x =1"),
        ("＝1", "'＝1"),
        ("0042", "'0042"),
        ("MAR-000001", "'MAR-000001"),
        ("1E-000005", "'1E-000005"),
        ("14 de mayo de 2023", "'14 de mayo de 2023"),
        ("Verdadero", "'Verdadero"),
        ("'0042", "'0042"),
        ("Plan A-1 (2 = 2)", "Plan A-1 (2 = 2)"),
        ("TS-000014", "TS-000014"),
        ("Marzo", "Marzo"),
    ],
)
def test_a_cell_shows_what_was_typed_and_is_no_formula_number_or_day(typed: str, cell: str) -> None:
    assert harmless(typed) == cell


@every(st.text(st.sampled_from("=+-@;,|\t\r\n\"' \x00ab＝"), max_size=12))
async def test_a_plan_name_is_one_cell_of_text_with_any_separator(name: str) -> None:
    written = (await read(as_csv(pages([replace(HISTORY[0], plan_name=name)]), SPANISH))).decode("utf-8-sig")
    (_, cells) = csv.reader(io.StringIO(written, newline=""))
    assert len(cells) == 15
    for part in cells[3].replace(",", ";").replace("|", ";").split(";"):
        assert not part.lstrip(' "').startswith(tuple("=+-@＝"))


async def test_lines_are_objects_in_codes() -> None:
    first, second, third = (json.loads(line) for line in (await read(as_ndjson(pages(HISTORY)))).splitlines())
    assert (first["kind"], first["total_minor"]) == ("invoice", 2999)
    assert second["reason"] == "insufficient_funds"
    assert third["payment_method"] == {"brand": "visa", "last4": "4242"}
    assert third["at"] == "2023-05-14T13:00:00Z"


async def test_every_line_has_the_published_shape() -> None:
    published = json.loads((Path(billing_contracts.__file__).parents[2] / "history-line.json").read_text())
    odd = [
        replace(HISTORY[0], plan_name='=1\n{"', number=""),
        row(replace(PAYMENT, brand=None, last4=None), "voided"),
        row(INVOICE),
    ]
    lines = (await read(as_ndjson(pages(HISTORY + odd)))).decode().splitlines()
    assert len(lines) == len(HISTORY) + len(odd)
    for line in lines:
        jsonschema.validate(json.loads(line), published | {"additionalProperties": False}, format_checker=FORMATS)


REFUND_REASON = payments.PaymentRefunded.model_fields["reason"].annotation
CODES = [
    code
    for declared in (MovementKind, MovementStatus, Brand, payments.FailureCode, VoidReason, REFUND_REASON)
    for code in get_args(declared)
]


@pytest.mark.parametrize("words", [SPANISH, ENGLISH], ids=["es", "en"])
def test_every_code_has_its_word(words: ExportWords) -> None:
    assert set(CODES) <= words.known.keys()
    assert len(words.header) == len(cells(HISTORY[0], words))


def test_the_document_of_downloads_names_every_column_and_field() -> None:
    page = (Path(__file__).parents[3] / "docs" / "exports.md").read_text()
    columns = re.findall(r"^\| (.+?) \| (.+?) \| .+ \|$", page, re.MULTILINE)
    assert columns[:1] == [("English", "Spanish")]
    assert columns[2:] == list(zip(ENGLISH.header, SPANISH.header, strict=True))
    (fields,) = re.findall(r"(`date`, .*?)\.$", page, re.MULTILINE | re.DOTALL)
    assert re.findall("`(.*?)`", fields) == list(HistoryLine.model_fields)


async def pdf_of(document: Document) -> bytes:
    return b"%PDF " + document.issued.number.encode() + b"x" * 20_000


async def pdf_of_note(document: CreditNoteDocument) -> bytes:
    return b"%PDF " + document.credited.number.encode()


def documents(count: int, notes: int = 0, render: Render = pdf_of) -> AsyncIterator[list[ArchivedDocument]]:
    async def invoices() -> AsyncIterator[list[Document]]:
        for n in range(count):
            yield [Document(replace(ISSUED, number=f"TS-{n:06d}"), Settlement(), ANA)]

    async def credit_notes() -> AsyncIterator[list[CreditNoteDocument]]:
        for n in range(notes):
            yield [CreditNoteDocument(replace(CREDITED, number=f"TS-NC-{n:06d}"), ISSUED, None, ANA)]

    return archived(invoices(), credit_notes(), render, pdf_of_note, SPANISH)


async def test_the_archive_holds_the_table_and_every_invoice() -> None:
    data = await read(as_zip(pages(HISTORY), documents(7), SPANISH, date(2023, 5, 20)))
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert archive.testzip() is None
    assert archive.namelist() == ["historial-de-pagos.csv", *(f"facturas/TS-{n:06d}.pdf" for n in range(7))]
    assert archive.read("historial-de-pagos.csv").startswith(b"\xef\xbb\xbfFecha")
    assert archive.read("facturas/TS-000003.pdf").startswith(b"%PDF TS-000003")
    assert archive.getinfo("facturas/TS-000003.pdf").date_time == (2023, 5, 14, 0, 0, 0)


async def test_the_archive_is_sent_while_it_is_made() -> None:
    sizes = [len(chunk) async for chunk in as_zip(pages(HISTORY), documents(200), SPANISH, date(2023, 5, 20))]
    assert max(sizes) < 50_000
    assert sum(sizes) > 200 * 20_000


async def test_an_interrupted_archive_is_invalid() -> None:
    async def breaks(document: Document) -> bytes:
        if document.issued.number == "TS-000005":
            raise RuntimeError("a document cannot be rendered")
        return await pdf_of(document)

    received = bytearray()

    async def receive() -> None:
        async for chunk in as_zip(pages(HISTORY), documents(9, render=breaks), SPANISH, date(2023, 5, 20)):
            received.extend(chunk)

    with pytest.raises(RuntimeError):
        await receive()
    assert b"TS-000001" in received
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(io.BytesIO(received))


async def test_the_archive_holds_every_credit_note_after_the_invoices() -> None:
    data = await read(as_zip(pages(HISTORY), documents(2, notes=3), SPANISH, date(2023, 5, 20)))
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert archive.namelist()[1:] == [
        *(f"facturas/TS-{n:06d}.pdf" for n in range(2)),
        *(f"notas-de-credito/TS-NC-{n:06d}.pdf" for n in range(3)),
    ]
    assert archive.read("notas-de-credito/TS-NC-000002.pdf") == b"%PDF TS-NC-000002"
    assert archive.getinfo("notas-de-credito/TS-NC-000002.pdf").date_time == (2023, 5, 20, 0, 0, 0)


def test_a_number_names_a_file_in_its_folder_and_in_no_other_one() -> None:
    assert path("facturas", "../../etc/TS-000001") == "facturas/______etc_TS-000001.pdf"


async def test_a_day_before_archives_had_days_is_their_first_year() -> None:
    data = await read(as_zip(pages([]), documents(0), SPANISH, datetime(1970, 2, 3, tzinfo=UTC).date()))
    assert zipfile.ZipFile(io.BytesIO(data)).infolist()[0].date_time[0] == 1980
