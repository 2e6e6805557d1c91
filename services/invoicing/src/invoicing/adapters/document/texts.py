"""Typed text as documents print it. It is data, never markup."""

from typing import Any, Final
from unicodedata import bidirectional

from invoicing.adapters.document.glyphs import MARK, printable

NEUTRAL: Final = (0x3C, 0x44, 0x54)
"""The colour for a merchant without one."""
_ISOLATE, _END = "\u2068", "\u2069"
"""Unicode isolates: the text between them keeps its own reading direction."""


def party(name: str, address: str | None = None, email: str | None = None, tax_id: str | None = None) -> dict[str, Any]:
    rest = [*(address or "").splitlines(), *(part for part in (tax_id, email) if part)]
    return {"name": typed(name) or MARK, "rest": [typed(part) for part in rest if part.strip()]}


def typed(text: str) -> str:
    """Typed text as it can be printed, isolated from the reading direction of its surroundings."""
    shown = printable(text)
    return f"{_ISOLATE}{shown}{_END}" if any(bidirectional(c) in ("R", "AL") for c in shown) else shown


def initials(brand: str) -> str:
    """The letter in place of a logo: `T` for TechSolutions Inc."""
    first = next((c for c in printable(brand) if c.isalnum()), "•")
    return first.upper()[:1]
