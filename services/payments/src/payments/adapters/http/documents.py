"""What the routes answer with, for the description of the API: fields are only added."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from billing_contracts.money import Money

Brand = Literal["visa", "mastercard", "amex", "other"]
Last4 = Annotated[str, Field(pattern="^[0-9]{4}$")]


class Period(BaseModel):
    start: datetime
    end: datetime


class Due(BaseModel):
    """What a confirmation charges: an open invoice, or a period that has begun. Its invoice is issued later."""

    invoice_id: UUID
    number: str | None
    """Null before the invoice is issued."""
    amount: Money
    subscription_id: UUID | None = None
    period: Period | None = None
    effect: str | None = None
    """What paying the invoice does to its subscription: starts, continues, ends or settles."""


class Dues(BaseModel):
    due: list[Due]
    total: Money | None
    """Null when nothing is due, or in more than one currency."""
    more: bool = False
    """Whether more periods have begun than are listed."""


class SetUp(Dues):
    setup_id: UUID
    frame_url: str


class PaymentPreview(Dues):
    invoice_id: UUID
    running: bool
    """Whether a charge for the invoice is under way."""


class Method(BaseModel):
    id: UUID
    brand: Brand
    last4: Last4
    exp_month: int
    exp_year: int


class MethodOnFile(Method):
    is_default: bool


class MethodsOnFile(BaseModel):
    items: list[MethodOnFile]


class OwnedMethod(MethodOnFile):
    customer_id: UUID


class Accepted(BaseModel):
    aggregate: str
    version: int


class AddedMethod(Method, Accepted):
    pass


class ChargeStarted(Accepted):
    invoice_id: UUID


class StartedPayment(Dues, Accepted):
    id: UUID
    """Of the charge."""
    invoice_id: UUID
    attempt: int
    status: Literal["open"]
    payment_method: Method
    confirmation_id: UUID


class ChangedDefault(Accepted):
    payment_method: Method
    charges: list[ChargeStarted]


class ChargedCard(BaseModel):
    id: UUID
    brand: Brand | None
    last4: Last4 | None


class Charge(BaseModel):
    id: UUID
    invoice_id: UUID
    attempt: int
    amount: Money
    status: Literal["open", "unknown", "succeeded", "failed", "refunded"]
    code: str | None
    reference: str | None
    payment_method: ChargedCard | None
    started_at: datetime
    ended_at: datetime | None
    refunded_at: datetime | None


class Charges(BaseModel):
    items: list[Charge]
