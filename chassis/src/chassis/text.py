"""What free text may hold: nothing that hides, and nothing that changes how the text around it reads.

Refused are controls, bidi embeddings, overrides and isolates, private-use characters, surrogates and noncharacters. Accepted are
ZWJ, ZWNJ, LRM and RLM, which scripts and emoji need.
"""

import re
from typing import Final
from unicodedata import bidirectional, category

_BIDI: Final = "\u202a-\u202e\u2066-\u2069"
_LAST_OF_PLANES: Final = "".join(chr(plane + place) for plane in range(0, 0x110000, 0x10000) for place in (0xFFFE, 0xFFFF))
_CONTROLS: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_MISLEADING: Final = re.compile(f"[{_BIDI}\ud800-\udfff\ue000-\uf8ff\ufdd0-\ufdef\U000f0000-\U0010ffff{_LAST_OF_PLANES}]")
_TURNING: Final = re.compile(f"[{_BIDI}]")
_BLANK: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0\ufffc\U0001d159")
"""Letters and symbols that show nothing: fillers, the empty Braille pattern, the object's place, the null note head."""
ISOLATE: Final = "\u2068"
END: Final = "\u2069"
"""A text between the two reads in its own direction, whatever stands around it (UAX #9, FSI and PDI)."""
_ISOLATED: Final = re.compile(f"{ISOLATE}([^{ISOLATE}{END}]*){END}")


def has_controls(text: str) -> bool:
    """Whether it holds control characters other than tab and line feed."""
    return _CONTROLS.search(text) is not None


def misleads(text: str) -> bool:
    """Whether it holds a character that is refused and no control."""
    return _MISLEADING.search(text) is not None


def is_visible(text: str) -> bool:
    """Whether anything of it can be seen: a letter, a digit, a sign or a symbol."""
    return any(c not in _BLANK and category(c)[0] in "LNPS" for c in text)


def readable(text: str) -> str:
    """The text without what is refused; empty when nothing of it can be seen."""
    kept = _MISLEADING.sub("", _CONTROLS.sub("", text)).strip()
    return kept if is_visible(kept) else ""


def unturned(text: str) -> str:
    """The text without the characters that turn what stands around it: older text may hold them."""
    return text if text.isascii() else _TURNING.sub("", text)


def isolated(text: str) -> str:
    """The text for use inside a left-to-right sentence: between `ISOLATE` and `END` where any of it reads from the right."""
    if text.isascii():
        return text
    straight = unturned(text)
    return f"{ISOLATE}{straight}{END}" if any(bidirectional(c) in ("R", "AL") for c in straight) else straight


def with_bdi(escaped: str) -> str:
    """A sentence in HTML, escaped already, with `<bdi>` around what was isolated."""
    return _ISOLATED.sub(r"<bdi>\1</bdi>", escaped) if ISOLATE in escaped else escaped
