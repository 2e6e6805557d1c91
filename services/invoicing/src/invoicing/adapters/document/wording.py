"""The texts of the first layout, and the numbers and dates of all, in all languages."""

from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from billing_contracts.money import exponent
from invoicing.application.language import catalogues
from presentation import periods
from presentation.languages import N_


@dataclass(frozen=True, slots=True)
class DocumentWords:
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
    refunded_on: str
    open: str
    due: str
    paid: str
    paid_with: str
    questions: str
    """With %(email)s."""
    page: str
    """With %(page)s and %(pages)s, filled in by the template."""
    logo: str
    """With %(company)s."""


MESSAGES: Final = DocumentWords(
    invoice=N_("Invoice"),
    number=N_("Number"),
    issued_on=N_("Date of issue"),
    period=N_("Period"),
    from_to=N_("%(start)s to %(end)s"),
    seller=N_("From"),
    bill_to=N_("Bill to"),
    erased=N_("Particulars deleted at the end of the legal term"),
    tax_id=N_("Tax ID"),
    description=N_("Description"),
    quantity=N_("Qty"),
    unit_price=N_("Price"),
    amount=N_("Amount"),
    subtotal=N_("Subtotal"),
    tax=N_("%(name)s (%(rate)s%%)"),
    tax_included=N_("%(name)s (%(rate)s%%, included in the price)"),
    total=N_("Total"),
    paid_on=N_("Paid on %(date)s"),
    voided_on=N_("Voided on %(date)s"),
    refunded_on=N_("Refunded on %(date)s"),
    open=N_("Payment pending"),
    due=N_("Amount due"),
    paid=N_("Amount paid"),
    paid_with=N_("Payment method"),
    questions=N_("Questions about this invoice? %(email)s"),
    page=N_("Page %(page)s of %(pages)s"),
    logo=N_("Logo of %(company)s"),
)

EARLIER_DECIMALS: Final = {"CLF": 2, "UYW": 2}
"""Decimals of older invoices, which do not store the number, where ISO 4217 differs: issued documents never change."""
BRANDS = {"visa": "Visa", "mastercard": "Mastercard", "amex": "American Express"}


class Speech:
    """One language with the formats of one region: texts, money, dates."""

    def __init__(self, tag: str, time_zone: str) -> None:
        self.language = language = catalogues().choose([tag], tag)
        self.words = DocumentWords(**{name: language.sentence(message) for name, message in asdict(MESSAGES).items()})
        self._zone = ZoneInfo(time_zone)

    def money(self, amount_minor: int, currency: str, decimals: int | None = None) -> str:
        """`29.99 USD`, on one line. `decimals` are those of the invoice; None on older invoices."""
        digits = EARLIER_DECIMALS.get(currency, exponent(currency)) if decimals is None else decimals
        return self.language.money(amount_minor, currency, digits).replace(" ", "\u00a0")

    def rate(self, basis_points: int) -> str:
        """`21`, `10.5`"""
        return self.language.number(Decimal(basis_points) / 100)

    def date(self, on: date) -> str:
        return self.language.day(on)

    def instant(self, at: datetime) -> str:
        """The day of the instant in the merchant's time zone."""
        return self.date(at.astimezone(self._zone).date())

    def period(self, start: datetime, end: datetime, zone: str) -> str:
        """`Del 14 de mayo de 2023 al 14 de junio de 2023`, of instants in the zone of the subscription."""
        days = [self.date(at.astimezone(ZoneInfo(zone)).date()) for at in (start, end)]
        return self.words.from_to % {"start": days[0], "end": days[1]}

    def days(self, start: datetime, end: datetime, zone: str) -> str:
        """`14 de mayo – 13 de junio de 2023`: each day of the period on one line."""
        text = self.language.days(*periods.days(start, end, ZoneInfo(zone)))
        return " – ".join(day.replace(" ", "\u00a0") for day in text.split(" – "))

    def card(self, brand: str, last4: str) -> str:
        """`Visa •••• 4242`"""
        return f"{BRANDS.get(brand, self.words.paid_with)} •••• {last4}".replace(" ", "\u00a0")
