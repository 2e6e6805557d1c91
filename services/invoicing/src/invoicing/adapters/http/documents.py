"""What the routes answer with, for the description of the API: fields are only added."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from billing_contracts import invoicing, shapes
from billing_contracts.money import Money

Last4 = Annotated[str, Field(pattern="^[0-9]{4}$")]


class InvoiceSummary(BaseModel):
    id: UUID
    version: int
    customer_id: UUID
    number: str
    issued_on: date
    subscription_id: UUID
    period: shapes.Period
    period_number: int
    plan_name: str
    net_total: Money
    tax_total: Money
    total: Money
    status: Literal["open", "paid", "void"]
    paid_at: datetime | None
    voided_at: datetime | None
    payment_method: shapes.Card | None


class InvoicePage(BaseModel):
    items: list[InvoiceSummary]
    next_cursor: str | None


class UsedCard(BaseModel):
    brand: str
    last4: Last4 | None


class Movement(BaseModel):
    date: date
    at: datetime
    kind: str
    amount: Money
    status: str | None
    payment_method: UsedCard | None
    reason: str | None
    reference: str | None


class Invoice(InvoiceSummary):
    plan: shapes.Plan
    lines: list[invoicing.InvoiceLine]
    seller: dict[str, Any]
    locale: str
    time_zone: str
    bill_to: dict[str, Any] | None
    """Null once its key was destroyed."""
    movements: list[Movement]


class Accepted(BaseModel):
    aggregate: str
    version: int


class Documents(BaseModel):
    done: int
    total: int


class Progress(BaseModel):
    progress: Documents | None
