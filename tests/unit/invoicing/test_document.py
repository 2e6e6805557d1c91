import asyncio
import hashlib
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import replace

import pytest
from unit.invoicing.examples import ANA, ISSUE, ISSUED, LETTERHEAD, PAID, PREMIUM, TAXED, VISA, VOIDED, issued

from chassis import colours
from invoicing.adapters.document.layout import lay_out
from invoicing.adapters.document.renderer import Renderer
from invoicing.application.invoices import Document, Settlement
from invoicing.domain.invoice import Status
from invoicing.domain.parties import BillTo

OPEN = Document(ISSUED, Settlement(), ANA)
SETTLED = Document(ISSUED, Settlement(Status.PAID, PAID.at, VISA), ANA)
VOID = Document(ISSUED, Settlement(Status.VOID, VOIDED.at), ANA)
GOLDEN = "22e352f30f4d63b2d3d474b0df0c67de445b55dc06bce8448bf0a9bd6dfaf55f"


@pytest.fixture(scope="module")
def render() -> Iterator[Renderer]:
    renderer = Renderer(concurrency=2)
    yield renderer
    renderer.close()


def texts(document: Document) -> str:
    return json.dumps(json.loads(lay_out(document)), ensure_ascii=False).replace("\u00a0", " ")


def content(pdf: bytes) -> bytes:
    return b"".join(zlib.decompress(found) for found in re.findall(rb"FlateDecode.*?stream\r?\n(.*?)\r?\nendstream", pdf, re.S))


async def test_an_invoice_is_the_same_bytes_for_ever(render: Renderer) -> None:
    """Goes red when Typst, Babel's data, a font or the template would change documents that customers already have."""
    assert hashlib.sha256(await render(SETTLED)).hexdigest() == GOLDEN


async def test_it_is_the_same_bytes_in_whatever_thread_and_company_it_is_rendered(render: Renderer) -> None:
    others = [replace(OPEN, issued=replace(ISSUED, number=f"TS-{n:06d}")) for n in range(20)]
    pages = await asyncio.gather(*(render(document) for pair in others for document in (SETTLED, pair)))
    assert len(set(pages[::2])) == 1
    assert len(set(pages[1::2])) == 20
    another = Renderer(concurrency=1)
    assert await another(SETTLED) == pages[0]
    another.close()


async def test_its_date_is_the_day_of_issue(render: Renderer) -> None:
    assert b"/CreationDate(D:20230514000000Z)" in await render(OPEN)


async def test_only_the_payment_changes_the_document(render: Renderer) -> None:
    assert len({await render(document) for document in (OPEN, SETTLED, VOID)}) == 3


def test_it_says_all_that_an_invoice_must_say() -> None:
    said = texts(SETTLED)
    for text in (
        "TS-000014",
        "14 de mayo de 2023",
        "Del 14 de mayo de 2023 al 14 de junio de 2023",
        "Pagado el 14 de mayo de 2023",
        "Visa •••• 4242",
        "29.99 USD",
        "TechSolutions Inc.",
        "TSO010203AB4",
        "Ana García",
        "12345678Z",
        "ana@example.com",
        "Premium Mensual",
        "Suscripción mensual renovable",
    ):
        assert text in said


def test_a_tax_has_its_line() -> None:
    said = texts(Document(TAXED, Settlement(), ANA))
    assert "IVA (16 %, incluido en el precio)" in said
    assert "25.85 USD" in said
    assert "4.14 USD" in said


def test_it_speaks_the_language_it_was_issued_in() -> None:
    english = Document(issued(replace(ISSUE, letterhead=replace(LETTERHEAD, locale="en-US"))), SETTLED.settlement, ANA)
    said = texts(english)
    assert "Paid on May 14, 2023" in said
    assert "May 14, 2023 to June 14, 2023" in said
    assert "Pagado" not in said


def test_days_are_those_of_the_merchants_place() -> None:
    late = PAID.at.replace(day=15, hour=3)
    assert "Pagado el 14 de mayo de 2023" in texts(replace(SETTLED, settlement=Settlement(Status.PAID, late, VISA)))


@pytest.mark.parametrize(("currency", "text"), [("JPY", "2,999 JPY"), ("KWD", "2.999 KWD"), ("USD", "29.99 USD")])
def test_amounts_have_their_currencys_digits(currency: str, text: str) -> None:
    assert text in texts(Document(issued(replace(ISSUE, plan=replace(PREMIUM, currency=currency))), Settlement(), ANA))


def test_once_the_buyer_is_shredded_the_document_says_so() -> None:
    assert "Datos suprimidos" in texts(replace(SETTLED, bill_to=None))


HOSTILE = BillTo(
    '#panic("x") #read("/etc/passwd") $x$ *bold*\x00\u202edlot',
    "a" * 300 + "@example.com",
    '"]) #import "x": * \\\n\n#set page(width: 1pt)\nمرحبا שלום 😀 日本',
    "`raw` // comment /*",
)


async def test_what_people_type_stays_text(render: Renderer) -> None:
    pdf = await render(replace(SETTLED, bill_to=HOSTILE, issued=replace(ISSUED, plan=replace(PREMIUM, name="#emph[x]"))))
    assert pdf.startswith(b"%PDF")
    assert b"root:" not in content(pdf)
    assert "\u202e" not in lay_out(replace(SETTLED, bill_to=HOSTILE))


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
