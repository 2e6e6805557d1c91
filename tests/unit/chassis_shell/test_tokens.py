import json
from base64 import urlsafe_b64encode
from uuid import uuid4

import pytest
from joserfc.jwk import OKPKey

from chassis.http import tokens
from chassis.http.tokens import InvalidToken, Signer, Verifier


def keys(*services: str) -> tuple[dict[str, str], str]:
    made = {name: OKPKey.generate_key("Ed25519", {"kid": name}) for name in services}
    public = {"keys": [key.as_dict(private=False) for key in made.values()]}
    return {name: json.dumps(key.as_dict(private=True)) for name, key in made.items()}, json.dumps(public)


PRIVATE, PUBLIC = keys("portal-gateway", "payments")
STRANGERS, _ = keys("portal-gateway")
MERCHANT, CUSTOMER = uuid4(), uuid4()


def test_a_token_says_who_acts_for_whom() -> None:
    token = Signer("portal-gateway", PRIVATE["portal-gateway"]).token(
        "payments", merchant_id=MERCHANT, customer_id=CUSTOMER, session="s1"
    )
    claims = Verifier("payments", PUBLIC).read(token)
    assert (claims.issuer, claims.merchant_id, claims.customer_id, claims.session) == ("portal-gateway", MERCHANT, CUSTOMER, "s1")


def test_a_token_is_good_for_its_audience_alone() -> None:
    token = Signer("portal-gateway", PRIVATE["portal-gateway"]).token("payments", merchant_id=MERCHANT)
    with pytest.raises(InvalidToken):
        Verifier("invoicing", PUBLIC).read(token)


def test_a_strangers_signature_is_worth_nothing() -> None:
    token = Signer("portal-gateway", STRANGERS["portal-gateway"]).token("payments", merchant_id=MERCHANT)
    with pytest.raises(InvalidToken):
        Verifier("payments", PUBLIC).read(token)


def test_a_service_cannot_sign_in_anothers_name() -> None:
    token = Signer("portal-gateway", PRIVATE["payments"]).token("payments", merchant_id=MERCHANT)
    with pytest.raises(InvalidToken):
        Verifier("payments", PUBLIC).read(token)


def test_a_token_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "LIFETIME_SECONDS", -5)
    token = Signer("portal-gateway", PRIVATE["portal-gateway"]).token("payments", merchant_id=MERCHANT)
    with pytest.raises(InvalidToken):
        Verifier("payments", PUBLIC).read(token)


def encoded(**content: object) -> str:
    return urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("name", ["crit", "b64", "kid", "alg", "typ", "jwk", "x5c", "zip", "cty"])
@pytest.mark.parametrize("value", [1, None, True, "x", [], [1], ["exp"], {}], ids=str)
def test_a_header_that_makes_no_sense_is_no_tokens(name: str, value: object) -> None:
    header = encoded(**{"alg": "Ed25519", "kid": "payments", name: value})
    with pytest.raises(InvalidToken):
        Verifier("payments", PUBLIC).read(f"{header}.{encoded(iss='payments')}.AAAA")


@pytest.mark.parametrize("token", ["", "a", "a.b.c", "é.é.é", "e30.e30.e30", "A" * 100_000])
def test_rubbish_is_no_token(token: str) -> None:
    with pytest.raises(InvalidToken):
        Verifier("payments", PUBLIC).read(token)
