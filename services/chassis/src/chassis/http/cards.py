"""Card numbers where none belong: refused in what people type, redacted in what is logged.

Only free text is looked at. Our own ids and hashes are not: one UUID in 250 passes the Luhn check.
"""

import re
from typing import Annotated

from pydantic import AfterValidator, StringConstraints
from pydantic_core import PydanticCustomError

_CANDIDATE = re.compile(
    r"(?<![0-9A-Za-z])(?<![0-9A-Za-z]-)(?<![0-9] )[0-9](?:[ -]?[0-9]){12,18}(?![0-9A-Za-z])(?!-[0-9A-Za-z])(?! [0-9])"
)
_ISSUER = re.compile(r"4|5[1-5]|2[2-7]|3[47]|30[0-5]|3[68]|6011|64[4-9]|65|35|62|50|5[6-8]|6[0-9]")


def luhn(digits: str) -> bool:
    doubled = (int(d) * 2 if i % 2 else int(d) for i, d in enumerate(reversed(digits)))
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def _is_card(text: str) -> bool:
    digits = re.sub("[ -]", "", text)
    return bool(_ISSUER.match(digits)) and luhn(digits)


def has_card(text: str) -> bool:
    """Whether the text holds 13 to 19 digits, apart by single spaces or dashes at most, that make a card number."""
    return any(_is_card(found[0]) for found in _CANDIDATE.finditer(text))


def redact_cards(text: str, mark: str = "[card number]") -> str:
    return _CANDIDATE.sub(lambda found: mark if _is_card(found[0]) else found[0], text)


def _refuse(text: str) -> str:
    if has_card(text):
        raise PydanticCustomError("card_number_refused", "looks like a card number, which must not be written here")
    return text


NoCards = Annotated[str, StringConstraints(strict=True, strip_whitespace=True), AfterValidator(_refuse)]
"""Free text in which nobody can leave a card number."""
