"""A merchant's colours under addresses that contain the hash of their content, so that browsers can cache them forever."""

from functools import lru_cache
from hashlib import sha256

from presentation import colours


@lru_cache(maxsize=1000)
def stylesheet(colour: str | None) -> tuple[str, str]:
    """(name under /theme/, CSS); an invalid colour gives the default one."""
    css = colours.stylesheet(colour)
    brand = colours.parsed(colour) or colours.DEFAULT_BRAND
    return f"{colours.written(brand)[1:]}-{sha256(css.encode()).hexdigest()[:12]}.css", css


def by_name(name: str) -> str | None:
    """The stylesheet of that name. Any process can compute it from the name, so none stores it."""
    own_name, css = stylesheet(f"#{name[:6]}")
    return css if own_name == name else None
