"""The characters that the bundled fonts can print. PDF/UA does not allow a character that prints as an empty box."""

from functools import cache
from pathlib import Path
from typing import Final
from unicodedata import category, normalize

from fontTools.ttLib import TTFont

FONTS: Final = Path(__file__).parent / "fonts"
MARK: Final = "\ufffd"
"""Replaces a character that no font has, so that no name is empty and every document can be made."""

_JOINERS: Final = frozenset("\u200c\u200d")
_SKIN_TONES: Final = frozenset(map(chr, range(0x1F3FB, 0x1F400)))
_VARIANTS: Final = frozenset(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
"""Variation selectors: they only select a shape of the previous character."""


def printable(text: str) -> str:
    """The text, with `MARK` for each character that no font has.

    Controls become spaces; characters that change the reading direction, and other invisible ones, are left out. A character and
    what is drawn onto it or joined to it need one font that has them all.
    """
    printed, joiner, sharing = "", "", _fonts()
    for c in normalize("NFC", text):
        kind = category(c)
        if c in _JOINERS:
            joiner = c
        elif kind == "Cc" or c.isspace():
            printed, joiner, sharing = printed + " ", "", _fonts()
        elif kind != "Cf":
            attached = kind.startswith("M") or c in _SKIN_TONES
            together = _having(c, sharing) if attached or joiner else ()
            if together:
                printed, sharing = printed + joiner + c, together
            elif c not in _VARIANTS:
                alone = () if attached else _having(c, _fonts())
                printed, sharing = printed + (c if alone else MARK), alone or _having(MARK, _fonts())
            joiner = ""
    return printed


Font = frozenset[int]
"""The code points that a font has."""


def _having(c: str, fonts: tuple[Font, ...]) -> tuple[Font, ...]:
    return tuple(font for font in fonts if ord(c) in font)


@cache
def _fonts() -> tuple[Font, ...]:
    return tuple(_characters(file) for file in sorted(FONTS.glob("*.?tf")))


def _characters(file: Path) -> Font:
    """Without private-use characters: they have no common meaning, and PDF/A does not allow them."""
    with TTFont(file, lazy=True) as font:
        return frozenset(code for code in font.getBestCmap() or () if category(chr(code)) != "Co")
