"""The language of page and API, and the merchant's region for amounts and days."""

from typing import Any

import pytest

from support.portal_page import scenes
from support.portal_page.fakes import COOKIE, Stage

SPANISH = ("es-419", "29.99 USD al mes", "14 de junio de 2023")
ENGLISH = ("en-US", "29.99 USD per month", "June 14, 2023")
WISHES: dict[str, tuple[dict[str, str], tuple[str, str, str]]] = {
    "nobody's": ({"merchant": "fr-FR"}, SPANISH),
    "the company's": ({"merchant": "en-GB"}, ("en-GB", "29.99 USD per month", "14 June 2023")),
    "a Mexican browser's before the company's": ({"accept": "es-MX", "merchant": "en-GB"}, SPANISH),
    "a Colombian browser's": ({"accept": "es-CO", "merchant": "en-GB"}, SPANISH),
    "a browser's from Spain": ({"accept": "es-ES,es;q=0.9", "merchant": "en-GB"}, SPANISH),
    "the customer's before the browser's": ({"customer": "en-US", "accept": "es"}, ENGLISH),
    "the link's before the customer's": ({"link": "es", "customer": "en-US"}, SPANISH),
    "the cookie's before the link's": ({"cookie": "en", "link": "es"}, ENGLISH),
    "the address's before all": ({"query": "es", "cookie": "en"}, SPANISH),
    "of a Colombian company": ({"merchant": "es-CO"}, ("es-CO", "29,99 USD al mes", "14 de junio de 2023")),
    "of a Spanish company in Mexico": (
        {"accept": "es-MX", "merchant": "es-ES"},
        ("es-ES", "29,99 USD al mes", "14 de junio de 2023"),
    ),
}


@pytest.mark.parametrize("whose", WISHES)
async def test_the_first_supported_language_is_chosen(whose: str) -> None:
    wishes, (tag, price, day) = WISHES[whose]
    customer: Any = {**scenes.facts()["customer"], "locale": wishes.get("customer")}
    merchant = scenes.merchant(locale=wishes.get("merchant", "es-419"))
    stage = Stage(scenes.view(customer=customer, merchant=merchant), scenes.session(locale=wishes.get("link")))
    cookie = f"; lang={wishes['cookie']}" if "cookie" in wishes else ""
    headers = {"accept-language": wishes.get("accept", "fr"), "cookie": f"__Host-portal={COOKIE}{cookie}"}
    parameters = {"lang": wishes["query"]} if "query" in wishes else {}
    async with stage.browser() as browser:
        page = (await browser.get("/", params=parameters, headers=headers)).text
        (subscription,) = (await browser.get("/api/overview", params=parameters, headers=headers)).json()["subscriptions"]
    assert f'<html lang="{tag}">' in page
    assert f'<span class="whole">{price.partition(" USD")[0]} USD</span>{price.partition("USD")[2]}' in page
    assert f'<span class="whole">{day}</span>' in page
    assert subscription["frequency_text"] == price
    assert day in subscription["renewal_text"]
