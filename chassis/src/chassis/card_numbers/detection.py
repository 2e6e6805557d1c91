"""Detects card numbers in free text: form fields refuse them, comments and logs redact them.

Our own ids and digests are ignored, because one UUID in 250 passes the Luhn check.
"""

import re
from collections.abc import Iterator
from typing import Annotated, Final
from unicodedata import digit, normalize

from pydantic import AfterValidator, StringConstraints
from pydantic_core import PydanticCustomError

from chassis.card_numbers import other_numbers
from chassis.card_numbers.issuers import BY_START

CARD_DIGITS_MIN: Final = 13
"""Digits of the shortest card number."""
_TAIL_DIGITS_MAX: Final = 10
"""Up to this many digits after a card number in the same run are taken for its expiry and CVV, and redacted too."""
_DIGITS: Final = re.compile(
    "[\\d\u1369-\u1371\u19da\u24f5-\u24fd\u24ff\u2776-\u277e\u2780-\u2788\u278a-\u2792"
    "\U00010a40-\U00010a43\U00010e60-\U00010e68\U00011052-\U0001105a]"
)
"""Digits of any script, including those that NFKC does not normalize: circled, Ethiopic, Kharosthi, Rumi, Brahmi."""
_TELEPHONE_DIGITS_MIN: Final = 7
_TELEPHONE_DIGITS_MIN_AFTER_DIGITS: Final = 10
"""The shortest telephone number next to other numbers, and after other digits: a `+` can also be inside a card number."""
_ASCII_RUN: Final = re.compile(f"[0-9](?:[^0-9A-Za-z]*[0-9]){{{CARD_DIGITS_MIN - 1}}}")


class _Run:
    """A run of digits without a letter between them. Other characters do not matter: `4111.1111 1111/1111 12/30`."""

    def __init__(self) -> None:
        self.digits: list[int] = []
        self.positions: list[int] = []
        """The position of each digit in the text."""
        self.plus_signs: list[tuple[int, bool]] = []
        """(index of the digit after a `+`, whether the `+` is separated from the digit before it)"""

    def cards(self) -> Iterator[tuple[int, int]]:
        """(first, last) digit of each card number."""
        if len(self.digits) >= CARD_DIGITS_MIN:
            for first, end in self._without_telephone_numbers():
                yield from self._windows(first, end)

    def _windows(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        digits = self.digits
        # Prefix sums for the Luhn check, one with the digits at odd indexes doubled, the other with those at even indexes,
        # so that each window is checked in constant time.
        sums = [0], [0]
        for index, value in enumerate(digits[:end]):
            sums[index % 2].append(sums[index % 2][-1] + value)
            sums[1 - index % 2].append(sums[1 - index % 2][-1] + other_numbers.DOUBLED[value])
        for first in range(start, end - CARD_DIGITS_MIN + 1):
            for length in self._lengths(first):
                last = first + length - 1
                if last < end and (sums[last % 2][last + 1] - sums[last % 2][first]) % 10 == 0:
                    yield first, last

    def _lengths(self, first: int) -> Iterator[int]:
        digits = self.digits
        for size, low, high, lengths in BY_START[digits[first] * 10 + digits[first + 1]]:
            if low <= int("".join(map(str, digits[first : first + size]))) <= high:
                yield from lengths

    def _without_telephone_numbers(self) -> Iterator[tuple[int, int]]:
        """(first, end) of the ranges of digits that are not telephone numbers."""
        digits, first = self.digits, 0
        if not self.plus_signs and other_numbers.is_telephone_with_00(digits):
            return
        ends = [*(index for index, _ in self.plus_signs), len(digits)][1:]
        for (start, separated), end in zip(self.plus_signs, ends, strict=False):
            digits_min = _TELEPHONE_DIGITS_MIN_AFTER_DIGITS if start else 1 if len(ends) == 1 else _TELEPHONE_DIGITS_MIN
            if separated and other_numbers.is_telephone(digits[start:end], digits_min):
                yield first, start
                first = end
        yield first, len(digits)


def has_card(text: str) -> bool:
    """Whether the text contains 13 to 19 digits that form a card number of a known issuer, with any separators."""
    return next(_cards(text), None) is not None


def redact_cards(text: str, mark: str = "[card number]") -> str:
    """Replace each card number, with an expiry and CVV that follow it, by `mark`. The result contains no card number."""
    while spans := _merged(_cards(text)):
        for start, end in reversed(spans):
            text = text[:start] + mark + text[end:]
    return text


def _cards(text: str) -> Iterator[tuple[int, int]]:
    """(start, end) of each card number in the text, ordered by start. They can overlap."""
    if not _enough_digits(text):
        return
    for run in _runs(text):
        last_digit = len(run.digits) - 1
        for first, last in run.cards():
            end_digit = last_digit if last_digit - last <= _TAIL_DIGITS_MAX else last
            yield run.positions[first], run.positions[end_digit] + 1


def _enough_digits(text: str) -> bool:
    """A fast check that most texts fail."""
    if text.isascii():
        return _ASCII_RUN.search(text) is not None
    return len(_DIGITS.findall(normalize("NFKC", text))) >= CARD_DIGITS_MIN


def _runs(text: str) -> Iterator[_Run]:
    """The runs of digits in the text. Other known numbers end a run, as letters do."""
    ignored = {position for start, end in other_numbers.spans(text) for position in range(start, end)}
    run, plus, last_digit = _Run(), -1, -1
    for position, character in enumerate(text):
        for c in "x" if position in ignored else character if character < "\x80" else normalize("NFKC", character):
            value = digit(c, None)
            if value is not None:
                if plus >= 0:
                    run.plus_signs.append((len(run.digits), plus != last_digit + 1 or not run.digits))
                run.digits.append(value)
                run.positions.append(position)
                plus, last_digit = -1, position
            elif c == "+":
                plus = position
            elif c.isalpha():
                if run.digits:
                    yield run
                    run = _Run()
                plus = -1
    yield run


def _merged(spans: Iterator[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged


def _refuse(text: str) -> str:
    if has_card(text):
        raise PydanticCustomError("card_number_refused", "looks like a card number, which must not be written here")
    return text


NoCards = Annotated[str, StringConstraints(strict=True, strip_whitespace=True), AfterValidator(_refuse)]
"""Free text that is refused if it contains a card number."""
