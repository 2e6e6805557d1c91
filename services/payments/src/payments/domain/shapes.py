"""Types that wallets and payments share."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Money:
    amount_minor: int
    """In the currency's smallest unit: 2999 is 29.99 USD."""
    currency: str


SANDBOX: Final = "sandbox"
"""The provider of test cards."""
STRIPE: Final = "stripe"


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
    fingerprint: str | None = field(default=None, compare=False)
    """The provider's keyed hash of the number: equal for the same card of a customer. None if the provider has none."""
    provider: str = SANDBOX
    """The provider that has the card and charges it."""


class Remedy(StrEnum):
    """What can make a payment succeed that has failed."""

    WAIT = "wait"
    """The same card may succeed later."""
    ANOTHER_CARD = "another_card"
    AUTHENTICATE = "authenticate"
    """The customer has to confirm the payment at their bank."""


class RefundReason(StrEnum):
    INVOICE_VOIDED = "invoice_voided"
    CREDIT_NOTE = "credit_note"


class DisputeOutcome(StrEnum):
    WON = "won"
    LOST = "lost"
    PREVENTED = "prevented"
    """It was settled before it became a dispute."""
    INQUIRY_CLOSED = "inquiry_closed"
    """The bank inquired, and did not dispute the payment."""


class FailureCode(StrEnum):
    """The reason why a card could not be stored or charged."""

    CARD_DECLINED = "card_declined"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    EXPIRED_CARD = "expired_card"
    INCORRECT_CVC = "incorrect_cvc"
    NO_PAYMENT_METHOD = "no_payment_method"
    PROCESSING_ERROR = "processing_error"
    AUTHENTICATION_REQUIRED = "authentication_required"
    """The customer's bank wants the customer to confirm this payment."""
    AUTHENTICATION_FAILED = "authentication_failed"
    """The bank did not confirm that it was the customer."""
    AUTHENTICATION_ABANDONED = "authentication_abandoned"
    """The customer left before the bank had confirmed."""
    AMOUNT_NOT_CHARGEABLE = "amount_not_chargeable"
    """The provider cannot charge this amount or currency."""

    @property
    def remedy(self) -> Remedy | None:
        """The usual remedy. None: only the merchant can help. A provider may know a better one for a refusal."""
        return _REMEDIES[self]

    @property
    def retryable(self) -> bool:
        """Whether the same card may succeed later without the customer."""
        return self.remedy is Remedy.WAIT


_REMEDIES = {
    FailureCode.CARD_DECLINED: Remedy.WAIT,
    FailureCode.INSUFFICIENT_FUNDS: Remedy.WAIT,
    FailureCode.PROCESSING_ERROR: Remedy.WAIT,
    FailureCode.EXPIRED_CARD: Remedy.ANOTHER_CARD,
    FailureCode.INCORRECT_CVC: Remedy.ANOTHER_CARD,
    FailureCode.NO_PAYMENT_METHOD: Remedy.ANOTHER_CARD,
    FailureCode.AUTHENTICATION_REQUIRED: Remedy.AUTHENTICATE,
    FailureCode.AUTHENTICATION_FAILED: Remedy.AUTHENTICATE,
    FailureCode.AUTHENTICATION_ABANDONED: Remedy.AUTHENTICATE,
    FailureCode.AMOUNT_NOT_CHARGEABLE: None,
}
