"""The second merchant of the demo."""

from colorsys import rgb_to_hsv

from portalctl.demo.story import MERCHANTS
from presentation.colours import WHITE, Rgb, contrast, parsed


def hue(colour: Rgb) -> float:
    """Degrees."""
    return 360 * rgb_to_hsv(*(channel / 255 for channel in colour))[0]


def test_the_two_merchants_are_distinguishable() -> None:
    first, second = MERCHANTS
    own, others = (parsed(each.configuration["branding"]["colour"]) for each in (second, first))
    assert own
    assert others
    assert contrast(own, WHITE) > 10, "a dark brand"
    assert 90 < abs(hue(own) - hue(others)) < 270
    assert len(second.configuration["name"]) > 40
    assert first.logo
    assert first.images
    assert not second.logo
    assert not second.images
    currencies = [{plan["price"]["currency"] for plan in each.plans.values()} for each in MERCHANTS]
    assert currencies == [{"USD"}, {"ARS"}]
