"""The next charge in the summary: amount, day and card, as the facts allow."""

from typing import Any

import pytest

from portal_gateway.application.presentation.common import Reader
from portal_gateway.application.presentation.language import catalogues
from portal_gateway.application.presentation.summary import Summary, summary
from portal_gateway.application.view import View
from support.portal_page import scenes
from support.portal_page.fakes import Stage

CARD: dict[str, Any] = dict(scenes.facts()["payment_method"] or {})
NEW_CARD = {"brand": "mastercard", "last4": "4444", "exp_month": 1, "exp_year": 2030}
TAX = {"name": "IVA", "rate_basis_points": 1600, "inclusive": False}
ACCEPTED = {"kind": "payment_method", "aggregate": "wallet", "version": 2, "accepted_at": "", "detail": NEW_CARD}


def shown(view: View, code: str) -> Summary:
    return summary(Reader.of(view, catalogues().language(code)), view.facts["subscriptions"][0], view)


@pytest.mark.parametrize(
    ("view", "spanish", "english"),
    [
        (
            scenes.view(payment_method=None),
            "Próximo cobro: 14 de junio de 2023",
            "Next charge: June 14, 2023",
        ),
        (
            scenes.view(payment_method={**CARD, "exp_month": 4, "exp_year": 2023}),
            "Próximo cobro: 14 de junio de 2023",
            "Next charge: June 14, 2023",
        ),
        (
            scenes.view(pending=(ACCEPTED,)),
            "Próximo cobro: 14 de junio de 2023 con Mastercard •••• 4444",
            "Next charge: June 14, 2023 with Mastercard •••• 4444",
        ),
        (
            scenes.view(scenes.subscription(plan=scenes.plan(tax=TAX))),
            "Próximo cobro: 34.79 USD el 14 de junio de 2023 con Visa •••• 4242",
            "Next charge: 34.79 USD on June 14, 2023 with Visa •••• 4242",
        ),
        (
            scenes.view(scenes.subscription("trialing"), payment_method=None),
            "Próximo cobro: 29.99 USD el 14 de junio de 2023",
            "Next charge: 29.99 USD on June 14, 2023",
        ),
        (
            scenes.view(merchant_behind=True),
            "Próximo cobro: 14 de junio de 2023 con Visa •••• 4242",
            "Next charge: June 14, 2023 with Visa •••• 4242",
        ),
    ],
    ids=["no card", "expired card", "accepted card", "another amount", "trial without card", "unknown tax"],
)
def test_the_next_charge_is_one_sentence(view: View, spanish: str, english: str) -> None:
    assert [shown(view, code).next for code in ("es", "en")] == [spanish, english]


def test_a_charge_whose_day_has_come_is_not_announced() -> None:
    view = scenes.view(now=scenes.NOW.replace(month=7))
    assert shown(view, "es").next is None


@pytest.mark.parametrize(
    ("view", "figure", "owed"),
    [
        (scenes.view(), True, False),
        (scenes.owing(), True, True),
        (scenes.owing("incomplete"), True, False),
        (scenes.view(scenes.subscription("canceled", ended_at=scenes.instant(2023, 5, 14))), False, False),
        (scenes.view(scenes.subscription("canceled", ended_at=scenes.instant(2023, 5, 19), debt=scenes.debt())), True, True),
    ],
    ids=["active", "owing", "first payment", "ended", "ended and owing"],
)
async def test_an_ended_subscription_has_no_figure_unless_it_owes(view: View, figure: bool, owed: bool) -> None:
    async with Stage(view).browser() as browser:
        html = (await browser.get("/")).text
    pane = html[html.index('id="pane-summary"') : html.index('class="order beside"')]
    assert ("<b " in pane, 'class="total owed"' in pane) == (figure, owed)
    assert '<h2 id="summary-title" tabindex="-1">' in pane
