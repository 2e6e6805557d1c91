"""A card's expiry on the page."""

from datetime import UTC, datetime

import pytest

from portal_gateway.adapters.api.representations import overview
from portal_gateway.application.presentation.common import Reader
from portal_gateway.application.presentation.language import catalogues
from portal_gateway.application.presentation.payment_method import method
from support.expiries import CASES, Case
from support.portal_page import scenes

WORDS = {
    "es": {"valid": ("Vence", None), "expiring": ("Vence", "Vence pronto"), "expired": ("Venció", "Vencida")},
    "en": {"valid": ("Expires", None), "expiring": ("Expires", "Expires soon"), "expired": ("Expired", "Expired")},
}


@pytest.mark.parametrize("code", WORDS)
@pytest.mark.parametrize("case", CASES)
def test_a_cards_expiry_matches_that_of_a_charge(case: Case, code: str) -> None:
    card = {**scenes.facts()["payment_method"], "exp_month": case.month, "exp_year": case.year}  # type: ignore[dict-item]
    view = scenes.view(payment_method=card, merchant=scenes.merchant(time_zone=case.zone), now=case.at)
    reader = Reader.of(view, catalogues().language(code))
    shown, (verb, badge) = method(reader, view), WORDS[code][case.state]
    assert (shown.expiry, shown.badge and shown.badge.text) == (f"{verb} {case.month:02}/{case.year}", badge)
    assert overview(view, reader.language, None)["payment_method"]["state"] == case.state


def test_a_cards_month_ends_in_the_merchants_zone_not_the_subscriptions() -> None:
    card = {**scenes.facts()["payment_method"], "exp_month": 1, "exp_year": 2024}  # type: ignore[dict-item]
    began_in_auckland = scenes.subscription(time_zone="Pacific/Auckland")
    merchant = scenes.merchant(time_zone="America/Los_Angeles")
    view = scenes.view(began_in_auckland, payment_method=card, merchant=merchant, now=datetime(2024, 2, 1, 7, 30, tzinfo=UTC))
    assert method(Reader.of(view, catalogues().language("en")), view).expiry == "Expires 01/2024"
