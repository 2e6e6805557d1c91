import asyncio
import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from billing_contracts.money import exponent
from invoicing.adapters.document.layout import lay_out
from invoicing.adapters.document.renderer import Renderer
from invoicing.application.invoices import Document, Settlement
from invoicing.domain.invoice.invoice import Status
from invoicing.domain.parties import BillTo
from invoicing.domain.plan import Period
from presentation import colours
from support.invoicing.examples import ANA, ISSUE, ISSUED, LETTERHEAD, PAID, PREMIUM, SELLER, TAXED, VISA, costing, day, issued
from support.invoicing.pdf_documents import LOGO_ID, OPEN, SETTLED, VOID, logos, opened, text

ORDERING = replace(ANA, purchase_order="OC-17")
GOLDEN = "979d64a447917cec34743108acc5ff82dce45b8a976d494ad010fbe44da44a28"


def texts(document: Document) -> str:
    return json.dumps(json.loads(lay_out(document)), ensure_ascii=False).replace("\u00a0", " ")


async def test_an_invoice_gives_equal_bytes_at_any_time(render: Renderer) -> None:
    """Goes red when Typst, Babel's data, a font or the template would change documents that customers already have."""
    assert hashlib.sha256(await render(SETTLED)).hexdigest() == GOLDEN


async def test_concurrent_rendering_gives_equal_bytes(render: Renderer) -> None:
    others = [replace(OPEN, issued=replace(ISSUED, number=f"TS-{n:06d}")) for n in range(20)]
    pages = await asyncio.gather(*(render(document) for pair in others for document in (SETTLED, pair)))
    assert len(set(pages[::2])) == 1
    assert len(set(pages[1::2])) == 20
    another = Renderer(concurrency=1, logos=logos)
    assert await another(SETTLED) == pages[0]
    another.close()


async def test_its_date_is_the_day_of_issue(render: Renderer) -> None:
    assert b"/CreationDate(D:20230514000000Z)" in await render(OPEN)


async def test_only_the_payment_changes_the_document(render: Renderer) -> None:
    assert len({await render(document) for document in (OPEN, SETTLED, VOID)}) == 3


def test_an_invoice_has_all_mandatory_content() -> None:
    shown = texts(SETTLED)
    for part in (
        "TS-000014",
        "14 de mayo de 2023",
        "14 de mayo – 13 de junio de 2023",
        "sbx_ch_1",
        "Visa •••• 4242",
        "29.99 USD",
        "TechSolutions Inc.",
        "RFC: TSO010203AB4",
        "Ana García",
        "NIF: 12345678Z",
        "ana@example.com",
        "Premium Mensual",
        "Suscripción mensual renovable",
    ):
        assert part in shown


def test_the_period_is_printed_once_unless_a_line_has_another_one() -> None:
    assert texts(SETTLED).count("13 de junio de 2023") == 1
    line = replace(ISSUED.lines[0], period=Period(day(5, of=20), day(6, of=20)))
    assert "20 de mayo – 19 de junio de 2023" in texts(replace(SETTLED, issued=replace(ISSUED, lines=(*ISSUED.lines, line))))


@pytest.mark.parametrize(
    ("end", "period"),
    [
        (day(5, of=15), "14 de mayo de 2023"),
        (day(5, of=14, hour=13), "14 de mayo de 2023"),
        (day(5).replace(year=2024), "14 de mayo de 2023 – 13 de mayo de 2024"),
    ],
)
def test_a_period_ends_on_its_last_day(end: datetime, period: str) -> None:
    facts = json.loads(lay_out(Document(issued(replace(ISSUE, period=Period(day(5), end))), Settlement(), ANA)))["facts"]
    assert [value.replace("\u00a0", " ") for _, value in facts][-1] == period


def test_an_invoice_without_tax_has_the_line_and_the_merchants_reason() -> None:
    head = replace(LETTERHEAD, note="Operación no sujeta.\nExportación de servicios.")
    shown = json.loads(lay_out(replace(OPEN, issued=replace(ISSUED, letterhead=head))))
    assert [amount.replace("\u00a0", " ") for _, amount in shown["sums"]] == ["29.99 USD", "0.00 USD"]
    assert shown["note"]["lines"] == ["Operación no sujeta.", "Exportación de servicios."]
    assert json.loads(lay_out(OPEN))["note"] is None


def test_the_buyers_purchase_order_is_printed() -> None:
    without, ordered = (json.loads(lay_out(document))["facts"] for document in (OPEN, replace(OPEN, bill_to=ORDERING)))
    assert ordered[:-1] == without
    assert ordered[-1][1] == "OC-17"


@pytest.mark.parametrize(
    ("country", "label"),
    [
        *(("MX", "RFC"), ("AR", "CUIT"), ("CO", "NIT"), ("CL", "RUT"), ("PE", "RUC"), ("EC", "RUC"), ("ES", "NIF")),
        *(("US", "EIN"), ("IE", "VAT")),
    ],
)
def test_a_tax_number_has_its_countrys_label(country: str | None, label: str) -> None:
    shown = json.loads(lay_out(replace(OPEN, bill_to=replace(ANA, country=country))))
    assert f"{label}: 12345678Z" in shown["bill_to"]["rest"]


def test_a_tax_number_of_another_country_has_a_general_label() -> None:
    labelled = [json.loads(lay_out(replace(OPEN, bill_to=replace(ANA, country=country))))["bill_to"] for country in ("JP", None)]
    assert labelled[0] == labelled[1]
    assert any(line.endswith(": 12345678Z") for line in labelled[0]["rest"])


def test_only_a_paid_invoice_has_a_payment() -> None:
    payments = [json.loads(lay_out(document))["payment"] for document in (OPEN, VOID, SETTLED)]
    assert payments[:2] == [None, None]
    row = [cell.replace("\u00a0", " ") for cell in payments[2]["row"]]
    assert row == ["14 de mayo de 2023", "Visa •••• 4242", "sbx_ch_1", "29.99 USD"]


def test_a_tax_has_its_line() -> None:
    (_, net), (name, tax) = json.loads(lay_out(Document(TAXED, Settlement(), ANA)).replace("\u00a0", " "))["sums"]
    assert (net, name[:9], tax) == ("25.85 USD", "IVA (16 %", "4.14 USD")


def test_a_document_is_in_the_language_of_its_issue() -> None:
    english = Document(issued(replace(ISSUE, letterhead=replace(LETTERHEAD, locale="en-US"))), SETTLED.settlement, ANA)
    shown = texts(english)
    assert json.loads(lay_out(english))["language"] == "en"
    assert "May 14 – June 13, 2023" in shown
    assert "de mayo" not in shown


def test_days_are_those_of_the_merchants_place() -> None:
    late = PAID.at.replace(day=15, hour=3)
    document = replace(SETTLED, settlement=Settlement(Status.PAID, late, VISA))
    assert json.loads(lay_out(document).replace("\u00a0", " "))["payment"]["row"][0] == "14 de mayo de 2023"


@pytest.mark.parametrize(("currency", "text"), [("JPY", "2,999 JPY"), ("KWD", "2.999 KWD"), ("USD", "29.99 USD")])
def test_amounts_have_their_currencys_digits(currency: str, text: str) -> None:
    assert text in texts(Document(issued(replace(ISSUE, plan=replace(PREMIUM, currency=currency))), Settlement(), ANA))


@pytest.mark.parametrize(("currency", "before"), [("CLF", "29.99 CLF"), ("UYW", "29.99 UYW"), ("UYI", "2,999 UYI")])
def test_an_invoice_keeps_the_decimals_with_which_it_was_issued(currency: str, before: str) -> None:
    it = costing(2999, currency=currency)
    assert before in texts(Document(issued(it), Settlement(), ANA))
    now = replace(it, letterhead=replace(LETTERHEAD, decimals=exponent(currency)))
    assert {"CLF": "0.2999 CLF", "UYW": "0.2999 UYW", "UYI": "2,999 UYI"}[currency] in texts(
        Document(issued(now), Settlement(), ANA)
    )


def test_days_of_the_period_are_those_of_the_place_where_the_subscription_began() -> None:
    """It began in Madrid at 1:00 on the 14th, which is the 13th in Mexico City, where the merchant is now."""
    period = Period(datetime(2023, 5, 13, 23, tzinfo=UTC), datetime(2023, 6, 13, 23, tzinfo=UTC))
    it = replace(ISSUE, period=period, period_zone="Europe/Madrid")
    shown = texts(Document(issued(it), Settlement(), ANA))
    assert "14 de mayo – 13 de junio de 2023" in shown
    before = texts(Document(issued(replace(it, period_zone=None)), Settlement(), ANA))
    assert "13 de mayo – 12 de junio de 2023" in before


def test_a_document_without_its_buyer_has_a_notice() -> None:
    erased = json.loads(lay_out(replace(SETTLED, bill_to=None)))["bill_to"]
    assert erased["name"]
    assert erased["rest"] == []


HOSTILE = BillTo(
    '#panic("x") #read("/etc/passwd") $x$ *bold*\x00\u202edlot',
    "a" * 300 + "@example.com",
    '"]) #import "x": * \\\n\n#set page(width: 1pt) <b>html</b> @label <label>\nhttps://evil.example/%(page)s',
    "`raw` // comment /* #sys.inputs",
)


async def test_typed_text_is_not_markup(render: Renderer) -> None:
    hostile = issued(replace(ISSUE, plan=replace(PREMIUM, name='#eval("1+1") _it_ = x', description="= no heading\n- no list")))
    shown = text(await render(replace(SETTLED, bill_to=HOSTILE, issued=hostile)))
    for typed in (
        '#panic("x") #read("/etc/passwd") $x$ *bold* dlot',
        '"]) #import "x": * \\',
        "#set page(width: 1pt) <b>html</b> @label <label>",
        "https://evil.example/%(page)s",
        "`raw` // comment /* #sys.inputs",
        '#eval("1+1") _it_ = x',
        "= no heading - no list",
    ):
        assert typed in shown


async def test_addresses_in_a_document_are_no_links(render: Renderer) -> None:
    assert all("/Annots" not in page for page in opened(await render(replace(SETTLED, bill_to=HOSTILE))).pages)


async def test_text_wider_than_its_column_wraps(render: Renderer) -> None:
    word = "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz" * 3
    dear = costing(999_999_999_999)
    wide = Document(
        issued(replace(dear, plan=replace(dear.plan, name=word))), Settlement(), replace(HOSTILE, name=word, address=word)
    )
    (page,) = opened(await render(wide)).pages
    assert max(map(len, page.extract_text().splitlines())) < 100
    assert "9,999,999,999.99 USD" in page.extract_text().replace("\u00a0", " ")


async def test_a_word_that_fits_is_whole_when_it_is_copied(render: Renderer) -> None:
    pdf = await render(replace(SETTLED, bill_to=replace(ANA, email="ana.maria.garcia.lopez@example.com")))
    assert "ana.maria.garcia.lopez@example.com" in opened(pdf).pages[0].extract_text()


def test_right_to_left_text_does_not_affect_its_surroundings() -> None:
    shown = texts(replace(OPEN, bill_to=replace(ANA, name="شركة (12)", tax_id="TAX-30"), issued=replace(ISSUED, seller=SELLER)))
    assert "\u2068شركة (12)\u2069" in shown
    assert shown.count("\u2068") == 1


@pytest.mark.parametrize(("paper", "points"), [("a4", (595, 842)), ("us-letter", (612, 792))])
async def test_it_is_printed_on_the_merchants_paper(render: Renderer, paper: str, points: tuple[int, int]) -> None:
    document = Document(issued(replace(ISSUE, letterhead=replace(LETTERHEAD, paper=paper))), Settlement(), ANA)
    box = opened(await render(document)).pages[0].mediabox
    assert (round(box.width), round(box.height)) == points


def branded(logo: str | None) -> Document:
    return replace(SETTLED, issued=replace(ISSUED, letterhead=replace(LETTERHEAD, logo=logo)))


async def test_the_logo_stands_in_the_initials_place(render: Renderer) -> None:
    plain, with_logo = [text(await render(branded(logo))) for logo in (None, LOGO_ID)]
    assert plain == with_logo.replace("TechSolutions Inc.", "TechSolutions Inc. T", 1)
    assert list(opened(await render(branded(LOGO_ID))).pages[0].images) != []


async def test_without_its_logo_there_is_no_document(render: Renderer) -> None:
    with pytest.raises(KeyError):
        await render(branded("0" * 64))


@pytest.mark.parametrize("colour", [None, "#000000", "#ffffff", "#285cc2", "#f5d90a", "#e8590c", "#808080"])
def test_the_initial_can_be_read_on_the_brands_colour_and_is_the_portals(colour: str | None) -> None:
    shown = json.loads(
        lay_out(Document(issued(replace(ISSUE, letterhead=replace(LETTERHEAD, colour=colour))), Settlement(), ANA))
    )
    fill, ink = colours.parsed(shown["colour"]), colours.parsed(shown["on_colour"])
    assert fill is not None
    assert ink is not None
    assert colours.contrast(fill, ink) >= 4.5
    if brand := colours.parsed(colour):
        assert (fill, ink) == colours.filled(brand)


async def test_the_total_is_the_only_bold_figure(render: Renderer) -> None:
    bold: list[str] = []

    def read(line: str, _: object, __: object, font: dict[str, str] | None, size: float) -> None:
        if font and "SemiBold" in font["/BaseFont"] and any(c.isdigit() for c in line):
            bold.append(line.strip().replace("\u00a0", " "))

    for page in opened(await render(SETTLED)).pages:
        page.extract_text(visitor_text=read)
    assert bold == ["29.99 USD"]
