"""Card numbers where none belong: refused in what people type, taken out of comments, redacted in what is logged.

Only free text is looked at, and what our own ids and digests look like is passed over: one UUID in 250 passes the Luhn check.
"""

import re
from collections.abc import Iterator
from typing import Annotated, Final
from unicodedata import digit, normalize

from pydantic import AfterValidator, StringConstraints
from pydantic_core import PydanticCustomError

from chassis.card_numbers import other_numbers
from chassis.card_numbers.issuers import BY_START

SHORTEST: Final = 13
"""Digits of the shortest card number."""
_TAIL: Final = 10
"""What follows a number in the same run of digits and has at most so many is its expiry and its CVV: they go too."""
_DIGITS: Final = re.compile(
    "[\\d\u1369-\u1371\u19da\u24f5-\u24fd\u24ff\u2776-\u277e\u2780-\u2788\u278a-\u2792"
    "\U00010a40-\U00010a43\U00010e60-\U00010e68\U00011052-\U0001105a]"
)
"""Digits of any script, and those that NFKC leaves as they are: circled, Ethiopic, Kharosthi, Rumi, Brahmi."""
_SHORTEST_BESIDE_OTHERS: Final = 7
_SHORTEST_AFTER_OTHERS: Final = 10
"""Digits of a telephone number beside other digits: a `+` may also stand inside of a card's number."""
_ASCII_RUN: Final = re.compile(f"[0-9](?:[^0-9A-Za-z]*[0-9]){{{SHORTEST - 1}}}")


class _Run:
    """Digits with no letter between them, whatever else is: `4111.1111 1111/1111 12/30`."""

    def __init__(self) -> None:
        self.digits: list[int] = []
        self.places: list[int] = []
        """Where each stands in the text."""
        self.plus: list[tuple[int, bool]] = []
        """Before which digits, by number, a `+` stands, and whether it is apart from the digit before."""

    def cards(self) -> Iterator[tuple[int, int]]:
        """(first, last) digit of each window that is a card number."""
        if len(self.digits) >= SHORTEST:
            for first, end in self._searched():
                yield from self._windows(first, end)

    def _windows(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        digits = self.digits
        # Sums of all digits up to each place, those at odd places doubled in one and those at even places in the other:
        # so each window is checked in constant time.
        sums = [0], [0]
        for place, each in enumerate(digits[:end]):
            sums[place % 2].append(sums[place % 2][-1] + each)
            sums[1 - place % 2].append(sums[1 - place % 2][-1] + other_numbers.DOUBLED[each])
        for first in range(start, end - SHORTEST + 1):
            for length in self._lengths(first):
                last = first + length - 1
                if last < end and (sums[last % 2][last + 1] - sums[last % 2][first]) % 10 == 0:
                    yield first, last

    def _lengths(self, first: int) -> Iterator[int]:
        digits = self.digits
        for size, low, high, lengths in BY_START[digits[first] * 10 + digits[first + 1]]:
            if low <= int("".join(map(str, digits[first : first + size]))) <= high:
                yield from lengths

    def _searched(self) -> Iterator[tuple[int, int]]:
        """(first, end) of the digits that are no telephone number's."""
        digits, first = self.digits, 0
        if not self.plus and other_numbers.is_dialled_abroad(digits):
            return
        ends = [*(at for at, _ in self.plus), len(digits)][1:]
        for (at, apart), end in zip(self.plus, ends, strict=False):
            shortest = _SHORTEST_AFTER_OTHERS if at else 1 if len(ends) == 1 else _SHORTEST_BESIDE_OTHERS
            if apart and other_numbers.is_telephone(digits[at:end], shortest):
                yield first, at
                first = end
        yield first, len(digits)


def has_card(text: str) -> bool:
    """Whether the text holds 13 to 19 digits that an issuer's number can be, however they are written and set apart."""
    return next(_cards(text), None) is not None


def redact_cards(text: str, mark: str = "[card number]") -> str:
    """The text with `mark` for each card number, and for the expiry and CVV that follow it. What is left holds none."""
    while found := _merged(_cards(text)):
        for start, end in reversed(found):
            text = text[:start] + mark + text[end:]
    return text


def _cards(text: str) -> Iterator[tuple[int, int]]:
    """Where card numbers stand in the text: (start, end), by their start; they may overlap."""
    if not _enough_digits(text):
        return
    for run in _runs(text):
        last_digit = len(run.digits) - 1
        for first, last in run.cards():
            tail = last_digit if last_digit - last <= _TAIL else last
            yield run.places[first], run.places[tail] + 1


def _enough_digits(text: str) -> bool:
    """Nearly every text fails this at once."""
    if text.isascii():
        return _ASCII_RUN.search(text) is not None
    return len(_DIGITS.findall(normalize("NFKC", text))) >= SHORTEST


def _runs(text: str) -> Iterator[_Run]:
    """What is no card's number ends a run as a letter does."""
    passed_over = {place for start, end in other_numbers.spans(text) for place in range(start, end)}
    run, plus, before = _Run(), -1, -1
    for place, typed in enumerate(text):
        for c in "x" if place in passed_over else typed if typed < "\x80" else normalize("NFKC", typed):
            value = digit(c, None)
            if value is not None:
                if plus >= 0:
                    run.plus.append((len(run.digits), plus != before + 1 or not run.digits))
                run.digits.append(value)
                run.places.append(place)
                plus, before = -1, place
            elif c == "+":
                plus = place
            elif c.isalpha():
                if run.digits:
                    yield run
                    run = _Run()
                plus = -1
    yield run


def _merged(found: Iterator[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(found):
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
"""Free text in which nobody can leave a card number."""
