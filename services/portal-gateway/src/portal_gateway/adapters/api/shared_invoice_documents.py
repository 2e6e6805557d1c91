"""Response bodies about a shared invoice and its links for the OpenAPI description. Fields are only added."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel

from portal_gateway.adapters.api.common_documents import Accepted, Last4, Money
from portal_gateway.adapters.api.payment_documents import DuesInWords
from portal_gateway.domain.view import InvoiceStatus


class SharedInvoice(BaseModel):
    """The invoice that an invoice link shows."""

    number: str
    """Invoice number."""
    issued_on: date
    """Date of issue."""
    total: Money
    """The total, which is what a payment charges."""
    status: InvoiceStatus
    """The status. `failed` only after a payment of this session has failed."""
    status_text: str
    """The status in words."""
    payable: bool
    """Whether it can be paid now."""
    authenticate_until: datetime | None = None
    """How long this session's payment waits for the payer's answer to their bank, by the wall clock. Null unless it waits."""
    pdf_url: str
    """Address of the PDF document."""
    csrf: str
    """The session's token, for `x-csrf-token`."""


class OneTimeSetup(DuesInWords):
    """A page on which a card can be typed that pays this invoice and is not stored."""

    setup_id: UUID
    """Id of the set-up."""
    frame_url: str
    """Address of the card page, for an iframe."""


class ConfirmationPage(BaseModel):
    """A page on which the payer confirms the payment at their bank."""

    setup_id: UUID
    """Id of the opening of the page. It is valid for half an hour."""
    frame_url: str
    """Address of the page, for an iframe."""


class CardOfPayment(BaseModel):
    """The card that is charged once."""

    brand: Literal["visa", "mastercard", "amex", "other"]
    """The card's network."""
    last4: Last4
    """Last four digits of the card number."""


class OneTimePaymentStarted(Accepted):
    """A charge that has begun."""

    id: UUID
    """Id of the charge."""
    card: CardOfPayment
    """The card that is charged. It is not stored."""


class CreatedInvoiceLink(BaseModel):
    """A new link to an invoice."""

    url: str
    """The link for the person who pays. It is shown once and stored nowhere: treat it like a password."""
    expires_at: datetime
    """When the link stops working, by the wall clock."""
