"""What is sent to the service, and the shapes it answers with."""

from collections.abc import Sequence
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import Field, StrictInt, StrictStr, StringConstraints, model_validator

from chassis.http.bodies import StrictBody
from payments.application.dues import Due, Listed, totals
from payments.domain.shapes import Money

Invoices = Annotated[tuple[UUID, ...], Field(max_length=1000)]
Token = Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Za-z0-9_-]{1,100}$")]


class OpenSetUp(StrictBody):
    locale: Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Za-z]{2,3}([_-][A-Za-z0-9]{2,8}){0,3}$")] = "es"
    colour: Annotated[str, StringConstraints(strict=True, pattern=r"^#[0-9a-f]{6}$")] | None = None
    portal_origin: StrictStr | None = None
    """Where the page is going to be framed; no other origin than the portal's is accepted."""


class Amount(StrictBody):
    amount_minor: Annotated[StrictInt, Field(ge=0, le=2**53)]
    currency: Annotated[str, StringConstraints(strict=True, pattern="^[A-Z]{3}$")]

    def shape(self) -> Money:
        return Money(self.amount_minor, self.currency)


class NewDefault(StrictBody):
    setup_id: UUID
    token: Token
    charge_invoices: Invoices = ()
    """What the customer saw listed and agreed to pay."""
    totals: Annotated[tuple[Amount, ...], Field(max_length=10)] | None = None
    """What they saw as its sum, by currency."""


class NewCharge(StrictBody):
    """Pay an open invoice now. A merchant may leave out all but the invoice; a customer names the card and the amount."""

    invoice_id: UUID
    payment_method_id: UUID | None = None
    amount_minor: Annotated[StrictInt, Field(ge=0, le=2**53)] | None = None
    """Of everything that follows: the invoice, and the periods that have begun since."""
    currency: Annotated[str, StringConstraints(strict=True, pattern="^[A-Z]{3}$")] | None = None
    charge_invoices: Invoices | None = None
    """The invoices of all that, as they were listed."""
    effect: Annotated[str, StringConstraints(strict=True, pattern="^[a-z]{1,20}$")] | None = None
    """What was said to become of the subscription."""

    @model_validator(mode="after")
    def an_amount_has_a_currency(self) -> Self:
        if (self.amount_minor is None) != (self.currency is None):
            raise ValueError("amount_minor and currency come together")
        return self


class NewMethod(StrictBody):
    token: Token


def money_json(amount: Money) -> dict[str, Any]:
    return {"amount_minor": amount.amount_minor, "currency": amount.currency}


def due_json(due: Sequence[Due], *, more: bool = False) -> dict[str, Any]:
    """`due` and `total`, which is null when nothing is due, or in more than one currency; `more` when periods are left out."""
    sums = totals(due)
    total = money_json(sums[0]) if len(sums) == 1 else None
    return {"due": [_line(each) for each in due], "total": total} | ({"more": True} if more else {})


def listed_json(listed: Listed) -> dict[str, Any]:
    return due_json(listed.due, more=listed.more)


def _line(of: Due) -> dict[str, Any]:
    """A begun period has no number yet, but the id that its invoice will have."""
    line: dict[str, Any] = {"invoice_id": str(of.invoice_id), "number": of.number, "amount": money_json(of.amount)}
    if of.effect:
        line |= {"subscription_id": str(of.subscription_id), "effect": of.effect}
    if of.number is None and of.period:
        period = {"start": of.period.start.isoformat(), "end": of.period.end.isoformat()}
        line |= {"subscription_id": str(of.subscription_id), "period": period}
    return line
