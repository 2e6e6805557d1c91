"""Checks what a customer types into the card fields, before the provider is called. Mistakes are codes."""

from dataclasses import dataclass, field
from datetime import date
from unicodedata import category, decimal, normalize

from payments.domain.shapes import Brand

NUMBER_MISSING, NUMBER_LENGTH, NUMBER_WRONG = "number_missing", "number_length", "number_wrong"
TEST_NUMBERS_ONLY = "test_numbers_only"
EXP_MISSING, EXP_WRONG, EXP_PAST = "exp_missing", "exp_wrong", "exp_past"
CVC_MISSING, CVC_LENGTH, CVC_LENGTH_AMEX = "cvc_missing", "cvc_length", "cvc_length_amex"

LONGEST_VALIDITY_YEARS = 20

Reading = tuple[str, str]
"""(month, year of four digits)"""


@dataclass(frozen=True, slots=True)
class CardEntry:
    """A valid card entry. It exists in memory only, and its repr shows nothing."""

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
    """Check the three fields. `today` is by the merchant's clock; `accepted` are the only accepted numbers, or None."""
    digits, code = digits_of(number), digits_of(cvc)
    expiry = expiry_of(exp, today)
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


def groups_of(text: str) -> list[str] | None:
    """Groups of ASCII digits, separated by any character except a letter; None if the text contains a letter.

    Invisible characters are ignored. Digits of any script are converted.
    """
    plain = ""
    for c in normalize("NFKC", text):
        kind = category(c)
        if kind.startswith("L"):
            return None
        if kind != "Cf" and not kind.startswith("M"):
            plain += str(decimal(c)) if kind == "Nd" else " "
    return plain.split()


def digits_of(text: str) -> str:
    """All digits in the text, or the text itself if it contains a letter."""
    groups = groups_of(text)
    return text.strip() if groups is None else "".join(groups)


def expiry_of(text: str, today: date) -> tuple[int, int] | None:
    """(month, year) of a text with one possible reading: `12 / 29`, `12/2029`, `2029-12`, `1229`, `122029`. None otherwise.

    The card page's script (fields.js) does the same; one table of cases holds for both.
    """
    groups = groups_of(text) or []
    if len(groups) > 1 and all(len(group) == 1 for group in groups):
        groups = ["".join(groups)]
    usual, other = readings(groups)
    if usual and 1 <= int(usual[0]) <= 12 and int(usual[1]) >= 1000:
        return int(usual[0]), int(usual[1])
    if other and 1 <= int(other[0]) <= 12 and 0 <= int(other[1]) - today.year <= LONGEST_VALIDITY_YEARS:
        return int(other[0]), int(other[1])
    return None


def readings(groups: list[str]) -> tuple[Reading | None, Reading | None]:
    """The usual reading as month and year, and the alternative if the usual one is not a month."""
    match groups, [len(group) for group in groups]:
        case [a], [3]:
            return (a[0], f"20{a[1:]}"), None
        case [a], [4]:
            return (a[:2], f"20{a[2:]}"), (a[2:], f"20{a[:2]}")
        case [a], [5 | 6]:
            return (a[:-4], a[-4:]), (a[4:], a[:4])
        case [a, b], [4, 1 | 2]:
            return (b, a), None
        case [a, b], [1 | 2, 4]:
            return (a, b), None
        case [a, b], [1 | 2 as first, 1 | 2 as second]:
            return ((a, f"20{b}") if second == 2 else None), ((b, f"20{a}") if first == 2 else None)
        case [a, b, c], _:
            return dated(a, b, c), None
        case _:
            return None, None


def dated(a: str, b: str, c: str) -> Reading | None:
    """Month and year of a complete date, if the order of day and month is unambiguous."""
    if len(a) == 4 and len(b) <= 2 and is_day(c):
        return b, a
    if len(c) != 4 or not is_day(a) or not is_day(b):
        return None
    months = {int(part) for part in (a, b) if int(part) <= 12}
    return (str(months.pop()), c) if len(months) == 1 else None


def is_day(text: str) -> bool:
    return len(text) <= 2 and 1 <= int(text) <= 31


def expiry_mistake(text: str, expiry: tuple[int, int] | None, today: date) -> str | None:
    """A card is valid until the last day of its month."""
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
