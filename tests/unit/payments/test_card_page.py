import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from payments.adapters.card_page import files, policies
from payments.adapters.card_page.words import confirm_text, language_of, too_many_declines, words_for
from payments.domain.shapes import Money
from support.expiries import CASES, Case
from support.payments.card_page import AMEX_NUMBER, CARDS, OWED, PORTAL, SETUP, VISA_NUMBER, CardPageFakes, setup_of

SPANISH = words_for(language_of("es"))
GOOD = {"number": VISA_NUMBER, "exp": "12/25", "cvc": "123"}
OURS = {"origin": CARDS, "sec-fetch-site": "same-origin"}
PATH = f"/cards/{SETUP}/token"


async def test_the_page_has_fields_without_names_and_a_form_without_an_action() -> None:
    async with CardPageFakes().browser() as browser:
        page = (await browser.get(f"/cards/{SETUP}")).text
    assert len(re.findall("<input", page)) == 3
    assert not re.search(r"<input[^>]* name=|<form[^>]* action=|<form[^>]* method=|style=|<script(?![^>]* src=)", page)
    assert "<fieldset disabled>" in page
    assert SPANISH["test_numbers_only"] in page
    assert SPANISH["sandbox"] in page
    assert "TechSolutions Inc. no los ve" in page


async def test_a_merchants_name_changes_nothing_around_it() -> None:
    async with CardPageFakes(merchant_name="\u202eחברה <b>").browser() as browser:
        page = (await browser.get(f"/cards/{SETUP}")).text
    assert "<bdi>חברה &lt;b&gt;</bdi> no los ve" in page
    assert "\u202e" not in page


async def test_only_the_portal_may_frame_it_and_nothing_of_it_is_kept() -> None:
    async with CardPageFakes().browser() as browser:
        headers = (await browser.get(f"/cards/{SETUP}")).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert policy.endswith(f"frame-ancestors {PORTAL}")
    assert "form-action 'none'" in policy
    assert "unsafe" not in policy
    assert (headers["cache-control"], headers["referrer-policy"]) == ("no-store", "no-referrer")
    assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["x-content-type-options"] == "nosniff"
    assert "camera=(), " in headers["permissions-policy"]
    assert "cross-origin-embedder-policy" not in headers


def test_over_https_browsers_are_directed_to_stay_on_https() -> None:
    on_a_laptop, in_production = (
        policies.headers(CARDS, PORTAL),
        policies.headers("https://cards.example", "https://portal.example"),
    )
    assert "strict-transport-security" not in on_a_laptop
    assert in_production["strict-transport-security"] == "max-age=31536000; includeSubDomains"


def test_every_script_stands_in_the_inventory_with_its_reason() -> None:
    listed = re.findall(r"^\| `(.*?)` \| ..", (files.FOLDER / "README.md").read_text(), re.MULTILINE)
    assert listed == sorted(path.name for path in files.FOLDER.glob("*.js"))


async def test_the_scripts_keep_nothing_and_are_kept_by_browsers_for_ever() -> None:
    for script in Path(files.FOLDER).glob("*.js"):
        assert not re.search("localStorage|sessionStorage|indexedDB|document.cookie|innerHTML", script.read_text())
    async with CardPageFakes().browser() as browser:
        page = (await browser.get(f"/cards/{SETUP}")).text
        for path in re.findall('"(/cards/files/[^"]+)"', page):
            assert "immutable" in (await browser.get(path)).headers["cache-control"]
        assert (await browser.get("/cards/files/card.html")).status_code == 404


async def test_scripts_and_styles_are_compressed_for_browsers_that_accept_gzip() -> None:
    async with CardPageFakes().browser() as browser:
        loaded = re.findall('"(/cards/files/[^"]+)"', (await browser.get(f"/cards/{SETUP}")).text)
        assert loaded
        for path in loaded:
            plain = await browser.get(path, headers={"accept-encoding": "identity"})
            packed = await browser.get(path, headers={"accept-encoding": "gzip"})
            assert plain.content == packed.content
            assert [answer.headers.get("content-encoding") for answer in (plain, packed)] == [None, "gzip"]
            assert {answer.headers["vary"] for answer in (plain, packed)} == {"Accept-Encoding"}
            assert int(packed.headers["content-length"]) < int(plain.headers["content-length"])
            assert plain.headers["content-type"] == packed.headers["content-type"]


async def test_the_button_says_what_will_be_paid() -> None:
    async with CardPageFakes(setup_of(due=OWED)).browser() as browser:
        spanish = confirm_text(language_of("es"), [due.amount for due in OWED])
        assert "29.99 USD" in spanish
        assert spanish in (await browser.get(f"/cards/{SETUP}")).text
        assert (await browser.get(f"/cards/{SETUP}/terms")).json() == {"confirm": spanish}
    async with CardPageFakes(setup_of("en-US", OWED)).browser() as browser:
        english = confirm_text(language_of("en"), [due.amount for due in OWED])
        assert english in (await browser.get(f"/cards/{SETUP}")).text


def test_amounts_are_written_as_the_locale_does() -> None:
    assert confirm_text(language_of("es"), []) == "Guardar tarjeta"
    assert confirm_text(language_of("es-419"), [Money(123450, "JPY")]) == "Pagar 123,450 JPY"
    assert confirm_text(language_of("es-ES"), [Money(1234500, "KWD")]) == "Pagar 1.234,500 KWD"
    assert confirm_text(language_of("xx"), [Money(123450, "USD")]) == "Pagar 1,234.50 USD"
    several = [Money(100, "USD"), Money(200, "EUR"), Money(100, "USD")]
    assert confirm_text(language_of("en"), several) == "Pay 2.00 USD + 2.00 EUR"


async def test_a_typed_card_becomes_a_token() -> None:
    around = CardPageFakes()
    async with around.browser() as browser:
        answer = await browser.post(PATH, json=GOOD, headers=OURS)
    assert answer.status_code == 201
    assert answer.json() == {"token": "tok_1", "brand": "visa", "last4": "4242", "exp": "12/2025"}


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"number": "4242424242424241"}, "/number", "number_wrong"),
        ({"number": "4111111111111111"}, "/number", "test_numbers_only"),
        ({"exp": "04/23"}, "/exp", "exp_past"),
        ({"number": AMEX_NUMBER}, "/cvc", "cvc_length_amex"),
    ],
)
async def test_a_mistake_is_said_in_the_words_that_the_browser_uses(change: dict[str, str], pointer: str, code: str) -> None:
    around = CardPageFakes()
    async with around.browser() as browser:
        answer = await browser.post(PATH, json=GOOD | change, headers=OURS)
        page = (await browser.get(f"/cards/{SETUP}")).text
    assert answer.status_code == 422
    assert not around.tokenised
    assert [(error["pointer"], error["detail"]) for error in answer.json()["errors"]] == [(pointer, SPANISH[code])]
    assert SPANISH[code] in page


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b'{"number": "4000056655665556", "number": "1", "exp": "1", "cvc": "1"}', 400),
        (b'{"number": 4000056655665556, "exp": "12/25", "cvc": "123"}', 422),
        (b'{"number": "4000056655665556", "exp": "12/25", "cvc": "123", "name": "Ana"}', 422),
        (b'{"number": "' + b"4000056655665556" * 10 + b'", "exp": "12/25", "cvc": "123"}', 422),
        (b'{"number": "' + b"4000056655665556" * 200 + b'"}', 413),
        (b"[" * 2000, 400),
    ],
)
async def test_an_invalid_submission_is_not_echoed(body: bytes, status: int, caplog: pytest.LogCaptureFixture) -> None:
    async with CardPageFakes().browser() as browser:
        answer = await browser.post(PATH, content=body, headers=OURS | {"content-type": "application/json"})
    assert answer.status_code == status
    assert "4000056655665556" not in answer.text + caplog.text


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"origin": PORTAL},
        {"origin": "null"},
        {"origin": "http://["},
        {"origin": CARDS + "/x"},
        {},
    ],
)
async def test_only_the_page_itself_can_send_a_card(headers: dict[str, str]) -> None:
    around = CardPageFakes()
    async with around.browser() as browser:
        answer = await browser.post(PATH, json=GOOD, headers=headers)
    assert answer.status_code == 403
    assert not around.tokenised


async def test_a_browser_that_sends_only_its_origin_can_send_a_card() -> None:
    around = CardPageFakes()
    async with around.browser() as browser:
        assert (await browser.post(PATH, json=GOOD, headers={"origin": CARDS})).status_code == 201
    assert around.tokenised


async def test_a_form_post_is_refused() -> None:
    async with CardPageFakes().browser() as browser:
        assert (await browser.post(PATH, data=GOOD, headers=OURS)).status_code == 415


async def test_an_ended_set_up_shows_a_notice_and_accepts_no_card() -> None:
    around = CardPageFakes(setup=None)
    async with around.browser() as browser:
        page = await browser.get(f"/cards/{SETUP}")
        answer = await browser.post(PATH, json=GOOD, headers=OURS)
        nonsense = await browser.get("/cards/..%2f")
    assert (page.status_code, answer.status_code, answer.json()["code"]) == (404, 404, "not_found")
    assert SPANISH["gone"] in page.text
    assert nonsense.status_code == 404


@pytest.mark.parametrize("id", ["nonsense", "1", "%3Cb%3E", "%00", "x" * 5000])
async def test_an_invalid_address_gets_the_page_of_an_ended_set_up(id: str) -> None:
    async with CardPageFakes().browser() as browser:
        answer = await browser.get(f"/cards/{id}")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert SPANISH["gone"] in answer.text
    assert "<b>" not in answer.text


async def test_too_many_declined_cards_end_the_attempts_for_a_while() -> None:
    around = CardPageFakes(seconds_blocked=1000)
    async with around.browser() as browser:
        answer = await browser.post(PATH, json=GOOD, headers=OURS)
    assert (answer.status_code, answer.headers["retry-after"], answer.json()["retry_after"]) == (429, "1000", 1000)
    assert too_many_declines(language_of("es"), 1000) in answer.json()["title"]
    assert not around.tokenised


@pytest.mark.parametrize("case", CASES)
async def test_a_card_can_be_entered_through_its_month_where_the_merchant_is(case: Case) -> None:
    around = CardPageFakes(now=case.at.astimezone(ZoneInfo(case.zone)))
    typed = GOOD | {"exp": f"{case.month:02}/{case.year}"}
    async with around.browser() as browser:
        page = (await browser.get(f"/cards/{SETUP}")).text
        answer = await browser.post(PATH, json=typed, headers=OURS)
    (this_month,) = re.findall('data-month="(.*?)"', page)
    assert (f"{case.year}-{case.month:02}" < this_month) is (case.state == "expired")
    refused = [error["code"] for error in answer.json().get("errors", ())]
    assert (answer.status_code, refused) == ((422, ["exp_past"]) if case.state == "expired" else (201, []))
