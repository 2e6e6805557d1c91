"""The list of charges, with amounts, that a customer or a merchant was shown and confirmed."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from payments.domain.shapes import Money


@dataclass(frozen=True, slots=True)
class Period:
    """From start, inclusive, to end, exclusive; both aware and in UTC."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Consent:
    """A reference to the confirmation that a charge follows from."""

    id: UUID
    at: datetime
    """By the merchant's clock."""


@dataclass(frozen=True, slots=True)
class ConfirmedCharge:
    """One line of the list."""

    invoice_id: UUID
    """The id of an open invoice, or of the invoice that a begun period will get."""
    subscription_id: UUID
    amount: Money
    period: Period | None
    """None for invoices that an earlier version of this service recorded."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    id: UUID
    at: datetime
    charges: tuple[ConfirmedCharge, ...]
    method_id: UUID | None = None
    """The confirmed card. Begun periods are charged to it too, while it is on file."""

    @property
    def consent(self) -> Consent:
        return Consent(self.id, self.at)

    def allows(self, invoice_id: UUID, amount: Money) -> bool:
        """Whether the confirmation allows this amount for the invoice: at most the listed one."""
        return any(
            each.invoice_id == invoice_id
            and each.amount.currency == amount.currency
            and amount.amount_minor <= each.amount.amount_minor
            for each in self.charges
        )

    def leads_to(self, subscription_id: UUID, period: Period) -> list[UUID]:
        """The listed invoices that may precede this period. Empty if the period had not begun at the confirmation."""
        if period.start > self.at:
            return []  # its boundary came later: an ordinary renewal
        return [
            each.invoice_id
            for each in self.charges
            if each.subscription_id == subscription_id and (each.period is None or each.period.end == period.start)
        ]
