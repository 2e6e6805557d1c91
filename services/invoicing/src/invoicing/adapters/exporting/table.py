"""The history as CSV (RFC 4180) that a spreadsheet opens as it is meant, and never as a formula.

UTF-8 with BOM, ISO dates, decimal point; one line per movement; per invoice the column of totals sums to its balance.
"""

import csv
import io
import re
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass

from billing_contracts.money import Money
from invoicing.application.history import HistoryRow, Rows

BOM = "\ufeff"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_FORMULA = re.compile(r"(^|[;,|])([\s\"']*[=+\-@＝＋－＠])")  # spreadsheets take the full-width signs too


@dataclass(frozen=True, slots=True)
class Words:
    header: tuple[str, ...]
    known: dict[str, str]
    """Kinds, statuses, reasons and brands, by their codes."""
    history: str
    """The file's name in an archive, without its ending."""
    invoices: str
    """The folder of invoices in an archive."""


_BRANDS = {"visa": "Visa", "mastercard": "Mastercard", "amex": "American Express"}

SPANISH = Words(
    (
        "Fecha",
        "Movimiento",
        "Factura",
        "Plan",
        "Inicio del período",
        "Fin del período",
        "Neto",
        "Impuesto",
        "Total",
        "Moneda",
        "Estado",
        "Marca",
        "Últimos cuatro",
        "Motivo",
        "Referencia",
    ),
    _BRANDS
    | {
        "invoice": "Factura",
        "payment": "Pago",
        "failed_attempt": "Intento fallido",
        "refund": "Reembolso",
        "void": "Anulación",
        "voided": "Anulado",
        "open": "Pendiente",
        "paid": "Pagado",
        "succeeded": "Realizado",
        "failed": "Fallido",
        "other": "Otra",
        "card_declined": "Tarjeta rechazada",
        "insufficient_funds": "Fondos insuficientes",
        "expired_card": "Tarjeta vencida",
        "incorrect_cvc": "CVV incorrecto",
        "no_payment_method": "Sin método de pago",
        "processing_error": "Error de procesamiento",
        "subscription_cancelled": "Suscripción cancelada",
        "invoice_voided": "Factura anulada",
        "merchant": "Anulada por la empresa",
    },
    "historial-de-pagos",
    "facturas",
)

ENGLISH = Words(
    (
        "Date",
        "Movement",
        "Invoice",
        "Plan",
        "Period start",
        "Period end",
        "Net",
        "Tax",
        "Total",
        "Currency",
        "Status",
        "Brand",
        "Last four",
        "Reason",
        "Reference",
    ),
    _BRANDS
    | {
        "invoice": "Invoice",
        "payment": "Payment",
        "failed_attempt": "Failed attempt",
        "refund": "Refund",
        "void": "Voiding",
        "voided": "Void",
        "open": "Open",
        "paid": "Paid",
        "succeeded": "Succeeded",
        "failed": "Failed",
        "other": "Other",
        "card_declined": "Card declined",
        "insufficient_funds": "Insufficient funds",
        "expired_card": "Card expired",
        "incorrect_cvc": "Incorrect CVV",
        "no_payment_method": "No payment method",
        "processing_error": "Processing error",
        "subscription_cancelled": "Subscription cancelled",
        "invoice_voided": "Invoice voided",
        "merchant": "Voided by the company",
    },
    "payment-history",
    "invoices",
)


def words_for(locale: str) -> Words:
    """`es-MX` -> Spanish; English for English; Spanish for anything else."""
    return ENGLISH if locale.lower().split("-")[0] == "en" else SPANISH


async def as_csv(rows: Rows, words: Words) -> AsyncGenerator[bytes]:
    yield (BOM + _lines([words.header])).encode()
    async for page in rows:
        yield _lines(cells(row, words) for row in page).encode()


def cells(row: HistoryRow, words: Words) -> tuple[str, ...]:
    it = row.movement
    return (
        row.on.isoformat(),
        words.known[it.kind],
        harmless(row.number),
        harmless(row.plan_name),
        row.period_start.isoformat(),
        row.period_end.isoformat(),
        _amount(it.net, it.currency),
        _amount(it.tax, it.currency),
        _amount(it.total, it.currency),
        it.currency,
        _known(words, row.status),
        _known(words, it.brand),
        it.last4 or "",
        _known(words, it.reason),
        harmless(it.reference or ""),
    )


def harmless(text: str) -> str:
    """What people or providers wrote, as a cell that no spreadsheet takes for a formula, whatever separates its columns."""
    return _FORMULA.sub(r"\1'\2", _CONTROL.sub(" ", text))


def _known(words: Words, code: str | None) -> str:
    return harmless(words.known.get(code, code)) if code else ""


def _amount(minor: int | None, currency: str) -> str:
    return "" if minor is None else Money(amount_minor=minor, currency=currency).decimal()


def _lines(rows: Iterable[tuple[str, ...]]) -> str:
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue()
