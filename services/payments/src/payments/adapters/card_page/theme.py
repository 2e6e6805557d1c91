"""The merchant's colour on the card page's one coloured button."""

import re
from typing import Final

LIGHT: Final = "#ffffff"
DARK: Final = "#181c23"
"""The grounds of card.css."""


def stylesheet(colour: str | None) -> str:
    """CSS that overrides the accent; empty without a colour, or for what is none."""
    if colour is None or not re.fullmatch(r"#[0-9a-f]{6}", colour):
        return ""
    text = "#ffffff" if contrast(colour, "#ffffff") >= contrast(colour, "#000000") else "#000000"
    button = f"--accent: {colour}; --accent-hover: {mixed(colour, text)}; --on-accent: {text};"
    return (
        f":root {{ {button} --edge: {edge(colour, LIGHT)}; }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ --edge: {edge(colour, DARK)}; }} }}\n"
    )


def edge(colour: str, ground: str) -> str:
    """The colour, or what is seen against a ground too like it."""
    if contrast(colour, ground) >= 3:
        return colour
    return "#5b6270" if ground == LIGHT else "#9aa0ab"


def contrast(one: str, other: str) -> float:
    """WCAG's ratio, from 1 to 21. One of black and white always reaches 4.5 against any colour."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    red, green, blue = (linear(int(colour[i : i + 2], 16) / 255) for i in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)


def mixed(colour: str, text: str) -> str:
    """The colour a step away from its text, so that the text stays as readable on it."""
    away = 0 if text == "#ffffff" else 255
    channels = (round(int(colour[i : i + 2], 16) * 0.88 + away * 0.12) for i in (1, 3, 5))
    return "#" + "".join(f"{channel:02x}" for channel in channels)
