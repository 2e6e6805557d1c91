"""What a customer types into the card fields, checked before anybody is asked. Mistakes are codes; words come later."""

import re
from dataclasses import dataclass, field
from datetime import date

from payments.domain.shapes import Brand

NUMBER_MISSING, NUMBER_LENGTH, NUMBER_WRONG = "number_missing", "number_length", "number_wrong"
TEST_NUMBERS_ONLY = "test_numbers_only"
EXP_MISSING, EXP_WRONG, EXP_PAST = "exp_missing", "exp_wrong", "exp_past"
CVC_MISSING, CVC_LENGTH, CVC_LENGTH_AMEX = "cvc_missing", "cvc_length", "cvc_length_amex"

LONGEST_VALIDITY_YEARS = 20

_EXPIRY = re.compile(r"([0-9]{1,2})\s*[/-]\s*([0-9]{2}|[0-9]{4})|([0-9]{2})([0-9]{2})", re.ASCII)


@dataclass(frozen=True, slots=True)
class CardEntry:
    """What was typed, once it has passed. Lives in memory only, and never shows itself."""

    number: str = field(repr=False)
    exp_month: int
    exp_year: int
    cvc: str = field(repr=False)

    @property
    def brand(self) -> Brand:
        return brand_of(self.number)


@dataclass(frozen=True, slots=True)
class Mistakes:
    """A code per field: `number`, `exp`, `cvc`."""

    codes: dict[str, str]


def read(number: str, exp: str, cvc: str, today: date, accepted: frozenset[str] | None = None) -> CardEntry | Mistakes:
    """Checks the three fields; `today` is the merchant's, `accepted` the only numbers there are, when they are known."""
    digits = "".join(number.replace("-", " ").split())
    expiry = expiry_of(exp)
    code = cvc.strip()
    codes = {
        "number": number_mistake(digits, accepted),
        "exp": expiry_mistake(exp, expiry, today),
        "cvc": cvc_mistake(code, brand_of(digits)),
    }
    wrong = {name: mistake for name, mistake in codes.items() if mistake}
    if wrong or expiry is None:
        return Mistakes(wrong)
    return CardEntry(digits, *expiry, code)


def number_mistake(digits: str, accepted: frozenset[str] | None) -> str | None:
    if not digits:
        return NUMBER_MISSING
    if not is_digits(digits):
        return NUMBER_WRONG
    if not 13 <= len(digits) <= 19:
        return NUMBER_LENGTH
    if not luhn(digits):
        return NUMBER_WRONG
    return TEST_NUMBERS_ONLY if accepted is not None and digits not in accepted else None


def expiry_of(text: str) -> tuple[int, int] | None:
    """(month, year) of `12 / 25`, `12/2025`, `1225`; None when it is none of these."""
    found = _EXPIRY.fullmatch(text.strip())
    if found is None:
        return None
    month, year = int(found[1] or found[3]), int(found[2] or found[4])
    return (month, year + 2000 if year < 100 else year) if 1 <= month <= 12 else None


def expiry_mistake(text: str, expiry: tuple[int, int] | None, today: date) -> str | None:
    """A card is good until the last day of its month."""
    if not text.strip():
        return EXP_MISSING
    if expiry is None or expiry[1] > today.year + LONGEST_VALIDITY_YEARS:
        return EXP_WRONG
    return EXP_PAST if (expiry[1], expiry[0]) < (today.year, today.month) else None


def cvc_mistake(code: str, brand: Brand) -> str | None:
    if not code:
        return CVC_MISSING
    length, mistake = (4, CVC_LENGTH_AMEX) if brand is Brand.AMEX else (3, CVC_LENGTH)
    return None if is_digits(code) and len(code) == length else mistake


def brand_of(digits: str) -> Brand:
    if digits.startswith("4"):
        return Brand.VISA
    if digits.startswith(("34", "37")):
        return Brand.AMEX
    if digits[:2].isdecimal() and (51 <= int(digits[:2]) <= 55 or 22 <= int(digits[:2]) <= 27):
        return Brand.MASTERCARD
    return Brand.OTHER


def luhn(digits: str) -> bool:
    doubled = (int(d) * 2 if i % 2 else int(d) for i, d in enumerate(reversed(digits)))
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()
