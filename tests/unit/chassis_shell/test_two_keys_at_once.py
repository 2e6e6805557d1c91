"""During a rotation two keys are valid at once: the first one signs, both verify, until the old one is removed."""

import hashlib
import json
from typing import Any

import pytest
from fastapi import Request
from joserfc.jwk import OKPKey

from chassis.http.authentication import Authenticator
from chassis.http.page_cursors import Cursors
from chassis.http.problems import Problem
from chassis.http.service_tokens import InvalidToken, Signer, Verifier
from chassis.service.settings import ServiceSettings
from support.settings import fields

ONE, TWO, FIRST = (OKPKey.generate_key("Ed25519", {"kid": kid}) for kid in ("payments/1", "payments/2", "payments"))
OTHER = OKPKey.generate_key("Ed25519", {"kid": "invoicing/2"})
A, B = "a" * 40, "b" * 40


def private(key: OKPKey) -> str:
    return json.dumps(key.as_dict(private=True))


def public(*keys: OKPKey) -> str:
    return json.dumps({"keys": [key.as_dict(private=False) for key in keys]})


def test_tokens_of_both_keys_of_a_service_are_valid_until_the_old_one_is_removed() -> None:
    signer, verifier = Signer("payments", private(ONE)), Verifier("invoicing", public(ONE, TWO))
    old = signer.token("invoicing")
    signer.use(private(TWO))
    new = signer.token("invoicing")
    assert [verifier.verify(token).issuer for token in (old, new)] == ["payments", "payments"]
    verifier.use(public(TWO))
    assert verifier.verify(new).issuer == "payments"
    with pytest.raises(InvalidToken):
        verifier.verify(old)


def test_the_first_key_of_a_service_may_have_the_name_of_the_service() -> None:
    verifier = Verifier("invoicing", public(FIRST, TWO))
    tokens = [Signer("payments", private(key)).token("invoicing") for key in (FIRST, TWO)]
    assert [verifier.verify(token).issuer for token in tokens] == ["payments", "payments"]


def test_a_private_key_with_any_other_id_signs_under_the_name_of_the_service() -> None:
    named = json.dumps({**json.loads(private(FIRST)), "kid": "my key of 2026"})
    assert Verifier("invoicing", public(FIRST)).verify(Signer("payments", named).token("invoicing")).issuer == "payments"


def test_a_key_of_one_service_does_not_speak_for_another_one() -> None:
    forged = Signer("payments", json.dumps({**json.loads(private(OTHER)), "kid": "payments/2"})).token("orders")
    with pytest.raises(InvalidToken):
        Verifier("orders", public(OTHER, TWO)).verify(forged)


def test_cursors_of_all_keys_are_valid_and_the_first_one_signs() -> None:
    old, both, new = Cursors(A), Cursors(B, A), Cursors(B)
    assert both.decode(old.encode({"at": 1})) == {"at": 1}
    assert new.decode(both.encode({"at": 2})) == {"at": 2}
    both.use([B])
    with pytest.raises(Problem):
        both.decode(old.encode({"at": 1}))


async def test_both_keys_of_an_operator_are_valid_until_the_old_one_is_removed() -> None:
    digest_a, digest_b = (hashlib.sha256(key.encode()).hexdigest() for key in (A, B))
    nothing: Any = None
    authenticator = Authenticator(nothing, Verifier("payments", public(ONE)), digest_a, digest_b)

    async def kind(key: str) -> str:
        headers = [(b"authorization", f"Bearer {key}".encode())]
        request = Request({"type": "http", "method": "GET", "path": "/", "headers": headers, "client": ("127.0.0.1", 1)})
        return (await authenticator.principal(request)).kind

    assert [await kind(A), await kind(B)] == ["operator", "operator"]
    authenticator.use([digest_b])
    assert await kind(B) == "operator"
    with pytest.raises(Problem) as refused:
        await kind(A)
    assert refused.value.status == 401


@pytest.mark.parametrize("value", [f"{'A' * 64},{'b' * 64}", f"{'A' * 64}, {'b' * 64}"])
def test_digests_of_several_operators_keys_are_separated_by_commas(value: str) -> None:
    settings = ServiceSettings.model_validate(fields(operator_key_sha256=value))
    assert settings.operator_digests == ("a" * 64, "b" * 64)


def test_one_value_is_a_list_of_one() -> None:
    settings = ServiceSettings.model_validate(fields())
    assert (len(settings.cursor_keys), len(settings.operator_digests)) == (1, 1)
