"""The page of one invoice: parties, lines, movements, and paying it."""

import re
from html import unescape
from typing import Any

import pytest

from portal_gateway.application.presentation.common import Reader
from portal_gateway.application.presentation.invoices import Invoice, invoice
from portal_gateway.application.presentation.language import catalogues
from portal_gateway.application.view import View
from support.portal_page import scenes
from support.portal_page.fakes import Stage

INVOICE = f"/invoices/{scenes.invoice_id(14)}"
TOTAL = {"amount_minor": 2999, "currency": "USD"}
NOTHING = {"amount_minor": 0, "currency": "USD"}
CREDIT = {"amount_minor": -2999, "currency": "USD"}
VISA = {"brand": "visa", "last4": "0341"}


def invoice_page(view: View | None = None, tag: str = "es-MX", **changes: Any) -> Invoice:
    view = view or scenes.view()
    return invoice(Reader.of(view, catalogues().choose([tag], tag)), scenes.whole_invoice(**changes), view)


def moved(kind: str, day: str = "2023-05-14", **more: Any) -> dict[str, Any]:
    amounts = {"payment": CREDIT, "void": CREDIT, "failed_attempt": NOTHING}
    return {"kind": kind, "date": day, "amount": amounts.get(kind, TOTAL), "payment_method": None, "reason": None, **more}


def timeline(document: Invoice) -> list[tuple[str, ...]]:
    return [(it.date, it.what, it.why, it.amount) for it in document.movements]


def test_the_page_shows_parties_lines_and_taxes() -> None:
    document = invoice_page()
    assert document.buyer == (
        "Ana García",
        "Calle 5 #12",
        "Mérida, Yucatán",
        "Identificación fiscal: GAAA900101XX1",
        "ana@example.com",
    )
    assert "Identificación fiscal: TSI200101AB1" in document.seller
    assert [(line.concept, line.description) for line in document.lines] == [("Premium Mensual", "Suscripción mensual renovable")]
    assert document.totals == (("Subtotal", "25.85 USD"), ("IVA (16 %, incluido en el precio)", "4.14 USD"))
    on_top = {"name": "IVA", "rate_basis_points": 1600, "inclusive": False}
    assert invoice_page(tax=on_top).totals[1][0] == "IVA (16 %)"


def test_tax_numbers_have_the_label_of_their_country() -> None:
    whole = scenes.whole_invoice()
    document = invoice_page(seller={**whole["seller"], "country": "AR"}, bill_to={**whole["bill_to"], "country": "MX"})
    assert "CUIT: TSI200101AB1" in document.seller
    assert "RFC: GAAA900101XX1" in document.buyer


def test_an_invoice_of_an_erased_buyer_is_shown() -> None:
    assert invoice_page(bill_to=None).buyer == ()


def test_a_failed_charge_and_the_payment_with_another_card_are_listed() -> None:
    assert timeline(invoice_page()) == [
        ("14 may 2023", "Factura emitida", "", "29.99 USD"),
        (
            "14 may 2023",
            "Pago fallido con Visa •••• 0341",
            "Tu banco rechazó la tarjeta por fondos insuficientes.",
            "",
        ),
        ("15 may 2023", "Pago con Visa •••• 4242", "", "-29.99 USD"),
    ]


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("card_declined", "Tu banco rechazó la tarjeta."),
        ("insufficient_funds", "Tu banco rechazó la tarjeta por fondos insuficientes."),
        ("expired_card", "La tarjeta está vencida."),
        ("incorrect_cvc", "El CVV de la tarjeta no es correcto."),
        ("processing_error", "Hubo un error al procesar el pago."),
        ("a code of tomorrow", ""),
    ],
)
def test_every_failed_charge_has_its_reason(code: str, why: str) -> None:
    (movement,) = invoice_page(movements=[moved("failed_attempt", payment_method=VISA, reason=code)]).movements
    assert (movement.what, movement.why) == ("Pago fallido con Visa •••• 0341", why)


def test_a_charge_without_a_card_names_the_missing_card() -> None:
    (movement,) = invoice_page(movements=[moved("failed_attempt", reason="no_payment_method")]).movements
    assert (movement.what, movement.why) == ("No se intentó ningún cobro", "No había ninguna tarjeta guardada.")


def test_a_void_invoice_has_its_reason_and_refunds() -> None:
    after = [
        moved("void", "2023-05-16", reason="subscription_cancelled"),
        moved("payment", "2023-05-17", payment_method=VISA),
        moved("refund", "2023-05-18", payment_method=VISA, reason="invoice_voided"),
    ]
    assert timeline(invoice_page(status="refunded", movements=after)) == [
        ("16 may 2023", "Factura anulada", "Se canceló la suscripción.", ""),
        ("17 may 2023", "Pago con Visa •••• 0341", "", "-29.99 USD"),
        ("18 may 2023", "Reembolso a Visa •••• 0341", "La factura estaba anulada.", "29.99 USD"),
    ]
    (by_the_company,) = invoice_page(movements=[moved("void", reason="merchant")], tag="en-US").movements
    assert (by_the_company.what, by_the_company.why) == ("Invoice voided", "Voided by the company.")


BANK_DAYS = "Tu banco puede tardar 5–10 días hábiles en mostrarlo."


def credited(refund: str, tag: str = "es-MX", minor: int = 1000, **changes: Any) -> Invoice:
    view = scenes.view()
    facts = scenes.credited_invoice(minor, refund, **changes)
    return invoice(Reader.of(view, catalogues().choose([tag], tag)), facts, view)


@pytest.mark.parametrize(
    ("refund", "badge", "last"),
    [
        (
            "made",
            ("Reembolsado en parte", "partly_refunded"),
            ("17 may 2023", "Reembolso a Visa •••• 4242", f"Por la nota de crédito TS-NC-000001. {BANK_DAYS}", "10.00 USD"),
        ),
        (
            "requested",
            ("Reembolso en proceso", "refund_underway"),
            ("16 may 2023", "Reembolso a Visa •••• 4242 en proceso", BANK_DAYS, "10.00 USD"),
        ),
        (
            "failed",
            ("Reembolso fallido", "refund_failed"),
            (
                "17 may 2023",
                "Reembolso fallido",
                "Tu tarjeta no aceptó el reembolso. La empresa te devolverá el dinero de otra forma.",
                "",
            ),
        ),
    ],
)
def test_a_paid_invoice_shows_its_credit_note_and_the_refund(refund: str, badge: tuple[str, str], last: tuple[str, ...]) -> None:
    document = credited(refund)
    assert (document.badge.text, document.badge.code) == badge
    note = ("16 may 2023", "Nota de crédito TS-NC-000001", "A solicitud tuya.", "-10.00 USD")
    assert timeline(document)[-2:] == [note, last]
    assert document.movements[-2].document is not None
    assert document.movements[-2].document.url == f"/credit-notes/{scenes.CREDIT_NOTE_ID}.pdf"


def test_the_balance_of_an_invoice_names_what_was_refunded() -> None:
    refunded = ("Importe reembolsado", "10.00 USD")
    assert credited("made").balance == (("Importe pagado", "29.99 USD"), refunded, ("Importe pendiente", "0.00 USD"))
    assert len(credited("requested").balance) == 2


def charged_back(tag: str) -> Invoice:
    back = moved("refund", "2023-07-18", payment_method=VISA, reason="dispute_lost", detail="chargeback")
    return invoice_page(status="paid", movements=[moved("payment", "2023-05-17", payment_method=VISA), back], tag=tag)


@pytest.mark.parametrize(
    ("tag", "badge", "last", "row"),
    [
        (
            "es-MX",
            "Contracargo",
            ("18 jul 2023", "Contracargo a Visa •••• 0341", "Tu banco resolvió la disputa a tu favor.", "29.99 USD"),
            ("Contracargo", "29.99 USD"),
        ),
        (
            "en-US",
            "Chargeback",
            (
                "Jul 18, 2023",
                "Chargeback to Visa •••• 0341",
                "Your bank decided the dispute in your favor.",
                "29.99 USD",
            ),
            ("Chargeback", "29.99 USD"),
        ),
    ],
)
def test_money_that_the_bank_returned_is_a_status_a_movement_and_in_the_balance(
    tag: str, badge: str, last: tuple[str, ...], row: tuple[str, str]
) -> None:
    document = charged_back(tag)
    assert (document.badge.text, document.badge.code) == (badge, "charged_back")
    assert timeline(document)[-1] == last
    assert document.balance[1] == row


def test_an_invoice_that_is_refunded_whole_is_refunded() -> None:
    document = credited("made", minor=2999, status="refunded")
    assert (document.badge.text, document.badge.code) == ("Reembolsado", "refunded")
    english = credited("made", tag="en-US").movements[-1]
    assert english.why == "For credit note TS-NC-000001. Your bank can take 5–10 business days to show it."


async def test_the_page_links_the_credit_notes_document() -> None:
    stage = Stage()
    stage.invoicing.invoice_is = scenes.credited_invoice()
    async with stage.browser() as browser:
        page = (await browser.get(INVOICE)).text
        assert f'href="/credit-notes/{scenes.CREDIT_NOTE_ID}.pdf"' in page
        document = await browser.get(f"/credit-notes/{scenes.CREDIT_NOTE_ID}.pdf")
    assert document.content.startswith(b"%PDF")
    assert 'filename="TS-NC-000001.pdf"' in document.headers["content-disposition"]


@pytest.mark.parametrize(("tag", "words"), [("es-MX", "Descargar recibo"), ("en-US", "Download receipt")])
def test_a_payment_has_its_receipt_and_a_failed_charge_has_none(tag: str, words: str) -> None:
    issued, failed, paid = invoice_page(tag=tag).movements
    assert (issued.document, failed.document) == (None, None)
    assert paid.document is not None
    assert (paid.document.url, paid.document.text, paid.document.number) == (f"{INVOICE}/receipt.pdf", words, "TS-000014")


def test_an_invoice_of_zero_has_no_receipt() -> None:
    (movement,) = invoice_page(movements=[moved("payment") | {"amount": NOTHING}]).movements
    assert movement.document is None


async def test_the_page_links_the_receipt_and_the_list_of_invoices_does_not() -> None:
    async with Stage().browser() as browser:
        page = (await browser.get(INVOICE)).text
        assert page.count(f'href="{INVOICE}/receipt.pdf"') == 1
        assert "receipt" not in (await browser.get("/")).text
        document = await browser.get(f"{INVOICE}/receipt.pdf")
    assert document.content.startswith(b"%PDF")
    assert 'filename="recibo-TS-000014.pdf"' in document.headers["content-disposition"]


async def test_an_unpaid_invoice_has_no_receipt() -> None:
    stage = Stage(scenes.owing())
    stage.invoicing.invoice_is = scenes.whole_invoice(status="failed", movements=FAILED)
    async with stage.browser() as browser:
        assert "receipt.pdf" not in (await browser.get(INVOICE)).text
        refused = await browser.get(f"{INVOICE}/receipt.pdf")
        read = (await browser.get(f"/api{INVOICE}")).json()
    assert refused.status_code == 404
    assert read["receipt_url"] is None


async def test_the_api_names_the_receipt() -> None:
    async with Stage().browser() as browser:
        path = (await browser.get(f"/api{INVOICE}")).json()["receipt_url"]
        document = await browser.get(path)
    assert path == f"/api{INVOICE}/receipt/pdf"
    assert document.headers["content-disposition"] == 'inline; filename="recibo-TS-000014.pdf"'


FAILED = [moved("invoice"), moved("failed_attempt", payment_method=VISA, reason="insufficient_funds")]


def test_a_debt_has_its_notice_and_the_next_attempt() -> None:
    document = invoice_page(scenes.owing(), status="failed", movements=FAILED)
    assert timeline(document)[-1] == ("22 may 2023", "Próximo intento", "", "29.99 USD")
    assert document.notice is not None
    assert document.notice.lead == "No pudimos cobrar 29.99 USD."
    assert "Lo intentaremos de nuevo el 22 de mayo." in document.notice.rest
    assert document.pay == "Actualizar tarjeta y pagar"


def test_no_attempt_is_announced_if_none_is_planned() -> None:
    document = invoice_page(scenes.owing(next_attempt_at=None), status="failed", movements=FAILED)
    assert len(document.movements) == 2
    assert document.pay == "Actualizar tarjeta y pagar"


@pytest.mark.parametrize("status", ["paid", "void", "refunded", "uncollectible", "open", "processing"])
def test_only_a_failed_invoice_offers_to_pay(status: str) -> None:
    view = scenes.owing() if status == "processing" else scenes.view()
    document = invoice_page(view, status=status)
    assert document.pay is None
    assert "Próximo intento" not in [it.what for it in document.movements]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("paid", (("Importe pagado", "29.99 USD"), ("Importe pendiente", "0.00 USD"))),
        ("open", (("Importe pagado", "0.00 USD"), ("Importe pendiente", "29.99 USD"))),
        ("failed", (("Importe pagado", "0.00 USD"), ("Importe pendiente", "29.99 USD"))),
        ("processing", (("Importe pagado", "0.00 USD"), ("Importe pendiente", "29.99 USD"))),
        ("void", ()),
        ("uncollectible", ()),
        ("refunded", ()),
    ],
)
def test_the_balance_is_below_the_total(status: str, expected: tuple[tuple[str, str], ...]) -> None:
    assert invoice_page(status=status).balance == expected


async def test_the_way_back_is_above_the_invoice() -> None:
    html = await page(Stage(), "?year=2023")
    assert html.index('<a id="back" href="/?year=2023">') < html.index("<article")


def test_a_debt_of_another_invoice_is_not_shown() -> None:
    assert invoice_page(scenes.owing(invoice_id=scenes.invoice_id(13)), status="paid").notice is None


async def page(stage: Stage, query: str = "") -> str:
    async with stage.browser() as browser:
        return unescape((await browser.get(INVOICE + query)).text)


async def test_the_page_leads_to_paying_and_keeps_the_history_filter() -> None:
    stage = Stage(scenes.owing())
    stage.invoicing.invoice_is = scenes.whole_invoice(status="failed", movements=FAILED)
    html = await page(stage, f"?subscription={scenes.PREMIUM}&year=2023&status=failed")
    where = f"?subscription={scenes.PREMIUM}&year=2023&status=failed"
    assert f'<a class="button primary" href="/payment-method{where}">Actualizar tarjeta y pagar</a>' in html
    assert f'<a href="/{where}">Volver al portal</a>' in html
    assert f'href="{where}&lang=en"' in html
    assert html.count("button primary") == 1


async def test_a_paid_invoice_does_not_offer_to_pay() -> None:
    assert "/payment-method" not in await page(Stage())


async def test_user_input_is_isolated_and_escaped() -> None:
    stage = Stage()
    whole = scenes.whole_invoice()
    line = {**whole["lines"][0], "plan_name": "<script>alert(1)</script>", "description": "وصف (12)"}
    stage.invoicing.invoice_is = {**whole, "lines": [line], "bill_to": {**whole["bill_to"], "name": "شركة الأمل"}}
    async with stage.browser() as browser:
        html = (await browser.get(INVOICE)).text
    assert "<bdi>شركة الأمل</bdi>" in html
    assert '<bdi class="quiet">وصف (12)</bdi>' in html
    assert "<script>alert" not in html
    assert re.search(r"<bdi[^>]*>&lt;script&gt;alert", html)
