"""What must hold between an object at Stripe and the row of payments."""

from typing import Any

import pytest

from verify.provider import rules

NOW, LONG_AGO = 1_800_000_000.0, 1_700_000_000
CHARGE, REFUND = "9b2f8d3e-0000-4000-8000-000000000001", "9b2f8d3e-0000-4000-8000-000000000002"
CONFIRMED = ("succeeded", "processing", "requires_capture", "requires_action")
UNCONFIRMED = ("requires_confirmation", "requires_payment_method", "canceled")


def intent(status: str = "succeeded", **changes: Any) -> dict[str, Any]:
    named: dict[str, Any] = {"metadata": {"charge_id": CHARGE}, "amount": 2999, "currency": "usd", "created": LONG_AGO}
    received = {"amount_received": 2999 if status == "succeeded" else 0}
    return {"id": "pi_1", "status": status} | named | received | changes


def attempt(status: str = "succeeded", **changes: Any) -> dict[str, Any]:
    reference = None if status in ("open", "unknown") else "pi_1"
    facts = {"amount_minor": 2999, "currency": "USD", "reference": reference, "stored": "pi_1"}
    return {"charge_id": CHARGE, "status": status} | facts | changes


def refund(status: str = "succeeded", **changes: Any) -> dict[str, Any]:
    named = {"metadata": {"refund_id": REFUND}, "amount": 1000, "currency": "usd", "created": LONG_AGO}
    return {"id": "re_1", "status": status} | named | changes


def repayment(status: str = "made", **changes: Any) -> dict[str, Any]:
    facts = {"amount_minor": 1000, "currency": "USD", "reference": None if status == "requested" else "re_1"}
    return {"refund_id": REFUND, "status": status} | facts | changes


@pytest.mark.parametrize(
    ("at_stripe", "ours"),
    [
        (intent(), attempt()),
        (intent("canceled"), attempt("failed")),
        (intent("processing"), attempt("unknown")),
        (intent("requires_confirmation"), attempt("open")),
        (intent("requires_action"), attempt("open")),
        (intent(created=NOW - 60), attempt("open")),
        (intent(created=NOW - 60), attempt("unknown", stored="pi_1")),
        *((intent(status), attempt(stored="pi_2", reference="pi_2")) for status in UNCONFIRMED),
        *((intent(status, metadata={}), None) for status in (*CONFIRMED, *UNCONFIRMED)),
        *((intent(status), None) for status in UNCONFIRMED),
        (intent(amount=299900, amount_received=299900, currency="isk"), attempt(currency="ISK")),
    ],
)
def test_an_intent_that_agrees(at_stripe: dict[str, Any], ours: dict[str, Any] | None) -> None:
    assert rules.of_intent(at_stripe, ours, NOW) is None


@pytest.mark.parametrize(
    ("at_stripe", "ours", "difference"),
    [
        (intent(), attempt("open"), "succeeded at Stripe (pi_1), and is open"),
        (intent(), attempt("unknown"), "succeeded at Stripe (pi_1), and is unknown"),
        (intent(created=NOW - 60), attempt("failed"), "succeeded at Stripe (pi_1), and is failed"),
        (intent(), attempt(reference="pi_9"), "succeeded with pi_9, at Stripe with pi_1"),
        (intent("canceled"), attempt(), "succeeded in payments, and is canceled"),
        (intent("requires_payment_method"), attempt("failed"), "failed in payments, and pi_1 is requires_payment_method"),
        (intent(amount=2998, amount_received=2998), attempt(), "is of 2999 USD, pi_1 of 2998 usd"),
        (intent(amount_received=2000), attempt(), "is of 2999 USD, pi_1 of 2000 usd"),
        (intent(currency="eur"), attempt(), "is of 2999 USD, pi_1 of 2999 eur"),
        (intent(), attempt(currency="ISK"), "is of 2999 ISK"),
        *((intent(status), attempt(stored="pi_2"), f"has pi_1, {status} at Stripe, beside pi_2") for status in CONFIRMED),
        *((intent(status), None, "payments does not have") for status in CONFIRMED),
    ],
)
def test_an_intent_that_differs(at_stripe: dict[str, Any], ours: dict[str, Any] | None, difference: str) -> None:
    assert difference in (rules.of_intent(at_stripe, ours, NOW) or "")


@pytest.mark.parametrize(
    ("at_stripe", "ours", "charge"),
    [
        (refund(), repayment(), CHARGE),
        (refund("failed"), repayment("failed"), CHARGE),
        (refund("canceled"), repayment("failed"), CHARGE),
        (refund("pending"), repayment("requested"), CHARGE),
        (refund(created=NOW - 60), repayment("requested"), CHARGE),
        (refund("failed"), repayment("made", reference="re_2"), CHARGE),
        (refund(metadata={}), None, None),
        (refund("failed", metadata={}), None, CHARGE),
    ],
)
def test_a_refund_that_agrees(at_stripe: dict[str, Any], ours: dict[str, Any] | None, charge: str | None) -> None:
    assert rules.of_refund(at_stripe, ours, charge, NOW) is None


@pytest.mark.parametrize(
    ("at_stripe", "ours", "difference"),
    [
        (refund(), repayment("requested"), "is succeeded at Stripe (re_1), and requested"),
        (refund(created=NOW - 60), repayment("failed"), "is succeeded at Stripe (re_1), and failed"),
        (refund("failed"), repayment(), "is failed at Stripe (re_1), and made"),
        (refund("failed"), repayment("requested"), "is failed at Stripe (re_1), and requested"),
        (refund("pending"), repayment(), "is pending at Stripe (re_1), and made"),
        (refund(amount=999), repayment(), "is of 1000 USD, re_1 of 999 usd"),
        (refund(), repayment(reference="re_2"), "has re_1, succeeded at Stripe, beside re_2"),
        (refund(metadata={}), None, f"re_1 of charge {CHARGE} is succeeded at Stripe, and payments does not have it"),
        (refund("pending", metadata=None), None, "payments does not have it"),
    ],
)
def test_a_refund_that_differs(at_stripe: dict[str, Any], ours: dict[str, Any] | None, difference: str) -> None:
    assert difference in (rules.of_refund(at_stripe, ours, CHARGE, NOW) or "")
