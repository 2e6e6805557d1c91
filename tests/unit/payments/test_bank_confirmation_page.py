"""The page on which a charge is confirmed at the bank: who gets it, what it asks, and what becomes of the answer."""

import re

import pytest
from httpx import ASGITransport, AsyncClient
from unit.payments.test_card_page_faces import OURS, OWN_POLICY, STRIPE_POLICY

from payments.adapters.card_page.app import card_page
from payments.adapters.card_page.ports import CardPagePorts
from payments.adapters.card_page.words import CONFIRMATION_GONE, bank_words, language_of
from payments.application.charges import Challenge
from payments.domain.shapes import Money
from support.payments.card_page import ASKING_NUMBER, CARDS, CHARGE, PORTAL, SETUP, CardPageFakes, authentication_of
from support.payments.examples import id_of

OTHER = id_of("another set-up or charge")
PATH = f"/cards/{SETUP}/confirm/{CHARGE}"
SPANISH = {
    None: "TechSolutions Inc. quiere guardar esta tarjeta para pagos futuros. ¿Lo apruebas?",
    Money(2999, "USD"): "TechSolutions Inc. quiere cobrar 29.99 USD a tu tarjeta. ¿Lo apruebas?",
}
ENGLISH = {
    None: "TechSolutions Inc. wants to save this card for future payments. Do you approve?",
    Money(2999, "USD"): "TechSolutions Inc. wants to charge 29.99 USD to your card. Do you approve?",
}
BUTTONS = {"es": ("Aprobar", "Rechazar", "Cerrar"), "en": ("Approve", "Reject", "Close")}


def waiting(**changes: object) -> CardPageFakes:
    return CardPageFakes(**{"authentication": authentication_of(), **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("amount", SPANISH)
def test_the_bank_names_the_company_and_the_amount_in_both_languages(amount: Money | None) -> None:
    for tag, sentences in (("es", SPANISH), ("en", ENGLISH)):
        words = bank_words(language_of(tag), "TechSolutions Inc.", amount)
        assert words["question"] == sentences[amount]
        assert (words["approve"], words["reject"], words["close"]) == BUTTONS[tag]


async def test_the_sandboxes_question_has_the_own_policy_and_the_secret() -> None:
    async with waiting().browser() as browser:
        answer = await browser.get(PATH)
    assert (answer.status_code, answer.headers["content-security-policy"]) == (200, OWN_POLICY)
    assert 'data-state="ask"' in answer.text
    assert 'data-secret="secret"' in answer.text
    assert "data-key" not in answer.text
    assert SPANISH[Money(2999, "USD")] in answer.text


async def test_the_providers_window_has_the_policy_with_its_script() -> None:
    around = waiting(challenge_is=Challenge("pi_1_secret_2", "pk_test_1"))
    async with around.browser() as browser:
        answer = await browser.get(PATH)
    assert answer.headers["content-security-policy"] == STRIPE_POLICY
    assert 'data-key="pk_test_1"' in answer.text
    assert 'data-secret="pi_1_secret_2"' in answer.text


@pytest.mark.parametrize(
    ("ended", "challenge", "state"), [(False, None, "wait"), (True, None, "over"), (True, Challenge("x"), "over")]
)
async def test_without_a_challenge_the_page_waits_or_reports_the_end(
    ended: bool, challenge: Challenge | None, state: str
) -> None:
    around = CardPageFakes(authentication=authentication_of(ended=ended), challenge_is=challenge)
    async with around.browser() as browser:
        answer = await browser.get(PATH)
    assert re.findall('data-state="(.*?)"', answer.text) == [state]
    assert "data-secret" not in answer.text
    assert answer.headers["content-security-policy"] == OWN_POLICY


@pytest.mark.parametrize(
    "path",
    [
        f"/cards/{OTHER}/confirm/{CHARGE}",
        f"/cards/{SETUP}/confirm/{OTHER}",
        f"/cards/{SETUP}/confirm/x",
        "/cards/x/confirm/x",
    ],
)
async def test_the_page_is_for_its_set_up_and_charge_alone(path: str) -> None:
    around = waiting()
    async with around.browser() as browser:
        page = await browser.get(path)
        answer = await browser.post(path, json={"answer": "approve", "secret": "secret"}, headers=OURS)
    assert page.status_code == 404
    assert language_of("es").say(CONFIRMATION_GONE) in page.text
    assert answer.status_code in (404, 422)
    assert around.answers == []


@pytest.mark.parametrize("choice", ["approve", "reject"])
async def test_an_answer_reaches_the_bank_and_the_charge_is_looked_up_at_once(choice: str) -> None:
    around = waiting()
    async with around.browser() as browser:
        answer = await browser.post(PATH, json={"answer": choice, "secret": "secret"}, headers=OURS)
    assert (answer.status_code, answer.content) == (204, b"")
    assert around.answers == [(choice, CHARGE), ("wake", CHARGE)]


async def test_after_the_providers_window_the_charge_is_looked_up_only() -> None:
    around = waiting(challenge_is=Challenge("pi_1_secret_2", "pk_test_1"))
    async with around.browser() as browser:
        answer = await browser.post(PATH, json={"answer": "done", "secret": "pi_1_secret_2"}, headers=OURS)
    assert answer.status_code == 204
    assert around.answers == [("wake", CHARGE)]


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        ({"answer": "approve", "secret": "of another challenge"}, OURS, 404),
        ({"answer": "approve", "secret": "secret"}, {"sec-fetch-site": "cross-site"}, 403),
        ({"answer": "approve", "secret": "secret"}, {}, 403),
        ({"answer": "maybe", "secret": "secret"}, OURS, 422),
        ({"answer": "approve"}, OURS, 422),
        ({"answer": "approve", "secret": 7}, OURS, 422),
        ({"answer": "approve", "secret": "s" * 256}, OURS, 422),
        ({"answer": "approve", "secret": "secret", "amount": 1}, OURS, 422),
    ],
)
async def test_another_answer_changes_nothing(body: dict[str, object], headers: dict[str, str], status: int) -> None:
    around = waiting()
    async with around.browser() as browser:
        answer = await browser.post(PATH, json=body, headers=headers)
    assert answer.status_code == status
    assert around.answers == []


CARD = {"number": ASKING_NUMBER, "exp": "12/25", "cvc": "123"}


async def test_a_card_about_which_the_bank_asks_gets_the_question_with_its_token() -> None:
    around = CardPageFakes()
    async with around.browser() as browser:
        card = (await browser.post(f"/cards/{SETUP}/token", json=CARD, headers=OURS)).json()
        assert card["challenge"]["words"]["question"] == SPANISH[None]
        assert (await browser.get(card["challenge"]["script"])).status_code == 200
        body = {"answer": "approve", "secret": card["token"]}
        answer = await browser.post(f"/cards/{SETUP}/token/answer", json=body, headers=OURS)
    assert answer.status_code == 204
    assert around.approved == {"tok_1": True}


@pytest.mark.parametrize("secret", ["tok_2", ""])
async def test_an_answer_about_an_unknown_token_is_refused(secret: str) -> None:
    around = CardPageFakes()
    async with around.browser() as browser:
        answer = await browser.post(f"/cards/{SETUP}/token/answer", json={"answer": "approve", "secret": secret}, headers=OURS)
    assert answer.status_code == 404
    assert around.approved == {}


async def test_without_the_sandbox_no_card_and_no_answer_of_its_bank_is_accepted() -> None:
    around = waiting()
    ports = CardPagePorts(around, around, around.provider, None, around.authentications, None)
    page = card_page(ports, cards_url=CARDS, portal_origin=PORTAL)
    async with AsyncClient(transport=ASGITransport(page), base_url=CARDS) as browser:
        shown = await browser.get(f"/cards/{SETUP}")
        for path, body in (("token", CARD), ("token/answer", {"answer": "approve", "secret": "tok_1"})):
            assert (await browser.post(f"/cards/{SETUP}/{path}", json=body, headers=OURS)).status_code == 404
        for choice, status in (("approve", 404), ("reject", 404), ("done", 204)):
            answer = await browser.post(PATH, json={"answer": choice, "secret": "secret"}, headers=OURS)
            assert answer.status_code == status
    assert shown.status_code == 404
    assert around.answers == [("wake", CHARGE)]
    assert around.tokenised == []
