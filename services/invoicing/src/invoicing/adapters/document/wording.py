"""The words of a printed invoice, and its numbers and dates, in the languages there are."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal

from billing_contracts.money import Money


@dataclass(frozen=True, slots=True)
class Words:
    invoice: str
    number: str
    issued_on: str
    period: str
    from_to: str
    """With %(start)s and %(end)s."""
    seller: str
    bill_to: str
    erased: str
    tax_id: str
    description: str
    quantity: str
    unit_price: str
    amount: str
    subtotal: str
    tax: str
    """With %(name)s and %(rate)s."""
    tax_included: str
    total: str
    paid_on: str
    """With %(date)s."""
    voided_on: str
    open: str
    due: str
    paid: str
    paid_with: str
    questions: str
    """With %(email)s."""
    page: str
    """With %(page)s and %(pages)s, filled in by the template."""


SPANISH = Words(
    invoice="Factura",
    number="Número",
    issued_on="Fecha de emisión",
    period="Período",
    from_to="Del %(start)s al %(end)s",
    seller="Emisor",
    bill_to="Facturado a",
    erased="Datos suprimidos al terminar el plazo legal",
    tax_id="Identificación fiscal",
    description="Concepto",
    quantity="Cant.",
    unit_price="Precio",
    amount="Importe",
    subtotal="Subtotal",
    tax="%(name)s (%(rate)s %%)",
    tax_included="%(name)s (%(rate)s %%, incluido en el precio)",
    total="Total",
    paid_on="Pagado el %(date)s",
    voided_on="Anulada el %(date)s",
    open="Pendiente de pago",
    due="Importe pendiente",
    paid="Importe pagado",
    paid_with="Método de pago",
    questions="¿Preguntas sobre esta factura? %(email)s",
    page="Página %(page)s de %(pages)s",
)

ENGLISH = Words(
    invoice="Invoice",
    number="Number",
    issued_on="Date of issue",
    period="Period",
    from_to="%(start)s to %(end)s",
    seller="From",
    bill_to="Bill to",
    erased="Particulars deleted at the end of the legal term",
    tax_id="Tax ID",
    description="Description",
    quantity="Qty",
    unit_price="Price",
    amount="Amount",
    subtotal="Subtotal",
    tax="%(name)s (%(rate)s%%)",
    tax_included="%(name)s (%(rate)s%%, included in the price)",
    total="Total",
    paid_on="Paid on %(date)s",
    voided_on="Voided on %(date)s",
    open="Payment pending",
    due="Amount due",
    paid="Amount paid",
    paid_with="Payment method",
    questions="Questions about this invoice? %(email)s",
    page="Page %(page)s of %(pages)s",
)

BRANDS = {"visa": "Visa", "mastercard": "Mastercard", "amex": "American Express"}


class Speech:
    """One language with the customs of one region: words, money, dates."""

    def __init__(self, tag: str, time_zone: str) -> None:
        self.locale = Locale.parse(tag, sep="-")
        self.words = ENGLISH if self.locale.language == "en" else SPANISH
        self._zone = ZoneInfo(time_zone)

    def money(self, amount_minor: int, currency: str) -> str:
        """`29.99 USD`, on one line."""
        exact = Decimal(Money(amount_minor=amount_minor, currency=currency).decimal())
        return format_currency(exact, currency, "#,##0.00\u00a0¤¤", self.locale)

    def rate(self, basis_points: int) -> str:
        """`21`, `10.5`"""
        return format_decimal(Decimal(basis_points) / 100, "#,##0.##", self.locale)

    def date(self, on: date) -> str:
        return format_date(on, "long", self.locale)

    def instant(self, at: datetime) -> str:
        """The day of the instant in the merchant's time zone."""
        return self.date(at.astimezone(self._zone).date())

    def card(self, brand: str, last4: str) -> str:
        """`Visa •••• 4242`"""
        return f"{BRANDS.get(brand, self.words.paid_with)} •••• {last4}".replace(" ", "\u00a0")
