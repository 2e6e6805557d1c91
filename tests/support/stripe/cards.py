"""Stripe's published test cards, and what happens with each of them."""

from dataclasses import dataclass
from typing import Literal

Declined = tuple[str, str | None]
"""Stripe's `code` and `decline_code`."""


@dataclass(frozen=True)
class StripeCard:
    on_setup: Declined | None = None
    on_charge: Declined | None = None
    authentication: Literal["never", "at set-up", "always"] = "never"

    @property
    def asks_at_setup(self) -> bool:
        return self.authentication != "never"


GENERIC = ("card_declined", "generic_decline")
NO_FUNDS = ("card_declined", "insufficient_funds")
CARDS = {
    "4242424242424242": StripeCard(),
    "5555555555554444": StripeCard(),
    "378282246310005": StripeCard(),
    "4000000000000002": StripeCard(on_setup=GENERIC, on_charge=GENERIC),
    "4000000000009995": StripeCard(on_setup=NO_FUNDS, on_charge=NO_FUNDS),
    "4000000000000069": StripeCard(on_setup=("expired_card", None), on_charge=("expired_card", None)),
    "4000000000000127": StripeCard(on_setup=("incorrect_cvc", None), on_charge=("incorrect_cvc", None)),
    "4000000000000341": StripeCard(on_charge=GENERIC),
    "4000002500003155": StripeCard(authentication="at set-up"),
    "4000002760003184": StripeCard(authentication="always"),
    "4000008260003178": StripeCard(on_charge=NO_FUNDS, authentication="always"),
    "4000008400001629": StripeCard(on_charge=GENERIC, authentication="always"),
}
BRANDS = {"4": "visa", "5": "mastercard", "3": "amex"}
"""By the number's first digit."""
