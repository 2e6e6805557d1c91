"""The portal and the card page have the same colours."""

import random
import re
from importlib.resources import files
from importlib.resources.abc import Traversable

import pytest

from portal_gateway.adapters.page import theme
from presentation.colours import BLACK, DARK, EDGE_CONTRAST, LIGHT, TEXT_CONTRAST, Rgb, Scheme, contrast, parsed, tokens, written
from support.payments.card_page import SETUP, CardPageFakes, setup_of
from support.property_tests import examples

SEED = random.Random(20230514)
BRANDS = ["#000000", "#ffffff", "#808080", "#ffd400", *(f"#{SEED.randrange(2**24):06x}" for _ in range(examples(500)))]
STYLESHEETS = (
    files("portal_gateway.adapters.page") / "static" / "portal.css",
    files("payments.adapters.card_page") / "files" / "card.css",
)


async def test_the_card_page_has_the_portals_colours_for_every_brand() -> None:
    around = CardPageFakes()
    async with around.browser() as browser:
        for brand in [None, *BRANDS]:
            around.setup = setup_of(colour=brand)
            assert (await browser.get(f"/cards/{SETUP}/theme.css")).text == theme.stylesheet(brand)[1], brand


@pytest.mark.parametrize("sheet", STYLESHEETS, ids=lambda sheet: sheet.name)
@pytest.mark.parametrize(("scheme", "place"), [(LIGHT, 0), (DARK, 1)], ids=["light", "dark"])
def test_contrast_is_computed_against_the_colours_that_are_on_the_page(sheet: Traversable, scheme: Scheme, place: int) -> None:
    css = sheet.read_text()
    used = {name: re.findall(rf"--{name}: (#[0-9a-f]{{6}});", css) for name in ("card", "page", "hover", "ink", "ink-2")}
    expected = (*scheme.surfaces, scheme.ink, scheme.quiet_ink)
    for name, colour in zip(used, expected, strict=True):
        assert [written(colour)] == used[name][place : place + 1] or not used[name], name


def static_colours(sheet: Traversable, place: int) -> dict[str, Rgb]:
    """The colours of portal.css: the light scheme's, or the dark scheme's where it differs."""
    palette: dict[str, list[str]] = {}
    for name, colour in re.findall(r"--([\w-]+): (#[0-9a-f]{6});", sheet.read_text().partition("@media print")[0]):
        palette.setdefault(name, []).append(colour)
    return {name: parsed(colours[place]) or BLACK for name, colours in palette.items() if len(colours) == 2}


@pytest.mark.parametrize("sheet", STYLESHEETS, ids=lambda sheet: sheet.name)
@pytest.mark.parametrize("place", [0, 1], ids=["light", "dark"])
def test_colours_that_no_brand_changes_are_legible(sheet: Traversable, place: int) -> None:
    own = static_colours(sheet, place)
    assert contrast(own["field"], own["card"]) >= EDGE_CONTRAST
    for tone in {"good", "warn", "bad"} & own.keys():
        assert contrast(own[tone], own[f"{tone}-bg"]) >= TEXT_CONTRAST, tone
        assert contrast(own["ink"], own[f"{tone}-bg"]) >= TEXT_CONTRAST, tone
    assert contrast(own["bad"], own["card"]) >= TEXT_CONTRAST, "an error beside its field"


def test_colours_that_no_brand_changes_are_the_same_in_the_card_frame() -> None:
    for place in (0, 1):
        around, inside = (static_colours(sheet, place) for sheet in STYLESHEETS)
        shared = around.keys() & inside.keys()
        assert {name: inside[name] for name in shared} == {name: around[name] for name in shared}


@pytest.mark.parametrize(("scheme", "place"), [(LIGHT, 0), (DARK, 1)], ids=["light", "dark"])
def test_for_every_brand_the_focus_is_visible_on_notices(scheme: Scheme, place: int) -> None:
    own = static_colours(STYLESHEETS[0], place)
    for brand in BRANDS:
        ring = tokens(parsed(brand) or BLACK, scheme).link
        assert all(contrast(ring, own[ground]) >= EDGE_CONTRAST for ground in ("good-bg", "warn-bg", "bad-bg")), brand


@pytest.mark.parametrize("colour", [None, "", "red", "#FFF", "#12345", "#1f57c3;}", "#1F57C3"])
def test_an_invalid_colour_gives_the_default_one(colour: str | None) -> None:
    assert theme.stylesheet(colour) == theme.stylesheet("#285cc2")


def test_a_stylesheet_is_found_by_its_name() -> None:
    name, css = theme.stylesheet("#1f57c3")
    assert theme.by_name(name) == css
    assert theme.by_name("1f57c3-000000000000.css") is None
    assert theme.by_name("../../etc/passwd") is None
