"""Table in both languages: the sentences of the second layout, and the words of the CSV."""

import json
from dataclasses import replace
from typing import Any

import pytest

from invoicing.adapters.document.credit_note import lay_out as lay_out_credit_note
from invoicing.adapters.document.layout import lay_out
from invoicing.adapters.exporting.wording import words_for
from invoicing.application.credit_notes import CreditNoteDocument
from invoicing.application.invoices import Document
from invoicing.domain.invoice.events import Credited
from invoicing.domain.totals import Totals
from support.invoicing.examples import ANA, ISSUED, TAXED, VISA, day, id_of
from support.invoicing.pdf_documents import OPEN, SETTLED, VOID

LOCALES = {"es": "es-MX", "en": "en-US"}
REFUNDED = replace(VOID, settlement=replace(VOID.settlement, refunded_at=day(5, of=18)))
ORDERED = replace(OPEN, bill_to=replace(ANA, purchase_order="OC-17"))
ABROAD = replace(OPEN, bill_to=replace(ANA, country="JP"))


def printed(document: Document, code: str, **letterhead: Any) -> Any:
    """What the template prints of a document that was issued in the language, with ordinary spaces."""
    head = replace(document.issued.letterhead, locale=LOCALES[code], **letterhead)
    text = lay_out(replace(document, issued=replace(document.issued, letterhead=head)))
    return json.loads(text.replace("\u00a0", " "))


AMOUNTS = {
    "open": (OPEN, "29.99 USD · pendiente de pago", "29.99 USD · payment due"),
    "paid": (SETTLED, "29.99 USD · pagada el 14 de mayo de 2023", "29.99 USD · paid on May 14, 2023"),
    "void": (VOID, "29.99 USD · anulada el 16 de mayo de 2023", "29.99 USD · voided on May 16, 2023"),
    "refunded": (REFUNDED, "29.99 USD · reembolsada el 18 de mayo de 2023", "29.99 USD · refunded on May 18, 2023"),
}


@pytest.mark.parametrize("row", AMOUNTS)
def test_the_amount_is_printed_with_what_has_become_of_it(row: str) -> None:
    document, *expected = AMOUNTS[row]
    assert [printed(document, code)["amount"] for code in LOCALES] == expected


FACTS = {
    "es": [
        ["Fecha de emisión", "14 de mayo de 2023"],
        ["Vencimiento", "14 de mayo de 2023"],
        ["Período", "14 de mayo – 13 de junio de 2023"],
        ["Orden de compra", "OC-17"],
    ],
    "en": [
        ["Date of issue", "May 14, 2023"],
        ["Due date", "May 14, 2023"],
        ["Period", "May 14 – June 13, 2023"],
        ["Purchase order", "OC-17"],
    ],
}
SUMS = {
    "without tax": (
        OPEN,
        [["Subtotal", "29.99 USD"], ["Impuestos (no se aplican)", "0.00 USD"]],
        [["Subtotal", "29.99 USD"], ["Tax (not applied)", "0.00 USD"]],
    ),
    "tax in the price": (
        replace(OPEN, issued=TAXED),
        [["Subtotal", "25.85 USD"], ["IVA (16 %, incluido en el precio)", "4.14 USD"]],
        [["Subtotal", "25.85 USD"], ["IVA (16%, included in the price)", "4.14 USD"]],
    ),
}
BALANCES = {
    "open": (OPEN, [["Importe pendiente", "29.99 USD"]], [["Amount due", "29.99 USD"]]),
    "paid": (
        SETTLED,
        [["Importe pagado", "29.99 USD"], ["Importe pendiente", "0.00 USD"]],
        [["Amount paid", "29.99 USD"], ["Amount due", "0.00 USD"]],
    ),
}


@pytest.mark.parametrize("code", FACTS)
def test_facts_have_names(code: str) -> None:
    assert printed(ORDERED, code)["facts"] == FACTS[code]


@pytest.mark.parametrize(
    ("part", "rows", "row"), [*(("sums", SUMS, row) for row in SUMS), *(("balance", BALANCES, row) for row in BALANCES)]
)
def test_sums_have_names(part: str, rows: dict[str, Any], row: str) -> None:
    document, *expected = rows[row]
    assert [printed(document, code)[part] for code in LOCALES] == expected


TITLES = {
    "es": {
        "title": "Factura TS-000014",
        "logo_name": "Logotipo de TechSolutions Inc.",
        "columns": ["Concepto", "Cant.", "Precio", "Importe"],
        "questions": "¿Preguntas sobre esta factura? hola@techsolutions.example",
        "page": "Página %(page)s de %(pages)s",
        "parties": ["Emisor", "Facturado a"],
        "note": "Nota",
        "payment": ["Pago", "Fecha", "Método de pago", "Referencia", "Importe"],
        "erased": "Datos eliminados al cumplirse el plazo legal",
        "tax id": "Identificación fiscal: 12345678Z",
    },
    "en": {
        "title": "Invoice TS-000014",
        "logo_name": "Logo of TechSolutions Inc.",
        "columns": ["Description", "Qty", "Price", "Amount"],
        "questions": "Questions about this invoice? hola@techsolutions.example",
        "page": "Page %(page)s of %(pages)s",
        "parties": ["From", "Bill to"],
        "note": "Note",
        "payment": ["Payment", "Date", "Payment method", "Reference", "Amount"],
        "erased": "Details deleted at the end of the legal retention period",
        "tax id": "Tax ID: 12345678Z",
    },
}


@pytest.mark.parametrize("code", TITLES)
def test_parts_of_a_document_have_titles(code: str) -> None:
    shown = printed(SETTLED, code, note="-", contact_email="hola@techsolutions.example")
    payment = shown["payment"]
    assert {
        **{name: shown[name] for name in ("title", "logo_name", "columns", "questions", "page")},
        "parties": [shown["seller"]["title"], shown["bill_to"]["title"]],
        "note": shown["note"]["title"],
        "payment": [payment["title"], *payment["columns"]],
        "erased": printed(replace(SETTLED, bill_to=None), code)["bill_to"]["name"],
        "tax id": next(line for line in printed(ABROAD, code)["bill_to"]["rest"] if "12345678Z" in line),
    } == TITLES[code]


CSV_WORDS = {
    "invoice": ("Factura", "Invoice"),
    "payment": ("Pago", "Payment"),
    "failed_attempt": ("Pago fallido", "Payment failed"),
    "refund": ("Reembolso", "Refund"),
    "void": ("Factura anulada", "Invoice voided"),
    "voided": ("Anulado", "Void"),
    "open": ("Pendiente de pago", "Payment due"),
    "paid": ("Pagado", "Paid"),
    "succeeded": ("Realizado", "Succeeded"),
    "failed": ("Pago fallido", "Payment failed"),
    "other": ("Otra", "Other"),
    "card_declined": ("Tarjeta rechazada", "Card declined"),
    "insufficient_funds": ("Fondos insuficientes", "Insufficient funds"),
    "expired_card": ("Tarjeta vencida", "Card expired"),
    "incorrect_cvc": ("CVV incorrecto", "Incorrect CVV"),
    "no_payment_method": ("Sin tarjeta guardada", "No card on file"),
    "processing_error": ("Error de procesamiento", "Processing error"),
    "not_confirmed": ("Sin confirmar", "Not confirmed"),
    "authentication_required": ("Falta la confirmación de tu banco", "Bank confirmation needed"),
    "authentication_failed": ("Tu banco no lo confirmó", "Not confirmed by the bank"),
    "authentication_abandoned": ("No se completó la confirmación", "Bank confirmation not completed"),
    "amount_not_chargeable": ("El importe no se puede cobrar", "Amount can't be charged"),
    "subscription_cancelled": ("Suscripción cancelada", "Subscription canceled"),
    "invoice_voided": ("Factura anulada", "Invoice voided"),
    "merchant": ("Por decisión de la empresa", "Voided by the company"),
    "credit_note": ("Nota de crédito", "Credit note"),
    "customer_request": ("Solicitada por el cliente", "Requested by the customer"),
    "duplicate": ("Cobro duplicado", "Duplicate charge"),
    "billing_error": ("Error de facturación", "Billing error"),
    "service_issue": ("Problema con el servicio", "Problem with the service"),
    "goodwill": ("Cortesía", "Courtesy"),
    "other_reason": ("Otro motivo", "Other reason"),
    "chargeback": ("Contracargo", "Chargeback"),
    "dispute_lost": ("Disputa resuelta a favor del titular", "Dispute decided for the cardholder"),
    "visa": ("Visa", "Visa"),
    "mastercard": ("Mastercard", "Mastercard"),
    "amex": ("American Express", "American Express"),
}


def test_the_csv_has_a_word_for_each_code() -> None:
    spanish, english = (words_for(locale).known for locale in LOCALES.values())
    assert {code: (spanish[code], english[code]) for code in spanish} == CSV_WORDS


CREDIT_NOTE = {
    "es": {
        "title": "Nota de crédito TS-NC-000001",
        "amount": "-10.00 USD · de la factura TS-000014",
        "facts": ["Fecha de emisión", "Factura", "Fecha de la factura", "Período", "Motivo"],
        "reason": "Solicitada por el cliente",
        "columns": ["Concepto", "Subtotal", "Impuestos", "Importe"],
        "balance": "Reembolso a Visa •••• 4242",
        "questions": "¿Preguntas sobre esta nota de crédito? soporte@techsolutions.example",
    },
    "en": {
        "title": "Credit note TS-NC-000001",
        "amount": "-10.00 USD · for invoice TS-000014",
        "facts": ["Date of issue", "Invoice", "Date of the invoice", "Period", "Reason"],
        "reason": "Requested by the customer",
        "columns": ["Description", "Subtotal", "Taxes", "Amount"],
        "balance": "Refund to Visa •••• 4242",
        "questions": "Questions about this credit note? soporte@techsolutions.example",
    },
}


@pytest.mark.parametrize("code", ["es", "en"])
def test_parts_of_a_credit_note_have_titles(code: str) -> None:
    issued = replace(ISSUED, letterhead=replace(ISSUED.letterhead, locale=LOCALES[code]))
    totals = Totals(-1000, 0, -1000)
    note = Credited(id_of("note"), "TS-NC-000001", "TS-NC", 1, issued.issued_on, "customer_request", (), totals, issued.at)
    laid_out = lay_out_credit_note(CreditNoteDocument(note, issued, VISA, ANA), None)
    shown = json.loads(laid_out.replace("\u00a0", " "))
    assert {
        **{name: shown[name] for name in ("title", "amount", "columns", "questions")},
        "facts": [name for name, _ in shown["facts"]],
        "reason": shown["facts"][-1][1],
        "balance": shown["balance"][0][0],
    } == CREDIT_NOTE[code]
