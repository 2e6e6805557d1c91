"""A merchant's colours under addresses that name their content, so that browsers may keep them for ever."""

from functools import lru_cache
from hashlib import sha256

from presentation import colours


@lru_cache(maxsize=1000)
def stylesheet(colour: str | None) -> tuple[str, str]:
    """(its name under /theme/, its text); what is no colour gives the usual one."""
    css = colours.stylesheet(colour)
    brand = colours.parsed(colour) or colours.DEFAULT_BRAND
    return f"{colours.written(brand)[1:]}-{sha256(css.encode()).hexdigest()[:12]}.css", css


def by_name(name: str) -> str | None:
    """The stylesheet under that name: every process can make it again, so none keeps it."""
    own_name, css = stylesheet(f"#{name[:6]}")
    return css if own_name == name else None
