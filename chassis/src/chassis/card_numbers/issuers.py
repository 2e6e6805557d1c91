"""The prefixes of card issuers, and the lengths of their card numbers.

Source: ISO/IEC 7812 assignments as the networks publish them, collected in Wikipedia's table of issuer identification numbers
(2025); Elo, Hipercard, Carnet, Cabal and Naranja as their acquirers publish them.
"""

from collections.abc import Iterator
from typing import Final

Lengths = tuple[int, ...]

_RANGES: Final[tuple[tuple[str, str, Lengths], ...]] = (
    ("4", "4", (13, 16, 19)),  # Visa
    ("51", "55", (16,)),  # Mastercard
    ("2221", "2720", (16,)),
    ("34", "34", (15,)),  # American Express
    ("37", "37", (15,)),
    ("300", "305", (14, 16, 17, 18, 19)),  # Diners Club
    ("3095", "3095", (14, 16, 17, 18, 19)),
    ("36", "36", (14, 15, 16, 17, 18, 19)),
    ("38", "39", (14, 16, 17, 18, 19)),
    ("6011", "6011", (16, 17, 18, 19)),  # Discover
    ("644", "649", (16, 17, 18, 19)),
    ("65", "65", (16, 17, 18, 19)),
    ("3528", "3589", (16, 17, 18, 19)),  # JCB
    ("1800", "1800", (15,)),
    ("2131", "2131", (15,)),
    ("62", "62", (16, 17, 18, 19)),  # UnionPay
    ("81", "81", (16, 17, 18, 19)),
    ("31", "31", (19,)),  # T-Union
    ("5018", "5018", (13, 14, 15, 16, 17, 18, 19)),  # Maestro
    ("5020", "5020", (13, 14, 15, 16, 17, 18, 19)),
    ("5038", "5038", (13, 14, 15, 16, 17, 18, 19)),
    ("5893", "5893", (13, 14, 15, 16, 17, 18, 19)),
    ("6304", "6304", (13, 14, 15, 16, 17, 18, 19)),
    ("6759", "6763", (13, 14, 15, 16, 17, 18, 19)),
    ("6767", "6767", (16, 18, 19)),
    ("2200", "2205", (16, 17, 18, 19)),  # Mir, Borica
    ("60", "60", (16,)),  # RuPay, Hipercard, Cabal
    ("82", "82", (16,)),  # RuPay
    ("508", "508", (16,)),
    ("636", "639", (16, 17, 18, 19)),  # Elo and others
    ("5019", "5019", (16,)),  # Dankort
    ("9792", "9792", (16,)),  # Troy
    ("9704", "9704", (16, 19)),  # Napas
    ("8600", "8600", (16,)),  # UzCard
    ("5614", "5614", (16,)),
    ("9860", "9860", (16,)),  # Humo
    ("1946", "1946", (16,)),  # GPN
    ("506", "507", (16, 18, 19)),  # Elo, Carnet, Verve
    ("509", "509", (16,)),  # Elo
    ("5041", "5041", (16,)),
    ("5022", "5022", (16,)),  # Carnet
    ("2869", "2869", (16,)),
    ("5895", "5896", (16,)),  # Naranja, Cabal
    ("5010", "5011", (16,)),  # Argencard
    ("6333", "6334", (16, 18, 19)),  # Switch, Solo
    ("564182", "564182", (16, 18, 19)),
    ("633110", "633110", (16, 18, 19)),
)

Rule = tuple[int, int, int, Lengths]
"""(number of digits of the prefix, its lowest value, its highest value, the lengths of the whole number)"""


def _by_start() -> tuple[tuple[Rule, ...], ...]:
    """The rules that can apply to a number, indexed by its first two digits."""
    return tuple(tuple(_rules_of(f"{start:02}")) for start in range(100))


def _rules_of(start: str) -> Iterator[Rule]:
    for low, high, lengths in _RANGES:
        if low[:2] <= start[: len(low)] and start[: len(high)] <= high[:2]:
            yield len(low), int(low), int(high), lengths


BY_START: Final = _by_start()
