"""sRGB colours, WCAG contrast, and legible colour tokens derived from a merchant's brand colour.

Each token is the brand colour mixed with black, white or a grey, just enough for the contrast (WCAG 2.2: 4.5 for text, 3 for
edges), found by bisection. Mixing all channels with the same value adds no chroma, and grey stays grey.
"""

import re
from dataclasses import dataclass
from typing import Final

Rgb = tuple[int, int, int]

BLACK: Final[Rgb] = (0, 0, 0)
WHITE: Final[Rgb] = (255, 255, 255)
DARK_INK: Final[Rgb] = (0x16, 0x16, 0x16)
DEFAULT_BRAND: Final[Rgb] = (0x28, 0x5C, 0xC2)
"""The colour of merchants without a brand colour."""
TEXT_CONTRAST: Final = 4.5
EDGE_CONTRAST: Final = 3.0
_HEX = re.compile(r"#[0-9a-f]{6}")


@dataclass(frozen=True, slots=True)
class Scheme:
    """The surfaces and text colours of our stylesheets with which a token must have enough contrast."""

    ground: Rgb
    """The grey into which the tint is mixed, as light as the page."""
    surfaces: tuple[Rgb, ...]
    """The card, the page, and an element under the pointer."""
    ink: Rgb
    quiet_ink: Rgb
    towards: Rgb
    """The colour that is mixed in to gain contrast."""
    tint: float
    """The share of the brand colour in the tint: so small that both inks are legible on it with any brand colour."""
    link: float
    """The contrast of links: higher on a dark background, where thin letters look thinner."""


LIGHT: Final = Scheme(
    WHITE, (WHITE, (0xF9, 0xFA, 0xFC), (0xF2, 0xF3, 0xF6)), (0x1A, 0x1F, 0x29), (0x55, 0x5B, 0x66), BLACK, 0.09, TEXT_CONTRAST
)
DARK: Final = Scheme(
    (0x13, 0x13, 0x13),
    ((0x18, 0x1C, 0x23), (0x0F, 0x13, 0x19), (0x22, 0x27, 0x2E)),
    (0xEB, 0xEF, 0xF4),
    (0xAC, 0xB1, 0xBB),
    WHITE,
    0.16,
    6.0,
)


@dataclass(frozen=True, slots=True)
class Tokens:
    accent: Rgb
    accent_hover: Rgb
    on_accent: Rgb
    edge: Rgb
    """The border of elements filled with the accent, visible on every surface."""
    link: Rgb
    tint: Rgb

    def css(self) -> str:
        names = ("accent", "accent-hover", "on-accent", "edge", "link", "tint")
        values = (self.accent, self.accent_hover, self.on_accent, self.edge, self.link, self.tint)
        return "".join(f"--{name}:{written(value)};" for name, value in zip(names, values, strict=True))


def stylesheet(colour: str | None) -> str:
    """The tokens of both schemes as CSS; without a valid colour, those of DEFAULT_BRAND."""
    brand = parsed(colour) or DEFAULT_BRAND
    return f":root{{{tokens(brand, LIGHT).css()}}}@media (prefers-color-scheme:dark){{:root{{{tokens(brand, DARK).css()}}}}}\n"


def tokens(brand: Rgb, scheme: Scheme) -> Tokens:
    tint = _mixed(scheme.ground, brand, scheme.tint)
    surfaces = (*scheme.surfaces, tint)
    accent, on_accent = filled(brand)
    return Tokens(
        accent=accent,
        accent_hover=_hover(accent, on_accent),
        on_accent=on_accent,
        edge=_legible(accent, scheme.towards, surfaces, EDGE_CONTRAST),
        link=_legible(brand, scheme.towards, surfaces, scheme.link),
        tint=tint,
    )


def filled(brand: Rgb) -> tuple[Rgb, Rgb]:
    """A fill and the text colour on it: white if a darker brand colour allows it, else dark ink on the unchanged brand colour."""
    if contrast(brand, WHITE) >= EDGE_CONTRAST:
        return _legible(brand, BLACK, (WHITE,), TEXT_CONTRAST), WHITE
    return brand, DARK_INK


def parsed(colour: str | None) -> Rgb | None:
    """Parse `#1f57c3`; None for any other text."""
    if not colour or not _HEX.fullmatch(colour):
        return None
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def written(colour: Rgb) -> str:
    """The colour as `#1f57c3`."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def contrast(one: Rgb, other: Rgb) -> float:
    """The WCAG contrast ratio, 1 to 21: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio"""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: Rgb) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (channel / 255 for channel in colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _mixed(colour: Rgb, towards: Rgb, share: float) -> Rgb:
    """Mix a share of 0 to 1 of the colour `towards` into `colour`, channel by channel."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(colour, towards, strict=True))
    return red, green, blue


def _legible(colour: Rgb, towards: Rgb, surfaces: tuple[Rgb, ...], ratio: float) -> Rgb:
    """Mix in the smallest share of `towards` that reaches the ratio on each surface."""

    def enough(share: float) -> bool:
        mixed = _mixed(colour, towards, share)
        return all(contrast(mixed, surface) >= ratio for surface in surfaces)

    if enough(0):
        return colour
    low, high = 0.0, 1.0
    for _ in range(12):
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return _mixed(colour, towards, high)


def _hover(accent: Rgb, on_accent: Rgb) -> Rgb:
    """The accent moved away from the text's colour, so that contrast increases; a near-black accent becomes slightly lighter."""
    if on_accent == WHITE:
        return _mixed(accent, BLACK, 0.15) if _luminance(accent) > 0.02 else _mixed(accent, WHITE, 0.18)
    return _mixed(accent, WHITE, 0.25)
