"""What is sent to the service, and the shapes it answers with."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StrictStr, StringConstraints

from chassis.http.bodies import StrictBody
from payments.application.card_entry import Due
from payments.domain.shapes import Money

Token = Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Za-z0-9_-]{1,100}$")]


class OpenSetUp(StrictBody):
    locale: Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Za-z]{2,3}([_-][A-Za-z0-9]{2,8}){0,3}$")] = "es"
    colour: Annotated[str, StringConstraints(strict=True, pattern=r"^#[0-9a-f]{6}$")] | None = None
    portal_origin: StrictStr | None = None
    """Where the page is going to be framed; no other origin than the portal's is accepted."""


class NewDefault(StrictBody):
    setup_id: UUID
    token: Token
    charge_invoices: Annotated[tuple[UUID, ...], Field(max_length=100)] = ()
    """What the customer saw listed and agreed to pay."""


class NewMethod(StrictBody):
    token: Token


def money_json(amount: Money) -> dict[str, Any]:
    return {"amount_minor": amount.amount_minor, "currency": amount.currency}


def due_json(due: Sequence[Due]) -> dict[str, Any]:
    """`due` and `total`, which is null when nothing is due, or in more than one currency."""
    currencies = {each.amount.currency for each in due}
    total = None
    if len(currencies) == 1:
        total = money_json(Money(sum(each.amount.amount_minor for each in due), currencies.pop()))
    listed = [{"invoice_id": str(each.invoice_id), "number": each.number, "amount": money_json(each.amount)} for each in due]
    return {"due": listed, "total": total}
