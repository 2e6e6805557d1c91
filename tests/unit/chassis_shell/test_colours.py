"""Colours of brands: contrast and legibility."""

import random

import pytest

from presentation.colours import BLACK, DARK, LIGHT, WHITE, Rgb, Scheme, Tokens, contrast, filled, parsed, tokens, written

TEXT, EDGE = 4.5, 3
"""Required by WCAG 2.2 AA."""
SEED = random.Random(20230514)
GREY, YELLOW = (0x80, 0x80, 0x80), (0xFF, 0xD4, 0x00)
COLOURS: list[Rgb] = [
    BLACK,
    WHITE,
    GREY,
    YELLOW,
    *((SEED.randrange(256), SEED.randrange(256), SEED.randrange(256)) for _ in range(500)),
]


def test_contrast_follows_wcag() -> None:
    assert contrast(BLACK, WHITE) == contrast(WHITE, BLACK) == pytest.approx(21)
    assert contrast(GREY, GREY) == 1
    assert contrast((0x76, 0x76, 0x76), WHITE) == pytest.approx(4.54, abs=0.005), "the lightest grey that is text on white"


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_any_brand_stays_legible(scheme: Scheme) -> None:
    for brand in COLOURS:
        colours = tokens(brand, scheme)
        surfaces = (*scheme.surfaces, colours.tint)
        assert all(contrast(colours.link, surface) >= TEXT for surface in surfaces), brand
        assert all(contrast(colours.edge, surface) >= EDGE for surface in surfaces), brand
        assert contrast(colours.on_accent, colours.accent) >= TEXT, brand
        assert contrast(colours.on_accent, colours.accent_hover) >= TEXT, brand
        assert contrast(colours.tint, scheme.ink) >= TEXT, brand
        assert contrast(colours.tint, scheme.quiet_ink) >= TEXT, brand


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_no_token_is_more_colourful_than_its_brand_and_grey_stays_grey(scheme: Scheme) -> None:
    for brand in COLOURS:
        assert max(chroma(token) for token in all_of(tokens(brand, scheme))) <= chroma(brand) + 1, brand
    for grey in (BLACK, GREY, WHITE):
        assert [chroma(token) for token in all_of(tokens(grey, scheme))] == [0] * 6


def chroma(colour: Rgb) -> int:
    """Of 255. A step of rounding may add one."""
    return max(colour) - min(colour)


def all_of(colours: Tokens) -> tuple[Rgb, ...]:
    return colours.accent, colours.accent_hover, colours.on_accent, colours.edge, colours.link, colours.tint


def test_a_brand_that_carries_white_text_is_used_as_it_is() -> None:
    assert filled((0x1F, 0x57, 0xC3)) == ((0x1F, 0x57, 0xC3), WHITE)


def test_no_brand_is_moved_further_than_needed() -> None:
    for brand in COLOURS:
        accent, on_accent = filled(brand)
        assert accent == brand or contrast(accent, on_accent) < TEXT + 0.2


@pytest.mark.parametrize("colour", [None, "", "red", "#FFF", "#12345", "#1f57c3;}", "#1F57C3", "#1f57c3\n"])
def test_invalid_colours_are_rejected(colour: str | None) -> None:
    assert parsed(colour) is None


def test_a_colour_is_written_as_it_was_read() -> None:
    assert [parsed(written(colour)) for colour in COLOURS] == COLOURS
