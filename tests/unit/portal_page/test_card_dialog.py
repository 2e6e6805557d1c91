"""The card dialog names the card that a new one replaces, and for what the new one is used."""

import re
from html import unescape
from typing import Any

import pytest

from portal_gateway.application.view import View
from support.portal_page import scenes
from support.portal_page.fakes import Stage

SECOND = scenes.subscription(id=scenes.invoice_id(99), plan=scenes.plan(name="Respaldo"))


@pytest.mark.parametrize(
    ("view", "code", "current", "several"),
    [
        (scenes.view(), "es", "Tarjeta actual: Visa •••• 4242", None),
        (scenes.view(), "en", "Current card: Visa •••• 4242", None),
        (scenes.view(payment_method=None), "es", None, None),
        (
            scenes.view(scenes.subscription(), SECOND),
            "es",
            "Tarjeta actual: Visa •••• 4242",
            "Usaremos esta tarjeta en todas tus suscripciones.",
        ),
    ],
    ids=["spanish", "english", "no card", "two subscriptions"],
)
async def test_the_dialog_names_the_current_card_and_several_subscriptions(
    view: View, code: str, current: Any, several: Any
) -> None:
    async with Stage(view).browser() as browser:
        html = unescape((await browser.get(f"/payment-method?lang={code}")).text)
    head = html[html.index('<h1 id="sheet-title"') : html.index("data-due")]
    paragraphs = [re.sub("<[^>]+>", "", paragraph) for paragraph in re.findall(r"<p[^>]*>(.*?)</p>", head)]
    assert [line for line in paragraphs if line in (current, several)] == [line for line in (current, several) if line]
    assert ("•••• 4242" in head) == (current is not None)
    assert ("todas tus suscripciones" in head) == (several is not None)
