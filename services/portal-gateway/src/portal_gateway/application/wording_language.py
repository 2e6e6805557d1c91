"""Which language a customer reads, and how their region writes amounts and days. Pure: tables and arithmetic.

The separators are CLDR's for the territories of Spanish and English, which a test compares with CLDR itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from billing_contracts.money import Money
from portal_gateway.application.wording_en import MESSAGES as ENGLISH
from portal_gateway.application.wording_es import MESSAGES as SPANISH

CATALOGUES: Final[Mapping[str, Mapping[str, str]]] = {"es": SPANISH, "en": ENGLISH}
USUAL_TERRITORY: Final = {"es": "419", "en": "US"}

# Territories that write 1.234,50; the others write 1,234.50.
DECIMAL_COMMA: Final = frozenset(["AR", "BO", "CL", "CO", "EA", "EC", "ES", "GQ", "IC", "PH", "PY", "UY", "VE"])
MONTH_FIRST: Final = frozenset(["US", "CA", "PR", "PH", "AS", "GU", "MP", "UM", "VI"])

MONTHS: Final = {
    "es": [
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "septiembre",
        "octubre",
        "noviembre",
        "diciembre",
    ],
    "en": [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
}
SHORT_MONTHS: Final = {
    "es": ["ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic"],
    "en": ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
}


@dataclass(frozen=True, slots=True)
class Language:
    """A catalogue and a region: `Language("es", "419")`."""

    code: str
    territory: str

    @property
    def tag(self) -> str:
        """BCP 47, as in `<html lang>`: `es-419`."""
        return f"{self.code}-{self.territory}"

    @property
    def other(self) -> str:
        return "en" if self.code == "es" else "es"

    def say(self, message: str, /, **values: object) -> str:
        """The message of that id with its values; an unknown id is a KeyError."""
        return CATALOGUES[self.code][message] % values

    def money(self, amount: Money) -> str:
        """`1,234.50 USD` (es-419), `1.234,50 USD` (es-ES): the currency's digits, an ordinary space, the code."""
        whole, point, decimals = amount.decimal().lstrip("-").partition(".")
        sign = "-" if amount.amount_minor < 0 else ""
        group, separator = self._separators()
        grouped = f"{int(whole):,}".replace(",", group)
        return f"{sign}{grouped}{separator if point else ''}{decimals} {amount.currency}"

    def day(self, day: date) -> str:
        """`14 de junio de 2023`, `June 14, 2023`"""
        return f"{self.day_and_month(day)}{self._before_year()}{day.year}"

    def day_and_month(self, day: date) -> str:
        """`14 de junio`, `June 14`"""
        month = MONTHS[self.code][day.month - 1]
        if self.code == "es":
            return f"{day.day} de {month}"
        return f"{month} {day.day}" if self._month_first() else f"{day.day} {month}"

    def short_day(self, day: date) -> str:
        """`14 may 2023`, `May 14, 2023`"""
        month = SHORT_MONTHS[self.code][day.month - 1]
        return f"{month} {day.day}, {day.year}" if self._month_first() else f"{day.day} {month} {day.year}"

    def period(self, start: date, end: date) -> str:
        """`Del 14 de mayo al 14 de junio de 2023`: the year once when it is the same."""
        first = self.day_and_month(start) if start.year == end.year else self.day(start)
        return self.say("period", start=first, end=self.day(end))

    def percentage(self, basis_points: int) -> str:
        """`21`, `10.5`: without the sign, which the message adds."""
        whole, rest = divmod(basis_points, 100)
        return f"{whole}{self._separators()[1]}{rest:02d}".rstrip("0") if rest else str(whole)

    def _separators(self) -> tuple[str, str]:
        if self.code == "es" and self.territory == "CR":
            return "\N{NO-BREAK SPACE}", ","
        return (".", ",") if self.code == "es" and self.territory in DECIMAL_COMMA else (",", ".")

    def _month_first(self) -> bool:
        return self.code == "en" and self.territory in MONTH_FIRST

    def _before_year(self) -> str:
        if self.code == "es":
            return " de "
        return ", " if self._month_first() else " "


def choose(
    *,
    asked: str | None = None,
    kept: str | None = None,
    link: str | None = None,
    customer: str | None = None,
    accepted: str | None = None,
    merchant: str | None = None,
) -> Language:
    """The first that names a language we have: `?lang`, cookie, link, customer, Accept-Language, merchant, else Spanish.

    The region is the merchant's when the merchant's language is the one chosen: amounts look as on the company's own site.
    """
    for tag in (asked, kept, link, customer, *_by_preference(accepted or ""), merchant):
        code = primary(tag)
        if code in CATALOGUES:
            return Language(
                code,
                territory(merchant) if primary(merchant) == code and territory(merchant) else USUAL_TERRITORY[code],
            )
    return Language("es", USUAL_TERRITORY["es"])


def primary(tag: str | None) -> str:
    """`es` of `es-MX`, `ES_mx`"""
    return (tag or "").replace("_", "-").split("-")[0].strip().lower()


def territory(tag: str | None) -> str:
    """`MX` of `es-MX`, `es-Latn-MX`; empty when it names none."""
    parts = (tag or "").replace("_", "-").split("-")[1:]
    found = [p.upper() for p in parts if (len(p) == 2 and p.isalpha()) or (len(p) == 3 and p.isdigit())]
    return found[0] if found else ""


def _by_preference(accepted: str) -> list[str]:
    ranges = []
    for position, part in enumerate(accepted.split(",")[:20]):
        tag, _, quality = part.partition(";q=")
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            continue
        if weight > 0:
            ranges.append((-weight, position, tag.strip()))
    return [tag for _, _, tag in sorted(ranges)]
