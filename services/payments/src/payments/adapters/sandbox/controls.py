"""The sandbox's own HTTP surface, for the operator: make it misbehave, and read its books."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response
from pydantic import BaseModel, Field

from chassis.http.authentication import only
from chassis.http.bodies import StrictBody
from chassis.http.description import answers
from payments.adapters.sandbox.behaviour import Mode, behave
from payments.adapters.sandbox.ledger import LedgerPool
from payments.adapters.sandbox.provider import ledger

MerchantId = Annotated[UUID, Query(description="The merchant's id.")]


class Misbehaviour(StrictBody):
    """How the sandbox provider behaves from now on."""

    merchant_id: UUID
    """The merchant of the charges."""
    customer_id: UUID | None = None
    """The one customer concerned. When absent: all of the merchant's customers without a behaviour of their own."""
    mode: Mode
    """`hang` does nothing and never answers, `late` answers after `seconds`, `lose` charges and never answers."""
    seconds: Annotated[float, Field(strict=True, ge=0, le=86_400, allow_inf_nan=False)] = 30
    """How late an answer is, or how long a call hangs, in seconds."""


class BookedCharge(BaseModel):
    """A charge in the provider's books."""

    charge_id: UUID
    """Id of the charge."""
    customer_id: UUID
    """The customer."""
    method_id: UUID
    """The payment method."""
    amount_minor: int
    """Amount in the currency's smallest unit."""
    currency: str
    """ISO 4217 code."""
    code: str | None
    """Why the charge was refused. Null when the money was taken."""
    reference: str
    """The provider's reference."""
    recorded_at: datetime
    """When it was recorded, by the wall clock."""


class BookedRefund(BaseModel):
    """A refund in the provider's books."""

    charge_id: UUID
    """The charge that was refunded."""
    refund_id: UUID
    """Id of the refund."""
    amount_minor: int
    """What went back, in the currency's smallest unit."""
    reference: str
    """The provider's reference."""
    recorded_at: datetime
    """When it was recorded, by the wall clock."""


class Ledger(BaseModel):
    """The sandbox provider's books about one merchant, oldest first."""

    charges: list[BookedCharge]
    """Charges that were taken or refused."""
    refunds: list[BookedRefund]
    """Refunds that were made."""


def routes(ledger_pool: LedgerPool) -> APIRouter:
    api = APIRouter(prefix="/sandbox", dependencies=[Depends(only("operator"))])

    @api.post("/behaviour", status_code=204)
    async def misbehave(body: Misbehaviour) -> Response:
        """Make the sandbox provider misbehave."""
        await behave(ledger_pool, body.merchant_id, body.customer_id, body.mode, body.seconds)
        return Response(status_code=204)

    @api.get("/ledger")
    @answers(Ledger)
    async def what_the_books_say(merchant_id: MerchantId) -> dict[str, list[dict[str, Any]]]:
        """Read what the sandbox provider took, refused and gave back for a merchant."""
        return await ledger(ledger_pool, merchant_id)

    return api
