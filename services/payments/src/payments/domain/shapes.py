"""Types that wallets and payments share."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Money:
    amount_minor: int
    """In the currency's smallest unit: 2999 is 29.99 USD."""
    currency: str


class Brand(StrEnum):
    VISA = "visa"
    MASTERCARD = "mastercard"
    AMEX = "amex"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Method:
    """A card on file, with the details that may be stored."""

    id: UUID
    brand: Brand
    last4: str
    exp_month: int
    exp_year: int


class FailureCode(StrEnum):
    """The reason why a card could not be stored or charged."""

    CARD_DECLINED = "card_declined"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    EXPIRED_CARD = "expired_card"
    INCORRECT_CVC = "incorrect_cvc"
    NO_PAYMENT_METHOD = "no_payment_method"
    PROCESSING_ERROR = "processing_error"

    @property
    def retryable(self) -> bool:
        """Whether the same card may succeed later. If not, only another card can."""
        return self in (FailureCode.CARD_DECLINED, FailureCode.INSUFFICIENT_FUNDS, FailureCode.PROCESSING_ERROR)
