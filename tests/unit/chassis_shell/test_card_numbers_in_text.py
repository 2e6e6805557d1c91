"""Card numbers in free text are found in any notation, and other long numbers are left alone."""

import hashlib
import random
from unicodedata import digit, normalize
from uuid import UUID

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from chassis.card_numbers import detection
from chassis.card_numbers.detection import NoCards, has_card, redact_cards
from chassis.card_numbers.other_numbers import is_telephone
from support import number_texts
from support.property_tests import examples

CARDS = ["4242424242424242", "4242 4242 4242 4242", "4242-4242-4242-4242", "378282246310005", "5555555555554444"]


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize("text", ["{}", "my card is {}.", "({})", "número:{},cvv", "x{}", "{}a"])
def test_a_card_number_is_found_and_redacted(card: str, text: str) -> None:
    assert has_card(text.format(card))
    assert card not in redact_cards(text.format(card))


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1111 12/30 737",
        "4111.1111.1111.1111",
        "4111\u00a01111\u00a01111\u00a01111",
        "4111–1111–1111–1111",
        "4\u200b1\u200b1\u200b1\u200b1\u200b1\u200b1\u200b1\u200b1\u200b1\u200b1\u200b1\u200b1\u200b1\u200b1\u200b1",
        "４１１１　１１１１　１１１１　１１１１",
        "4242  4242  4242  4242",
        "٤١١١ ١١١١ ١١١١ ١١١١",
        "४१११ ११११ ११११ ११११",
        "④①①① ①①①① ①①①① ①①①①",
        "❹❶❶❶ ❶❶❶❶ ❶❶❶❶ ❶❶❶❶",
        "4️⃣1️⃣1️⃣1️⃣ 1️⃣1️⃣1️⃣1️⃣ 1111 1111",
        "ref. 2023-05-14, 4111 1111 1111 1111",
        "+4111 1111 1111 1111",
        "4111+1111+1111+1111",
        "4111 + 1111 + 1111 + 1111",
        "5555 5555 +5555 4444",
        "+52 55 2000 0000, 4111 1111 1111 1111",
        "4111 1111 1111 1111, +52 55 2000 0000",
        "4111\r\n1111\r\n1111\r\n1111",
        "4222222222222",
        "6304 0000 0000 0000 000",
    ],
)
def test_neither_separators_nor_other_digits_hide_a_card_number(text: str) -> None:
    assert has_card(text)
    assert not has_card(redact_cards(text))
    assert not has_card(redact_cards(text, "••••"))


@pytest.mark.parametrize(
    "text",
    [
        "4242424242424241",  # fails the Luhn check
        "424242424242",  # too short
        "4242 4242 and 4242 4242",  # letters between
        "9999999999999995",  # no issuer's prefix
        "52155200000008",  # Mastercard's prefix, but not its length
        "00000000000000000",
        "+52 1 55 2000 0000",
        "+52 55 1234 5678, +52 55 1234 5679",
        "0049 1512 3456 784",
        "Calle 8 # 45-12, +57 321 1234567",
        "4, +52 55 2000 0007",
        "TS-000014 29.99 USD 2023-06-14",
        "2023-05-14 10:30:00.123456+00:00",
        "DE89 3704 0044 0532 0130 00",
        "IBAN ES91 2100 0418 4502 0005 1332, gracias",
        "012 180 01234567890 7",
        "40.423.245/0001-93",
        "732 829 320 00074",
    ],
)
def test_other_numbers_are_left_alone(text: str) -> None:
    assert not has_card(text)
    assert redact_cards(text) == text


def test_text_after_a_card_number_is_redacted_with_it() -> None:
    assert redact_cards("Pagué con 4111 1111 1111 1111 12/30 737, gracias", "••••") == "Pagué con ••••, gracias"


def test_every_disguised_card_is_found() -> None:
    missed = [text for text in number_texts.disguised_cards(random.Random(20230614), examples(20_000)) if not has_card(text)]
    assert missed == []


def test_redacted_text_contains_no_card_number() -> None:
    for text in number_texts.disguised_cards(random.Random(14), examples(5_000)):
        assert not has_card(redact_cards(text, "••••")), text


def test_telephone_numbers_of_twenty_countries_are_accepted() -> None:
    count = examples(50_000)
    refused = [text for text in number_texts.telephones(random.Random(20230614), count) if has_card(text)]
    assert len(refused) <= count / 500, refused[:20]


def test_addresses_and_numbers_of_taxpayers_and_accounts_are_accepted() -> None:
    count = examples(50_000)
    refused = [text for text in number_texts.other_numbers(random.Random(20230614), count) if has_card(text)]
    assert len(refused) <= count / 200, refused[:20]


def test_a_telephone_number_begins_with_an_assigned_country_code() -> None:
    """Compared with libphonenumber's list."""
    assigned = {str(code) for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE}
    accepted = {start for start in range(100, 1000) if is_telephone([int(c) for c in f"{start}0000000"])}
    assert accepted == {start for start in range(100, 1000) if any(str(start)[:size] in assigned for size in (1, 2, 3))}


def test_more_than_fifteen_digits_are_no_telephone_number() -> None:
    assert is_telephone([5, 2] + [0] * 13)
    assert not is_telephone([5, 2] + [0] * 14)


def test_every_character_that_stands_for_a_digit_is_known() -> None:
    for c in map(chr, range(0x110000)):
        for plain in normalize("NFKC", c) if not c.isascii() else c:
            if digit(plain, None) is not None:
                assert detection._DIGITS.fullmatch(plain), hex(ord(c))


@given(st.text(max_size=400))
def test_any_text_can_be_searched(text: str) -> None:
    assert not has_card(redact_cards(text))


def test_a_card_between_many_other_digits_is_found() -> None:
    assert has_card("0" * 5_000 + "4242424242424242" + "0" * 5_000)
    assert not has_card("0 " * 5_000)


def test_our_own_ids_are_not_card_numbers() -> None:
    dice = random.Random(20230614)
    for _ in range(examples(20_000)):
        ours = UUID(int=dice.getrandbits(128), version=4)
        text = f"subscription-{ours} {hashlib.sha256(ours.bytes).hexdigest()} {ours} {ours.hex}"
        assert redact_cards(text) == text


def test_a_refused_card_number_has_a_reason_and_is_not_repeated() -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(NoCards).validate_python("4242 4242 4242 4242")
    assert refused.value.errors()[0]["type"] == "card_number_refused"
    assert TypeAdapter(NoCards).validate_python("  too expensive ") == "too expensive"
