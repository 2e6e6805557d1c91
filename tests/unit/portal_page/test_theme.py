"""The portal and the card page inside it look like one."""

import random
import re
from importlib.resources import files
from importlib.resources.abc import Traversable

import pytest
from unit.payments.card_page_examples import SETUP, Around, setup_of

from chassis.colours import DARK, LIGHT, Scheme, written
from portal_gateway.adapters.page import theme

SEED = random.Random(20230514)
BRANDS = ["#000000", "#ffffff", "#808080", "#ffd400", *(f"#{SEED.randrange(2**24):06x}" for _ in range(500))]
STYLESHEETS = (
    files("portal_gateway.adapters.page") / "static" / "portal.css",
    files("payments.adapters.card_page") / "files" / "card.css",
)


async def test_the_card_page_has_the_portals_colours_for_every_brand() -> None:
    around = Around()
    async with around.browser() as browser:
        for brand in [None, *BRANDS]:
            around.setup = setup_of(colour=brand)
            assert (await browser.get(f"/cards/{SETUP}/theme.css")).text == theme.stylesheet(brand)[1], brand


@pytest.mark.parametrize("sheet", STYLESHEETS, ids=lambda sheet: sheet.name)
@pytest.mark.parametrize(("scheme", "place"), [(LIGHT, 0), (DARK, 1)], ids=["light", "dark"])
def test_contrast_is_computed_against_the_colours_that_are_on_the_page(sheet: Traversable, scheme: Scheme, place: int) -> None:
    css = sheet.read_text()
    used = {name: re.findall(rf"--{name}: (#[0-9a-f]{{6}});", css) for name in ("card", "page", "hover", "ink", "ink-2")}
    wanted = (*scheme.surfaces, scheme.ink, scheme.quiet_ink)
    for name, colour in zip(used, wanted, strict=True):
        assert [written(colour)] == used[name][place : place + 1] or not used[name], name


@pytest.mark.parametrize("colour", [None, "", "red", "#FFF", "#12345", "#1f57c3;}", "#1F57C3"])
def test_what_is_no_colour_gives_the_usual_one(colour: str | None) -> None:
    assert theme.stylesheet(colour) == theme.stylesheet("#285cc2")


def test_a_stylesheet_is_found_again_by_its_name_alone() -> None:
    name, css = theme.stylesheet("#1f57c3")
    assert theme.by_name(name) == css
    assert theme.by_name("1f57c3-000000000000.css") is None
    assert theme.by_name("../../etc/passwd") is None
