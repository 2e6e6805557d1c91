"""The card page by provider: this service's own fields unchanged, or the provider's fields, each under its own policy."""

import re
from pathlib import Path
from typing import Any, Final

import pytest
from fastapi.routing import iter_route_contexts
from httpx import Response

from payments.adapters.card_page import policies
from payments.adapters.card_page.words import language_of, provider_words, stripe_locale, words_for
from payments.application.card_setup import ProviderFields
from payments.settings import Settings
from support.payments.card_page import AMEX_NUMBER, CARDS, OWED, PORTAL, SETUP, VISA_NUMBER, CardPageFakes, setup_of
from support.payments.card_page import page_of as application
from support.settings import fields

EXPECTED = Path(__file__).parent / "card_page"
OURS = {"origin": CARDS, "sec-fetch-site": "same-origin"}
STRIPE = ProviderFields("seti_1_secret_2", "pk_test_1")
CANARY: Final = "4000056655665556"
"""A valid number that is no test number of the sandbox."""
OWN_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; "
    "frame-ancestors http://127.0.0.1:8080"
)
STRIPE_POLICY = (
    "default-src 'none'; script-src 'self' https://js.stripe.com https://*.js.stripe.com; "
    "frame-src https://js.stripe.com https://*.js.stripe.com https://hooks.stripe.com; "
    "connect-src 'self' https://api.stripe.com; img-src https://*.stripe.com; style-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors http://127.0.0.1:8080"
)


async def page_of(around: CardPageFakes) -> Response:
    async with around.browser() as browser:
        return await browser.get(f"/cards/{SETUP}")


@pytest.mark.parametrize(("language", "setup"), [("es", setup_of(due=OWED)), ("en", setup_of("en-US"))])
async def test_with_own_fields_the_page_and_its_policy_are_the_sandboxes_as_before(language: str, setup: object) -> None:
    numbers = frozenset({VISA_NUMBER, AMEX_NUMBER, "4000000000000002"})
    answer = await page_of(CardPageFakes(setup, numbers=numbers))  # type: ignore[arg-type]
    without_hashes = re.sub(r"\.[0-9a-f]{12}\.(css|js)", r".HASH.\1", answer.text)
    assert without_hashes == (EXPECTED / f"own_fields_{language}.html").read_text()
    assert answer.headers["content-security-policy"] == OWN_POLICY


@pytest.mark.parametrize("locale", ["es-419", "en-US"])
async def test_the_providers_page_has_no_field_and_its_own_policy(locale: str) -> None:
    answer = await page_of(CardPageFakes(setup_of(locale, OWED), fields=STRIPE))
    assert answer.status_code == 200
    assert answer.headers["content-security-policy"] == STRIPE_POLICY
    assert answer.headers["cache-control"] == "no-store"
    assert not re.search(r"<(input|select|textarea)| action=| style=|<script(?![^>]* src=)", answer.text)
    for name, value in {"key": "pk_test_1", "secret": "seti_1_secret_2", "script": policies.STRIPE_JS}.items():
        assert f'data-{name}="{value}"' in answer.text
    assert f'data-locale="{stripe_locale(language_of(locale))}"' in answer.text
    for sentence in (words_for(language_of(locale))["back"], provider_words(language_of(locale))["loading"]):
        assert sentence in answer.text
    assert "29.99 USD" in answer.text


async def test_the_policy_is_that_of_each_page_not_of_the_origin() -> None:
    around = CardPageFakes(fields=STRIPE)
    async with around.browser() as browser:
        for path in (f"/cards/{SETUP}/theme.css", f"/cards/{SETUP}/terms", "/cards/nonsense", f"/cards/{SETUP}/nonsense"):
            assert (await browser.get(path)).headers["content-security-policy"] == OWN_POLICY, path


async def test_scripts_of_another_address_get_its_origin_alone() -> None:
    policy = policies.stripe_policy(PORTAL, "http://127.0.0.1:9000/x/stripe.js")
    assert "stripe.com" not in policy
    assert policy.count("http://127.0.0.1:9000") == 4
    assert "/x" not in policy


@pytest.mark.parametrize(
    ("environment", "script", "accepted"),
    [
        ("production", policies.STRIPE_JS, True),
        ("production", "http://127.0.0.1:9000/stripe.js", False),
        ("production", "https://js.stripe.com/v3/stripe.js", False),
        ("production", "https://js.stripe.com.example/dahlia/stripe.js", False),
        ("staging", "http://127.0.0.1:9000/stripe.js", True),
    ],
)
def test_in_production_only_stripes_own_script_is_accepted(environment: str, script: str, accepted: bool) -> None:
    refused = ""
    try:
        Settings(**fields(environment=environment, stripe_js_url=script))  # type: ignore[arg-type]
    except ValueError as error:
        refused = str(error)
    assert ("stripe_js_url" not in refused) is accepted


BODIES: dict[str, Any] = {
    "JSON": {"json": {"number": CANARY, "exp": "12/25", "cvc": "987"}},
    "a form": {"data": {"number": CANARY}},
    "nonsense": {"content": CANARY.encode(), "headers": OURS | {"content-type": "application/json"}},
}


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("suffix", ["token", "token/answer", "", "terms", "theme.css"])
async def test_with_the_providers_fields_no_route_accepts_or_logs_a_card_number(
    body: str, suffix: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    around = CardPageFakes(fields=STRIPE)
    path = f"/cards/{SETUP}/{suffix}".rstrip("/")
    async with around.browser() as browser:
        answer = await browser.post(path, **{"headers": OURS, **BODIES[body]})
    assert answer.status_code in ((404,) if suffix.startswith("token") else (404, 405))
    assert not around.tokenised
    assert CANARY not in answer.text + caplog.text + "".join(capfd.readouterr())


def test_every_route_that_reads_a_body_is_known() -> None:
    """A new one is added to the test above, or accepts no card data."""
    routes = application(CardPageFakes(), None, None, CARDS, PORTAL).routes
    assert {each.path_format for each in iter_route_contexts(routes) if "POST" in (each.methods or ())} == {
        "/cards/{setup_id}/token",
        "/cards/{setup_id}/token/answer",
        "/cards/{setup_id}/confirm/{charge_id}",
    }


async def test_while_the_provider_does_not_answer_the_page_says_so_and_no_card_is_accepted() -> None:
    around = CardPageFakes(fields=None)
    async with around.browser() as browser:
        page = await browser.get(f"/cards/{SETUP}")
        card = {"number": VISA_NUMBER, "exp": "12/25", "cvc": "123"}
        answer = await browser.post(f"/cards/{SETUP}/token", json=card, headers=OURS)
    assert (page.status_code, answer.status_code, answer.json()["code"]) == (503, 503, "service_unavailable")
    assert 'data-code="away"' in page.text
    assert not around.tokenised


@pytest.mark.parametrize(("locale", "expected"), [("es", "es-419"), ("es-MX", "es-419"), ("es-ES", "es-ES"), ("en-GB", "en")])
def test_stripes_fields_have_the_pages_language(locale: str, expected: str) -> None:
    assert stripe_locale(language_of(locale)) == expected
