"""Recognizes long numbers that are not card numbers: telephone numbers, IBANs, CLABEs, business numbers, instants and our ids."""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final

_CALLING_CODES: Final = re.compile(
    "1|7|20|27|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|21[12368]|22[0-9]|23[0-9]|24[0-9]|25[0-8]|26[0-9]|29[01789]"
    "|35[0-9]|37[0-8]|38[0-35-79]|42[013]|50[0-9]|59[0-9]|67[02-9]|68[0-35-9]|69[0-2]|80[08]|85[02356]|87[08]|88[0-368]"
    "|96[0-8]|97[0-79]|99[2-68]"
)
"""The assigned country codes of ITU-T E.164."""
TELEPHONE_DIGITS_MAX: Final = 15
"""Digits after the `+` (ITU-T E.164)."""
_TELEPHONE_DIGITS_MIN: Final = 7

_IBAN_LENGTHS: Final = {
    country: int(length)
    for country, length in re.findall(
        r"([A-Z]{2})(\d\d)",
        "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 "
        "FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 "
        "LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 "
        "SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30",
    )
}
"""country → number of characters of its IBANs (SWIFT IBAN registry, release 100)."""

_IDS_AND_INSTANTS: Final = re.compile(
    # A UUID, a digest in hex, or an RFC 3339 instant.
    r"(?<![0-9a-zA-Z])[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}(?![0-9a-zA-Z])"
    r"|(?<![0-9a-zA-Z])(?=[0-9]*[a-f])(?:[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{32})(?![0-9a-zA-Z])"
    r"|(?<!\d)(?:19|2\d)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])[ T](?:[01]\d|2[0-3]):[0-5]\d"
    r"(?::[0-6]\d(?:[.,]\d{1,9})?)?(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d)?(?!\d)",
    re.ASCII,
)
_IBAN_START: Final = re.compile(r"(?<![0-9A-Za-z])([A-Za-z]{2})\d\d", re.ASCII)
_CLABE: Final = re.compile(r"(?<!\d)(?:\d{18}|(\d{3})([ -])\d{3}\2\d{11}\2\d)(?!\d)", re.ASCII)
_BUSINESS: Final = re.compile(
    r"(?<!\d)(?:(?P<cnpj>\d\d\.\d{3}\.\d{3}/\d{4}-\d\d)|\d{14}|(\d{3})([ .])\d{3}\3\d{3}\3\d{5})(?!\d)", re.ASCII
)


def spans(text: str) -> Iterator[tuple[int, int]]:
    """(start, end) of each such number in the text, except for telephone numbers."""
    for match in _IDS_AND_INSTANTS.finditer(text):
        yield match.span()
    for match in _IBAN_START.finditer(text):
        whole = _iban(match[1].upper()).match(text, match.start())
        if whole and is_iban(whole[0]):
            yield whole.span()
    for match in _CLABE.finditer(text):
        if is_clabe(match[0]):
            yield match.span()
    for match in _BUSINESS.finditer(text):
        digits = _digits(match[0])
        if is_cnpj(digits) if match["cnpj"] else (digits[8:10] == [0, 0] and is_cnpj(digits)) or is_siret(digits):
            yield match.span()


@cache
def _iban(country: str) -> re.Pattern[str]:
    length = _IBAN_LENGTHS.get(country, 34)
    return re.compile(rf"[0-9A-Za-z](?:[ \u00a0-]?[0-9A-Za-z]){{{length - 1}}}(?![0-9A-Za-z])", re.ASCII)


def is_telephone(digits: Sequence[int], digits_min: int = 1) -> bool:
    """Whether the digits can follow a `+`: at most 15 digits that begin with a country code."""
    return digits_min <= len(digits) <= TELEPHONE_DIGITS_MAX and _CALLING_CODES.match("".join(map(str, digits[:3]))) is not None


def is_telephone_with_00(digits: Sequence[int]) -> bool:
    """Whether the digits are a telephone number with `00` instead of `+`."""
    return list(digits[:2]) == [0, 0] and is_telephone(digits[2:], _TELEPHONE_DIGITS_MIN)


def is_iban(text: str) -> bool:
    """Whether the text is an IBAN: its country's length and valid check digits (ISO 13616)."""
    compact = re.sub("[ \u00a0-]", "", text).upper()
    if len(compact) != _IBAN_LENGTHS.get(compact[:2]):
        return False
    return int("".join(str(int(c, 36)) for c in compact[4:] + compact[:4])) % 97 == 1


def is_clabe(text: str) -> bool:
    """Whether the text is a Mexican bank account: 18 digits, the last one a check digit. No bank code begins with 2 to 5 or 8."""
    digits = _digits(text)
    weighted = sum(digit * weight % 10 for digit, weight in zip(digits[:17], (3, 7, 1) * 6, strict=False))
    return digits[0] in (0, 1, 6, 7, 9) and (weighted + digits[17]) % 10 == 0


def is_cnpj(digits: Sequence[int]) -> bool:
    """Whether the digits are a Brazilian business number: 14 digits, the last two of them check digits."""
    return all(_cnpj_check(digits[:length]) == digits[length] for length in (12, 13))


def is_siret(digits: Sequence[int]) -> bool:
    """Whether the digits are a French business number: 9 for the company and 5 for its site, a small number, with Luhn checks."""
    return digits[9:12] == [0, 0, 0] and luhn(digits[:9]) and luhn(digits)


def luhn(digits: Sequence[int]) -> bool:
    """The check of ISO/IEC 7812-1, annex B."""
    return sum(DOUBLED[digit] if index % 2 else digit for index, digit in enumerate(reversed(digits))) % 10 == 0


DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
"""digit → the digit sum of its double, for every other digit of the Luhn check."""


def _cnpj_check(digits: Sequence[int]) -> int:
    weighted = sum(digit * (2 + index % 8) for index, digit in enumerate(reversed(digits)))
    return 0 if weighted % 11 < 2 else 11 - weighted % 11


def _digits(text: str) -> list[int]:
    return [int(c) for c in text if c.isdecimal()]
