"""Card numbers are seen in what people type and never in our own ids."""

import hashlib
import random
from uuid import UUID

import pytest
from pydantic import TypeAdapter, ValidationError

from chassis.http.cards import NoCards, has_card, redact_cards

CARDS = ["4242424242424242", "4242 4242 4242 4242", "4242-4242-4242-4242", "378282246310005", "5555555555554444"]


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize("text", ["{}", "my card is {}.", "({})", "número:{},cvv"])
def test_a_card_number_is_seen_and_redacted(card: str, text: str) -> None:
    assert has_card(text.format(card))
    assert card not in redact_cards(text.format(card))


@pytest.mark.parametrize(
    "text",
    [
        "4242424242424241",  # fails the Luhn check
        "424242424242",  # too short
        "4242  4242  4242  4242",  # apart by more than one space
        "x4242424242424242",
        "4242424242424242a",
        "9999999999999995",  # no issuer's prefix
        "00000000000000000",
        "+52 55 1234 5678",
        "TS-000014 29.99 USD 2023-06-14",
    ],
)
def test_other_numbers_are_left_alone(text: str) -> None:
    assert not has_card(text)
    assert redact_cards(text) == text


def test_none_of_our_own_ids_is_taken_for_a_card() -> None:
    dice = random.Random(20230614)
    for _ in range(20_000):
        ours = UUID(int=dice.getrandbits(128), version=4)
        text = f"subscription-{ours} {hashlib.sha256(ours.bytes).hexdigest()} {ours}"
        assert redact_cards(text) == text


def test_a_field_without_cards_says_why_it_refuses_and_does_not_repeat_it() -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(NoCards).validate_python("4242 4242 4242 4242")
    assert refused.value.errors()[0]["type"] == "card_number_refused"
    assert TypeAdapter(NoCards).validate_python("  too expensive ") == "too expensive"
