"""Rules for free text: no invisible text, and no characters that change how the surrounding text is displayed.

Refused: control characters, bidi embeddings, overrides and isolates, private-use characters, surrogates, noncharacters.
Accepted: ZWJ, ZWNJ, LRM and RLM, which scripts and emoji need.
"""

import re
from typing import Final
from unicodedata import bidirectional, category

_BIDI: Final = "\u202a-\u202e\u2066-\u2069"
_LAST_OF_PLANES: Final = "".join(chr(plane + offset) for plane in range(0, 0x110000, 0x10000) for offset in (0xFFFE, 0xFFFF))
_CONTROLS: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_MISLEADING: Final = re.compile(f"[{_BIDI}\ud800-\udfff\ue000-\uf8ff\ufdd0-\ufdef\U000f0000-\U0010ffff{_LAST_OF_PLANES}]")
_BIDI_CONTROLS: Final = re.compile(f"[{_BIDI}]")
_BLANK: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0\ufffc\U0001d159")
"""Letters and symbols without a visible glyph: fillers, the blank Braille pattern, the object replacement, the null notehead."""
ISOLATE: Final = "\u2068"
END: Final = "\u2069"
"""Text between ISOLATE and END has its own direction, independent of the surrounding text (UAX #9, FSI and PDI)."""
_ISOLATED: Final = re.compile(f"{ISOLATE}([^{ISOLATE}{END}]*){END}")


def has_controls(text: str) -> bool:
    """Whether the text contains control characters other than tab and line feed."""
    return _CONTROLS.search(text) is not None


def misleads(text: str) -> bool:
    """Whether the text contains a refused character that is not a control character."""
    return _MISLEADING.search(text) is not None


def is_visible(text: str) -> bool:
    """Whether the text has a visible character: a letter, number, punctuation mark or symbol."""
    return any(c not in _BLANK and category(c)[0] in "LNPS" for c in text)


def readable(text: str) -> str:
    """The text without refused characters; empty if nothing visible remains."""
    cleaned = _MISLEADING.sub("", _CONTROLS.sub("", text)).strip()
    return cleaned if is_visible(cleaned) else ""


def without_bidi_controls(text: str) -> str:
    """The text without bidi controls, which stored older text may contain."""
    return text if text.isascii() else _BIDI_CONTROLS.sub("", text)


def isolated(text: str) -> str:
    """The text for use in a left-to-right sentence: between `ISOLATE` and `END` if it has right-to-left characters."""
    if text.isascii():
        return text
    cleaned = without_bidi_controls(text)
    return f"{ISOLATE}{cleaned}{END}" if any(bidirectional(c) in ("R", "AL") for c in cleaned) else cleaned


def with_bdi(escaped: str) -> str:
    """An escaped HTML sentence with `<bdi>` around each isolated text."""
    return _ISOLATED.sub(r"<bdi>\1</bdi>", escaped) if ISOLATE in escaped else escaped
