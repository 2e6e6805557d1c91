"""The published test cards, and their tokens."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from payments.domain.shapes import FailureCode


@dataclass(frozen=True, slots=True)
class TestCard:
    on_setup: FailureCode | None = None
    """The reason why saving it is refused."""
    on_charge: FailureCode | None = None
    """The reason why charging it is refused."""
    authentication: Literal["once", "always"] | None = None
    """Whether the customer confirms charges at the bank: `once` until they have, or `always`."""
    on_refund: Literal["refused", "underway"] | None = None
    """What becomes of a refund: refused for good, or under way for `UNDERWAY_SECONDS`. None: it is made at once."""

    __test__ = False  # pytest must not collect this class


TEST_CARDS: dict[str, TestCard] = {
    "4242424242424242": TestCard(),
    "5555555555554444": TestCard(),
    "378282246310005": TestCard(),
    "4000000000000002": TestCard(FailureCode.CARD_DECLINED, FailureCode.CARD_DECLINED),
    "4000000000009995": TestCard(FailureCode.INSUFFICIENT_FUNDS, FailureCode.INSUFFICIENT_FUNDS),
    "4000000000000341": TestCard(on_charge=FailureCode.CARD_DECLINED),
    "4000000000000069": TestCard(FailureCode.EXPIRED_CARD, FailureCode.EXPIRED_CARD),
    "4000000000000127": TestCard(FailureCode.INCORRECT_CVC, FailureCode.INCORRECT_CVC),
    "4000002500003155": TestCard(authentication="once"),
    "4000002760003184": TestCard(authentication="always"),
    "4000008260003178": TestCard(on_charge=FailureCode.INSUFFICIENT_FUNDS, authentication="always"),
    "4000008400001629": TestCard(on_charge=FailureCode.CARD_DECLINED, authentication="always"),
    "4000000000005126": TestCard(on_refund="refused"),
    "4000000000007726": TestCard(on_refund="underway"),
}

Expiry = tuple[int, int]
"""(year, month)"""


def in_years(years: int) -> Callable[[datetime], Expiry]:
    return lambda now: (now.year + years, now.month)


def last_month(now: datetime) -> Expiry:
    return (now.year, now.month - 1) if now.month > 1 else (now.year - 1, 12)


def this_month(now: datetime) -> Expiry:
    return now.year, now.month


def december_2025(now: datetime) -> Expiry:
    """The specification's own example, for as long as that is to come."""
    return (2025, 12) if (now.year, now.month) <= (2025, 12) else (now.year + 3, now.month)


TEST_TOKENS: dict[str, tuple[str, Callable[[datetime], Expiry]]] = {
    "tok_visa": ("4242424242424242", december_2025),
    "tok_mastercard": ("5555555555554444", in_years(4)),
    "tok_amex": ("378282246310005", in_years(4)),
    "tok_saves_then_declines": ("4000000000000341", in_years(4)),
    "tok_refuses_refunds": ("4000000000005126", in_years(4)),
    "tok_refunds_later": ("4000000000007726", in_years(4)),
    "tok_expired": ("4000000000000069", last_month),
    "tok_expiring_soon": ("4242424242424242", this_month),
    "tok_authenticate_once": ("4000002500003155", in_years(4)),
    "tok_authenticate_always": ("4000002760003184", in_years(4)),
    "tok_authenticate_then_insufficient_funds": ("4000008260003178", in_years(4)),
    "tok_authenticate_then_declined": ("4000008400001629", in_years(4)),
}
"""Token -> its card's number, and its expiry, of the time where the merchant is."""
