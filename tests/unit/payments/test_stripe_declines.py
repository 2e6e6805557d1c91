"""Stripe's reasons for a refusal."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.adapters.stripe.declines import refusal
from payments.application.charges import Refused
from payments.domain.shapes import FailureCode as Code
from payments.domain.shapes import Remedy

CASES = [
    (
        {"code": "authentication_required", "decline_code": "authentication_required"},
        Code.AUTHENTICATION_REQUIRED,
        Remedy.AUTHENTICATE,
    ),
    ({"code": "card_declined", "decline_code": "authentication_required"}, Code.AUTHENTICATION_REQUIRED, Remedy.AUTHENTICATE),
    ({"code": "payment_intent_authentication_failure"}, Code.AUTHENTICATION_FAILED, Remedy.AUTHENTICATE),
    ({"code": "setup_intent_authentication_failure"}, Code.AUTHENTICATION_FAILED, Remedy.AUTHENTICATE),
    ({"code": "expired_card"}, Code.EXPIRED_CARD, Remedy.ANOTHER_CARD),
    ({"code": "incorrect_cvc"}, Code.INCORRECT_CVC, Remedy.ANOTHER_CARD),
    ({"code": "card_declined", "decline_code": "insufficient_funds"}, Code.INSUFFICIENT_FUNDS, Remedy.WAIT),
    ({"code": "processing_error"}, Code.PROCESSING_ERROR, Remedy.WAIT),
    ({"code": "card_declined", "decline_code": "issuer_not_available"}, Code.PROCESSING_ERROR, Remedy.WAIT),
    ({"code": "card_declined", "decline_code": "stolen_card"}, Code.CARD_DECLINED, Remedy.ANOTHER_CARD),
    ({"code": "card_declined", "decline_code": "fraudulent"}, Code.CARD_DECLINED, Remedy.ANOTHER_CARD),
    ({"code": "card_declined", "decline_code": "generic_decline"}, Code.CARD_DECLINED, Remedy.WAIT),
    ({"code": "card_declined", "decline_code": "a_code_of_next_year"}, Code.CARD_DECLINED, Remedy.WAIT),
    ({"code": "card_declined"}, Code.CARD_DECLINED, Remedy.WAIT),
    ({}, Code.CARD_DECLINED, Remedy.WAIT),
]


@pytest.mark.parametrize(("error", "code", "remedy"), CASES)
def test_a_reason_has_a_code_and_a_remedy(error: dict[str, str], code: Code, remedy: Remedy) -> None:
    refused = refusal(error, "pi_1")
    assert (refused.code, refused.remedy, refused.reference) == (code, remedy, "pi_1")


@pytest.mark.parametrize(
    ("advice", "decline_code", "remedy"),
    [
        ("do_not_try_again", "generic_decline", Remedy.ANOTHER_CARD),
        ("confirm_card_data", "generic_decline", Remedy.ANOTHER_CARD),
        ("try_again_later", "stolen_card", Remedy.WAIT),
        ("advice_of_next_year", "stolen_card", Remedy.ANOTHER_CARD),
        ("do_not_try_again", "authentication_required", Remedy.AUTHENTICATE),
    ],
)
def test_the_issuers_advice_comes_first_unless_it_wants_its_customer(advice: str, decline_code: str, remedy: Remedy) -> None:
    assert refusal({"code": "card_declined", "decline_code": decline_code, "advice_code": advice}).remedy is remedy


def test_the_finest_reason_is_kept_for_operators() -> None:
    assert refusal({"code": "card_declined", "decline_code": "fraudulent"}).provider_code == "fraudulent"
    assert refusal({"code": "expired_card"}).provider_code == "expired_card"
    assert refusal({}).provider_code is None


@given(
    st.dictionaries(
        st.sampled_from(["code", "decline_code", "advice_code", "type", "message"]),
        st.none() | st.text(max_size=30) | st.integers() | st.lists(st.text(max_size=3), max_size=2),
    )
)
def test_every_error_is_a_refusal(error: dict[str, Any]) -> None:
    refused = refusal(error)
    assert isinstance(refused, Refused)
    assert isinstance(refused.remedy, Remedy)
