"""Free text in requests: names are rejected with a reason, remarks are cleaned and never rejected for their characters."""

from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, StringConstraints
from pydantic_core import PydanticCustomError

from chassis.card_numbers.detection import NoCards, has_card, redact_cards
from chassis.text import has_controls, is_visible, misleads, readable

CARD_MARK: Final = "••••"
"""Replaces a card number in a remark."""
_LINE_ENDS: Final = "\n\t\u2028\u2029"


def _unix_lines(text: Any) -> Any:
    return text.replace("\r\n", "\n") if isinstance(text, str) else text


def _must_be_readable(text: str) -> str:
    if has_controls(text):
        raise PydanticCustomError("control_characters", "has characters that cannot be printed")
    if misleads(text):
        raise PydanticCustomError("misleading_characters", "has characters that hide or change how the text reads")
    if not is_visible(text):
        raise PydanticCustomError("nothing_visible", "has no character that can be seen")
    return text


def _one_line(text: str) -> str:
    if any(end in text for end in _LINE_ENDS):
        raise PydanticCustomError("one_line", "must be one line")
    return text


def _without_surrogates(text: Any) -> Any:
    """Remove lone surrogates, which a program leaves if it truncates a text inside an emoji."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "ignore") if isinstance(text, str) else text


Text = Annotated[NoCards, BeforeValidator(_unix_lines), StringConstraints(min_length=1), AfterValidator(_must_be_readable)]
"""Text of several lines that other people read."""
Line = Annotated[Text, AfterValidator(_one_line)]
Readable = AfterValidator(_must_be_readable)
Remark = Annotated[
    str, BeforeValidator(_without_surrogates), StringConstraints(strict=True, strip_whitespace=True, max_length=500)
]
"""A comment in a request. Call `clean` before storing it."""


@dataclass(frozen=True, slots=True)
class Cleaned:
    text: str | None
    """None if nothing visible is left."""
    had_card: bool


def clean(remark: str | None) -> Cleaned:
    """The remark without card numbers and unreadable characters. A remark never causes a refusal."""
    text = readable(_unix_lines(remark or "").replace("\r", "\n"))
    return Cleaned(redact_cards(text, CARD_MARK) or None, has_card(text))
