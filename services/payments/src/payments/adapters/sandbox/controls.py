"""The sandbox's own HTTP surface, for the operator: make it misbehave, and read its books."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import Field

from chassis.http.bodies import StrictBody
from chassis.http.principal import only
from payments.adapters.sandbox.behaviour import Mode, behave
from payments.adapters.sandbox.books import Books
from payments.adapters.sandbox.provider import ledger


class Misbehaviour(StrictBody):
    merchant_id: UUID
    customer_id: UUID | None = None
    """None: all of the merchant's customers that have none of their own."""
    mode: Mode
    seconds: Annotated[float, Field(strict=True, ge=0, le=86_400, allow_inf_nan=False)] = 30


def routes(books: Books) -> APIRouter:
    api = APIRouter(prefix="/sandbox", dependencies=[Depends(only("operator"))])

    @api.post("/behaviour", status_code=204)
    async def misbehave(body: Misbehaviour) -> Response:
        await behave(books, body.merchant_id, body.customer_id, body.mode, body.seconds)
        return Response(status_code=204)

    @api.get("/ledger")
    async def what_the_books_say(merchant_id: UUID) -> dict[str, list[dict[str, Any]]]:
        return await ledger(books, merchant_id)

    return api
