"""Table in both languages: the receipt for a payment, what was paid and how, what went back, on one page."""

import json
from dataclasses import replace

import pytest

from invoicing.adapters.document.receipt import lay_out
from invoicing.adapters.document.renderer import Renderer
from invoicing.application.invoices import Document
from invoicing.application.movements import Kind, Movement, of_invoice
from invoicing.application.receipts import ReceiptDocument, receipt_of
from invoicing.domain.invoice.events import Issued
from invoicing.domain.parties import BillTo
from support.invoicing.examples import ANA, CREDITED, ISSUE, ISSUED, LETTERHEAD, PAID, RULES, TAXED, day, id_of, issued
from support.invoicing.pdf_documents import LOGO_ID, SETTLED, opened, root, tags, text, unmarked

PAYMENT = Movement(
    *(id_of("payment"), id_of("ana"), id_of("invoice"), Kind.PAYMENT, PAID.at, -2999, "USD"),
    status="succeeded",
    brand="visa",
    last4="4242",
    reference="sbx_ch_1",
)
FAILED = replace(PAYMENT, kind=Kind.FAILED_ATTEMPT, total=0, status="failed", reason="insufficient_funds", last4="0341")
REFUND = replace(
    PAYMENT, kind=Kind.REFUND, at=day(5, 21), total=1000, reason="credit_note", reference="re_1", credit_note_id=id_of("note")
)
ENGLISH = issued(replace(ISSUE, letterhead=replace(LETTERHEAD, locale="en-US", paper="us-letter")))


def credit_note() -> Movement:
    invoice = RULES.fold([ISSUED, PAID, CREDITED])
    assert invoice is not None
    movement = of_invoice(id_of("invoice"), CREDITED, invoice)
    assert movement is not None
    return movement


NOTE = credit_note()


def receipt(*movements: Movement, issued: Issued = ISSUED, buyer: BillTo | None = ANA) -> ReceiptDocument:
    document = receipt_of(Document(issued, SETTLED.settlement, buyer), movements or (PAYMENT,))
    assert document is not None
    return document


def laid_out(document: ReceiptDocument) -> dict[str, object]:
    content: dict[str, object] = json.loads(lay_out(document, None).replace("\u00a0", " "))
    return content


def lines(document: ReceiptDocument) -> list[tuple[str, ...]]:
    rows = json.loads(lay_out(document, None).replace("\u00a0", " "))["lines"]
    return [tuple(row[column] for column in ("name", "period", "quantity", "unit_price", "amount")) for row in rows]


PAID_LINE = ("Pago con Visa •••• 4242", "sbx_ch_1", "TS-000014", "14 de mayo de 2023", "29.99 USD")


@pytest.mark.parametrize("movements", [(), (FAILED,), (replace(PAYMENT, total=0, brand=None, last4=None),), (REFUND,)])
def test_without_money_there_is_no_receipt(movements: tuple[Movement, ...]) -> None:
    assert receipt_of(SETTLED, movements) is None


def test_a_receipt_names_the_payment_and_no_failed_attempt() -> None:
    document = receipt(FAILED, PAYMENT)
    content = laid_out(document)
    assert lines(document) == [PAID_LINE]
    assert content["amount"] == "29.99 USD · pagado el 14 de mayo de 2023"
    assert content["facts"] == [
        ["Fecha de pago", "14 de mayo de 2023"],
        ["Método de pago", "Visa •••• 4242"],
        ["Período", "14 de mayo – 13 de junio de 2023"],
    ]
    assert content["sums"] == [["Importe pagado", "29.99 USD"]]
    assert content["total"] == ["Total", "29.99 USD"]


def test_a_receipt_lists_the_refunds_so_far_with_their_credit_notes() -> None:
    failed = replace(REFUND, total=0, status="failed", credit_note_id=id_of("another note"))
    document = receipt(PAYMENT, NOTE, REFUND, failed)
    content = laid_out(document)
    refunded = ("Reembolso a Visa •••• 4242", "re_1", "TS-NC-000001", "21 de mayo de 2023", "-10.00 USD")
    assert lines(document) == [PAID_LINE, refunded]
    assert content["sums"] == [["Importe pagado", "29.99 USD"], ["Importe reembolsado", "-10.00 USD"]]
    assert content["total"] == ["Total", "19.99 USD"]
    assert laid_out(receipt(PAYMENT, NOTE))["total"] == ["Total", "29.99 USD"]


def test_the_payment_of_a_void_invoice_has_a_receipt_that_shows_that_it_went_back() -> None:
    back = replace(REFUND, total=2999, reason="invoice_voided", credit_note_id=None)
    document = receipt(PAYMENT, back)
    assert lines(document)[1][2:] == ("–", "21 de mayo de 2023", "-29.99 USD")
    assert laid_out(document)["total"] == ["Total", "0.00 USD"]


def test_a_payment_with_the_backup_card_says_so() -> None:
    assert lines(receipt(replace(PAYMENT, backup=True)))[0][0] == "Se cobró a tu tarjeta de respaldo Visa •••• 4242"
    english = receipt(replace(PAYMENT, backup=True), issued=ENGLISH)
    assert lines(english)[0][0] == "Charged to your backup card Visa •••• 4242"


def test_a_payment_without_a_recorded_card_has_no_method() -> None:
    content = laid_out(receipt(replace(PAYMENT, brand=None, last4=None, reference=None)))
    assert ["Método de pago", "–"] in list(content["facts"])  # type: ignore[call-overload]


def test_a_receipt_is_in_the_language_of_the_invoice() -> None:
    content = laid_out(receipt(PAYMENT, NOTE, REFUND, issued=ENGLISH))
    assert (content["language"], content["title"]) == ("en", "Receipt for invoice TS-000014")
    assert content["amount"] == "29.99 USD · paid on May 14, 2023"
    assert content["sums"] == [["Amount paid", "29.99 USD"], ["Amount refunded", "-10.00 USD"]]


@pytest.mark.parametrize(("it", "name"), [(ISSUED, "recibo-TS-000014.pdf"), (ENGLISH, "receipt-TS-000014.pdf")])
def test_the_file_is_named_after_the_invoice(it: Issued, name: str) -> None:
    assert receipt(issued=it).file_name == name


def test_days_are_those_of_the_merchants_place() -> None:
    assert lines(receipt(replace(PAYMENT, at=PAYMENT.at.replace(day=15, hour=3))))[0][3] == "14 de mayo de 2023"


def test_a_receipt_without_its_buyer_has_a_notice() -> None:
    assert laid_out(receipt(buyer=None))["bill_to"] == laid_out(receipt(buyer=None, issued=TAXED))["bill_to"]
    assert "Ana" not in lay_out(receipt(buyer=None), None)


async def test_equal_receipts_give_equal_bytes_dated_with_the_payment(render: Renderer) -> None:
    pdf = await render.receipt(receipt(PAYMENT, NOTE, REFUND))
    assert await render.receipt(receipt(PAYMENT, NOTE, REFUND)) == pdf
    assert await render.receipt(receipt()) != pdf
    assert b"/CreationDate(D:20230514000000Z)" in await render.receipt(receipt(replace(PAYMENT, at=day(5, 15, hour=3))))


async def test_a_receipt_is_one_accessible_page(render: Renderer) -> None:
    pdf = await render.receipt(receipt(PAYMENT, NOTE, REFUND))
    assert len(opened(pdf).pages) == 1
    for part in ("Recibo", "TS-000014", "TS-NC-000001", "Ana García", "Premium Mensual", "Visa •••• 4242", "19.99 USD"):
        assert part in text(pdf).replace("\u00a0", " ")
    metadata = root(pdf)["/Metadata"].get_data()
    assert b"<pdfuaid:part>1</pdfuaid:part>" in metadata
    assert b"<pdfaid:conformance>A</pdfaid:conformance>" in metadata
    assert root(pdf)["/Lang"] == "es"
    assert [tag.role for tag in tags(pdf).all("H1", "H2", "H3")] == ["H1", "H2", "H2", "H2"]
    (table,) = tags(pdf).all("Table")
    assert len(table.all("TR")) == 3
    assert unmarked(pdf) == []


async def test_any_number_of_refunds_fits_on_the_page(render: Renderer) -> None:
    refunds = [replace(REFUND, total=10, at=day(5, 20 + n // 10), reference=f"re_{n:024}") for n in range(60)]
    branded = replace(ENGLISH, letterhead=replace(ENGLISH.letterhead, logo=LOGO_ID))
    document = receipt(PAYMENT, *refunds, issued=branded)
    assert len(opened(await render.receipt(document)).pages) == 1
    earlier, *last = lines(document)[1:]
    assert (earlier[0], earlier[4], len(last)) == ("57 earlier refunds", "-5.70 USD", 3)
    assert laid_out(document)["total"] == ["Total", "23.99 USD"]


async def test_the_payment_of_an_invoice_with_the_first_layout_has_a_receipt(render: Renderer) -> None:
    old = replace(ISSUED, letterhead=replace(LETTERHEAD, layout=1, decimals=None))
    assert "TS-000014" in text(await render.receipt(receipt(issued=old)))
