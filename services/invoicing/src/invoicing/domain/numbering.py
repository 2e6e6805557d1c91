"""A merchant's series of invoice numbers: without gaps, with dates that never go back."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class SeriesNumber:
    """The number of an invoice or credit note in its series, and its date."""

    series: str
    ordinal: int
    """From 1."""
    issued_on: date

    @property
    def number(self) -> str:
        """`TS-000001`"""
        return f"{self.series}-{self.ordinal:06d}"


def credit_series(invoice_series: str) -> str:
    """The series of the credit notes for invoices of a series. No series of invoices contains a hyphen."""
    return f"{invoice_series}-NC"


@dataclass(frozen=True, slots=True)
class Counter:
    series: str
    last: int = 0
    """The last number; 0 before the first."""
    last_issued_on: date = date.min

    def next(self, today: date) -> tuple[SeriesNumber, "Counter"]:
        """The next number, and the counter after it. A date before the last invoice's is replaced by that date."""
        number = SeriesNumber(self.series, self.last + 1, max(self.last_issued_on, today))
        return number, Counter(self.series, number.ordinal, number.issued_on)
