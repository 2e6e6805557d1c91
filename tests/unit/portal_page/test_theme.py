import random

import pytest

from portal_gateway.adapters.page import theme
from portal_gateway.adapters.page.theme import BLACK, DARK, LIGHT, WHITE, Rgb, Scheme, contrast, tokens

SEED = random.Random(20230514)
COLOURS: list[Rgb] = [
    BLACK,
    WHITE,
    (0x80, 0x80, 0x80),
    *((SEED.randrange(256), SEED.randrange(256), SEED.randrange(256)) for _ in range(500)),
]


@pytest.mark.parametrize("scheme", [LIGHT, DARK])
def test_any_brand_stays_legible(scheme: Scheme) -> None:
    for brand in COLOURS:
        found = tokens(brand, scheme)
        surfaces = (*scheme.surfaces, found.tint)
        assert all(contrast(found.link, surface) >= theme.TEXT for surface in surfaces), brand
        assert all(contrast(found.edge, surface) >= theme.EDGE for surface in surfaces), brand
        assert contrast(found.on_accent, found.accent) >= theme.TEXT, brand
        assert contrast(found.on_accent, found.accent_hover) >= theme.TEXT, brand
        assert contrast(found.tint, scheme.ink) >= theme.TEXT, brand
        assert contrast(found.tint, scheme.quiet_ink) >= theme.TEXT, brand


def chroma(colour: Rgb) -> int:
    return max(colour) - min(colour)


def test_no_token_is_more_colourful_than_the_brand_and_grey_stays_grey() -> None:
    for brand in COLOURS:
        for scheme in (LIGHT, DARK):
            found = tokens(brand, scheme)
            assert all(
                chroma(token) <= chroma(brand) + 1 for token in (found.accent, found.accent_hover, found.edge, found.link)
            ), brand
    assert chroma(tokens((0x80, 0x80, 0x80), LIGHT).link) == 0


def test_a_dark_enough_brand_is_used_as_it_is() -> None:
    brand = (0x1F, 0x57, 0xC3)
    assert (tokens(brand, LIGHT).accent, tokens(brand, LIGHT).on_accent) == (brand, WHITE)


@pytest.mark.parametrize("colour", [None, "", "red", "#FFF", "#12345", "#1f57c3;}", "#1F57C3"])
def test_what_is_no_colour_gives_the_usual_one(colour: str | None) -> None:
    assert theme.stylesheet(colour) == theme.stylesheet(theme.USUAL)


def test_a_stylesheet_is_found_again_by_its_name_alone() -> None:
    name, css = theme.stylesheet("#1f57c3")
    assert theme.by_name(name) == css
    assert theme.by_name("1f57c3-000000000000.css") is None
    assert theme.by_name("../../etc/passwd") is None
