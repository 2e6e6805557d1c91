"""Credit notes: the calculation of their tax, and their read model."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from billing_contracts.shapes import Tax as Rate
from billing_contracts.tax import taxed
from invoicing.application.invoices import SortKey
from invoicing.application.publication import credit_amounts, tax
from invoicing.domain.invoice.events import Card, Credited, Issued
from invoicing.domain.parties import BillTo
from invoicing.domain.plan import Tax
from invoicing.domain.totals import Amounts


@dataclass(frozen=True, slots=True)
class CreditRefund:
    """The refund that settles a credit note."""

    status: Literal["requested", "made", "failed"] = "requested"
    at: datetime | None = None
    """When its outcome was known."""
    reference: str | None = None


NOT_REFUNDED = CreditRefund()


@dataclass(frozen=True, slots=True)
class CreditNoteView:
    merchant_id: UUID
    id: UUID
    invoice_id: UUID
    credited: Credited
    issued: Issued
    """The invoice."""
    card: Card | None
    """The card that paid the invoice, to which the refund goes."""
    refund: CreditRefund = NOT_REFUNDED

    @property
    def sort_key(self) -> SortKey:
        return self.credited.issued_on, self.credited.ordinal, self.id


@dataclass(frozen=True, slots=True)
class CreditNoteDocument:
    """All data of a printed credit note. Equal documents give equal bytes."""

    credited: Credited
    issued: Issued
    card: Card | None
    bill_to: BillTo | None
    """None once its key has been destroyed, after the statutory retention period."""


@dataclass(frozen=True, slots=True)
class CreditNoteFilter:
    """Conditions on credit notes. None matches any value."""

    customer_id: UUID | None = None
    invoice_id: UUID | None = None


def contained(amount: int, rate: Tax | None) -> Amounts:
    """The net and the tax of an amount that contains the tax, by the calculation of all prices."""
    if rate is None:
        return Amounts(amount, 0)
    split = taxed(amount, Rate(name=rate.name, rate_basis_points=rate.rate_basis_points, inclusive=True))
    return Amounts(split.net, split.tax)


def credit_note_json(view: CreditNoteView) -> dict[str, Any]:
    credited, issued, refund = view.credited, view.issued, view.refund
    rate = tax(issued.tax)
    return {
        "id": str(view.id),
        "number": credited.number,
        "issued_on": credited.issued_on.isoformat(),
        "customer_id": str(issued.customer_id),
        "invoice_id": str(view.invoice_id),
        "invoice_number": issued.number,
        "invoice_issued_on": issued.issued_on.isoformat(),
        "reason": credited.reason,
        **{name: _json(value) for name, value in credit_amounts(credited, issued.currency).items()},
        "tax": rate.model_dump(mode="json") if rate else None,
        "refund": {
            "status": refund.status,
            "at": refund.at.isoformat().replace("+00:00", "Z") if refund.at else None,
            "reference": refund.reference,
            "payment_method": {"brand": view.card.brand, "last4": view.card.last4} if view.card else None,
        },
    }


def _json(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_json(each) for each in value]
    return value.model_dump(mode="json")
