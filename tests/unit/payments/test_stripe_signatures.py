"""Signatures of webhooks, and the parts of events that are read."""

import json
from typing import Any
from uuid import uuid4

import pytest

from payments.adapters.stripe.events import MalformedEvent, read_event
from payments.adapters.stripe.signatures import BadSignature, check, sign

SECRET, OTHER = "whsec_one0of0the0secrets", "whsec_another0of0the0secrets"
NOW = 1_800_000_000
BODY = b'{"id": "evt_1",\n "object": "event"}'
CHARGE = uuid4()


def signed(body: bytes = BODY, secret: str = SECRET, at: int = NOW) -> str:
    return f"t={at},v1={sign(body, str(at), secret)}"


def test_a_signature_of_these_bytes_is_accepted() -> None:
    check(BODY, signed(), [SECRET], NOW)
    check(BODY, f"{signed()},v0=of-another-scheme", [SECRET], NOW)


def test_the_signature_is_the_hmac_of_time_and_body() -> None:
    """`printf '12345.{}' | openssl dgst -sha256 -hmac whsec_test`"""
    assert sign(b"{}", "12345", "whsec_test") == "f7d0d6f2476273381fa231a8ba13a821a0c87029e7b1bfae51e93d0240fb7c32"


def test_while_secrets_are_replaced_either_is_accepted() -> None:
    for secret in (SECRET, OTHER):
        check(BODY, signed(secret=secret), [OTHER, SECRET], NOW)
    both = f"t={NOW},v1={sign(BODY, str(NOW), OTHER)},v1={sign(BODY, str(NOW), SECRET)}"
    check(BODY, both, [SECRET], NOW)


@pytest.mark.parametrize("off", [300, -300, 0])
def test_the_window_is_open_for_five_minutes_in_both_directions(off: int) -> None:
    check(BODY, signed(at=NOW + off), [SECRET], NOW)


@pytest.mark.parametrize("off", [301, -301, 10**6, -NOW])
def test_outside_of_the_window_a_signature_is_out_of_time(off: int) -> None:
    with pytest.raises(BadSignature, match="out_of_time"):
        check(BODY, signed(at=NOW + off), [SECRET], NOW)


@pytest.mark.parametrize("body", [BODY + b" ", BODY.replace(b"1", b"2"), json.dumps(json.loads(BODY)).encode(), b""])
def test_other_bytes_are_forged(body: bytes) -> None:
    with pytest.raises(BadSignature, match="forged"):
        check(body, signed(), [SECRET], NOW)


@pytest.mark.parametrize(
    "header",
    [
        f"t={NOW},v1=",
        f"t={NOW},v1=00",
        f"t={NOW},v1=ñ",
        f"t={NOW},v1={sign(BODY, str(NOW), OTHER)}",
        f"t={NOW + 1},{signed()[13:]}",
    ],
)
def test_another_signature_is_forged(header: str) -> None:
    with pytest.raises(BadSignature, match="forged"):
        check(BODY, header, [SECRET], NOW)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "ñ",
        "t",
        "v1=00",
        "t=,v1=00",
        "t=now,v1=00",
        "t=-1,v1=00",
        f"t={NOW}",
        f"t={NOW},t={NOW},v1=00",
        "t=" + "1" * 400 + ",v1=0",
    ],
)
def test_a_header_without_time_or_signature_is_unsigned(header: str | None) -> None:
    with pytest.raises(BadSignature, match="unsigned"):
        check(BODY, header, [SECRET], NOW)


def test_without_secrets_nothing_is_accepted() -> None:
    with pytest.raises(BadSignature, match="forged"):
        check(BODY, signed(secret=""), [], NOW)


def document(**fields: Any) -> dict[str, Any]:
    about = {"object": "payment_intent", "id": "pi_1", "metadata": {"charge_id": str(CHARGE)}}
    named = {"object": "event", "id": "evt_1", "type": "payment_intent.succeeded", "created": NOW, "livemode": False}
    return {**named, "data": {"object": about}, **fields}


def test_an_event_names_its_intent_and_charge() -> None:
    event = read_event(document())
    assert (event.id, event.type, event.live, event.intent, event.charge_id) == (
        *("evt_1", "payment_intent.succeeded", False, "pi_1"),
        CHARGE,
    )


@pytest.mark.parametrize(
    ("about", "intent"),
    [
        ({"object": "refund", "id": "re_1", "payment_intent": "pi_2"}, "pi_2"),
        ({"object": "refund", "id": "re_1", "payment_intent": None}, None),
        ({"object": "refund", "id": "re_1", "payment_intent": {"id": "pi_2"}}, None),
        ({"object": "payment_intent", "id": "../pi", "metadata": []}, None),
        ({"object": "payment_intent", "metadata": {"charge_id": "no id"}}, None),
        ({"object": "payment_intent", "metadata": {"charge_id": 5}}, None),
    ],
)
def test_what_an_object_does_not_name_is_none(about: dict[str, Any], intent: str | None) -> None:
    event = read_event(document(data={"object": about}))
    assert (event.intent, event.charge_id) == (intent, None)


@pytest.mark.parametrize(
    "wrong",
    [
        *({"id": "../x"}, {"id": 5}, {"id": ""}, {"id": "e" * 300}, {"object": "charge"}, {"type": None}, {"type": "t" * 300}),
        *({"created": -1}, {"created": 2**60}, {"created": "1"}, {"created": True}, {"livemode": 0}, {"livemode": None}),
        *({"data": {}}, {"data": []}, {"data": {"object": []}}, {"data": {"object": {}}}),
    ],
)
def test_a_wrong_field_makes_no_event(wrong: dict[str, Any]) -> None:
    with pytest.raises(MalformedEvent):
        read_event(document(**wrong))


@pytest.mark.parametrize("content", [None, [], "event", 5, {}])
def test_other_content_is_no_event(content: Any) -> None:
    with pytest.raises(MalformedEvent):
        read_event(content)
