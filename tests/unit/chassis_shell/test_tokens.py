"""Tokens between services."""

import contextlib
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import KeySet, OKPKey

from chassis.http import service_tokens
from chassis.http.service_tokens import InvalidToken, Signer, Verifier


def keys(*services: str) -> tuple[dict[str, str], str]:
    pairs = {name: OKPKey.generate_key("Ed25519", {"kid": name}) for name in services}
    public = {"keys": [key.as_dict(private=False) for key in pairs.values()]}
    return {name: json.dumps(key.as_dict(private=True)) for name, key in pairs.items()}, json.dumps(public)


PRIVATE, PUBLIC = keys("portal-gateway", "payments")
VERIFIER = Verifier("payments", PUBLIC)
GATEWAYS_KEY = OKPKey.import_key(json.loads(PRIVATE["portal-gateway"]))
STRANGERS, _ = keys("portal-gateway")
MERCHANT, CUSTOMER = UUID(int=7, version=4), UUID(int=8, version=4)


def test_a_token_names_issuer_merchant_and_customer() -> None:
    token = Signer("portal-gateway", PRIVATE["portal-gateway"]).token(
        "payments", merchant_id=MERCHANT, customer_id=CUSTOMER, session="s1"
    )
    claims = VERIFIER.verify(token)
    assert (claims.issuer, claims.merchant_id, claims.customer_id, claims.session) == ("portal-gateway", MERCHANT, CUSTOMER, "s1")


def test_a_token_is_valid_only_for_its_audience() -> None:
    token = Signer("portal-gateway", PRIVATE["portal-gateway"]).token("payments", merchant_id=MERCHANT)
    with pytest.raises(InvalidToken):
        Verifier("invoicing", PUBLIC).verify(token)


def test_an_unknown_signature_is_rejected() -> None:
    token = Signer("portal-gateway", STRANGERS["portal-gateway"]).token("payments", merchant_id=MERCHANT)
    with pytest.raises(InvalidToken):
        VERIFIER.verify(token)


def test_a_service_cannot_sign_for_another() -> None:
    token = Signer("portal-gateway", PRIVATE["payments"]).token("payments", merchant_id=MERCHANT)
    with pytest.raises(InvalidToken):
        VERIFIER.verify(token)


def test_a_token_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_tokens, "LIFETIME_SECONDS", -5)
    token = Signer("portal-gateway", PRIVATE["portal-gateway"]).token("payments", merchant_id=MERCHANT)
    with pytest.raises(InvalidToken):
        VERIFIER.verify(token)


def signed(**claims: object) -> str:
    """A token of the gateway for payments, with these claims replaced; ABSENT removes a claim."""
    now = int(time.time())
    ours = {"iss": "portal-gateway", "aud": "payments", "sub": f"customer:{CUSTOMER}", "merchant": str(MERCHANT), "sid": "s1"}
    payload = {name: value for name, value in {**ours, "iat": now, "exp": now + 60, **claims}.items() if value is not ABSENT}
    return jwt.encode({"alg": "Ed25519", "kid": "portal-gateway"}, payload, GATEWAYS_KEY, algorithms=["Ed25519"])


ABSENT = "absent"
WRONG: list[object] = [1, 1.5, True, None, [], ["payments"], {}, "", "x" * 201]


def test_valid_claims_are_accepted() -> None:
    assert VERIFIER.verify(signed()).customer_id == CUSTOMER
    assert VERIFIER.verify(signed(sub="service", merchant=ABSENT, sid=ABSENT)).merchant_id is None


@pytest.mark.parametrize("name", ["iss", "aud", "sub", "merchant", "sid"])
@pytest.mark.parametrize("value", WRONG, ids=repr)
def test_a_claim_of_another_type_is_rejected(name: str, value: object) -> None:
    with pytest.raises(InvalidToken):
        VERIFIER.verify(signed(**{name: value}))


@pytest.mark.parametrize("name", ["iat", "exp"])
@pytest.mark.parametrize("value", [ABSENT, None, True, "1", 1.5, [], {}, -1, 0, 10**30], ids=repr)
def test_an_instant_of_another_type_is_rejected(name: str, value: object) -> None:
    with pytest.raises(InvalidToken):
        VERIFIER.verify(signed(**{name: value}))


@pytest.mark.parametrize(
    "changed",
    [
        {"sub": "customer:"},
        {"sub": "customer:x"},
        {"sub": f"customer:{{{CUSTOMER}}}"},
        {"sub": f"customer:urn:uuid:{CUSTOMER}"},
        {"sub": "service:x"},
        {"sub": "operator"},
        {"sub": ABSENT},
        {"merchant": "x"},
        {"merchant": MERCHANT.hex},
        {"merchant": ABSENT},
        {"iss": "payments"},
        {"iss": ABSENT},
        {"aud": ABSENT},
    ],
    ids=str,
)
def test_an_unexpected_claim_is_rejected(changed: dict[str, object]) -> None:
    with pytest.raises(InvalidToken):
        VERIFIER.verify(signed(**changed))


LIVES = [
    *((0, 60, True), (0, 300, True), (-200, 60, True), (20, 80, True)),
    *((0, 301, False), (-400, 60, False), (-60, 0, False), (60, 120, False), (0, 0, False), (10, 5, False)),
]


@pytest.mark.parametrize(("issued", "expires", "good"), LIVES)
def test_a_token_is_valid_for_at_most_five_minutes_and_clock_skew_is_tolerated(issued: int, expires: int, good: bool) -> None:
    now = int(time.time())
    token = signed(iat=now + issued, exp=now + expires)
    if good:
        assert VERIFIER.verify(token)
    else:
        with pytest.raises(InvalidToken):
            VERIFIER.verify(token)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12)


@given(st.dictionaries(st.sampled_from(["iss", "aud", "sub", "merchant", "sid", "iat", "exp", "nbf", "jti"]), JSON))
def test_any_claims_are_accepted_or_rejected(claims: dict[str, object]) -> None:
    with contextlib.suppress(InvalidToken):
        VERIFIER.verify(signed(**claims))


@given(JSON, JSON)
def test_any_header_and_payload_are_rejected_without_an_error(header: object, payload: object) -> None:
    parts = [urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, payload)]
    with pytest.raises(InvalidToken):
        VERIFIER.verify(f"{parts[0]}.{parts[1]}.AAAA")


def encoded(**content: object) -> str:
    return urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("name", ["crit", "b64", "kid", "alg", "typ", "jwk", "x5c", "zip", "cty"])
@pytest.mark.parametrize("value", [1, None, True, "x", [], [1], ["exp"], {}], ids=str)
def test_an_invalid_header_is_rejected(name: str, value: object) -> None:
    header = encoded(**{"alg": "Ed25519", "kid": "payments", name: value})
    with pytest.raises(InvalidToken):
        VERIFIER.verify(f"{header}.{encoded(iss='payments')}.AAAA")


def altered(token: str, part: int, change: Callable[[str], str]) -> str:
    parts = token.split(".")
    parts[part] = change(parts[part])
    return ".".join(parts)


CHANGES: dict[str, Callable[[str], str]] = {
    "padded": lambda text: text + "=",
    "padded twice": lambda text: text + "==",
    "longer": lambda text: text + "A",
    "other unused bits": lambda text: text[:-1] + chr(ord(text[-1]) + 1),
    "a line break": lambda text: f"{text[:5]}\n{text[5:]}",
    "shorter": lambda text: text[:-4],
    "a part more": lambda text: text + ".",
    "empty": lambda text: "",
    "another case": lambda text: text.swapcase(),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("part", [0, 1, 2])
def test_only_the_canonical_text_is_accepted(part: int, change: str) -> None:
    token = Signer("portal-gateway", PRIVATE["portal-gateway"]).token("payments", merchant_id=MERCHANT)
    assert VERIFIER.verify(token)
    with pytest.raises(InvalidToken):
        VERIFIER.verify(altered(token, part, CHANGES[change]))


@pytest.mark.parametrize(
    "header", [{"alg": "none"}, {"alg": "HS256"}, {"alg": "EdDSA"}, {"kid": "payments"}, {"crit": ["exp"]}], ids=str
)
def test_a_signed_token_with_another_header_is_rejected(header: dict[str, Any]) -> None:
    key: Any = OKPKey.import_key(json.loads(PRIVATE["portal-gateway"])).private_key
    parts = {"typ": "JWT", "alg": "Ed25519", "kid": "portal-gateway", **header}
    text = ".".join((encoded(**parts), signed().split(".")[1]))
    signature = urlsafe_b64encode(key.sign(text.encode())).rstrip(b"=").decode()
    with pytest.raises(InvalidToken):
        VERIFIER.verify(f"{text}.{signature}")


def test_a_token_is_a_jwt_that_any_library_reads() -> None:
    token = Signer("portal-gateway", PRIVATE["portal-gateway"]).token("payments", merchant_id=MERCHANT)
    decoded = jwt.decode(token, KeySet.import_key_set(json.loads(PUBLIC)), algorithms=["Ed25519"])
    assert (decoded.claims["iss"], decoded.claims["merchant"]) == ("portal-gateway", str(MERCHANT))


DEEP = f"{urlsafe_b64encode(b'[' * 30_000).decode()}.e30.e30"


@pytest.mark.parametrize("token", ["", "a", "a.b.c", "é.é.é", "e30.e30.e30", "A" * 100_000, DEEP])
def test_arbitrary_text_is_rejected(token: str) -> None:
    with pytest.raises(InvalidToken):
        VERIFIER.verify(token)
