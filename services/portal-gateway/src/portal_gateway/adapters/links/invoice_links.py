"""Creating, listing and revoking links to one invoice."""

import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any, Protocol
from uuid import UUID, uuid4

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse, Response

from chassis.eventsourcing.event_store import Answer
from chassis.http.authentication import Merchant
from chassis.http.commands import CommandParam
from chassis.http.description import answers
from chassis.http.page_cursors import Cursors, Limit
from chassis.http.problems import Problem, not_found
from chassis.postgres.connection import Connection
from portal_gateway.adapters.links.documents import CreatedLink, InvoiceLinkPage, NewInvoiceLink
from portal_gateway.adapters.links.routes import Cursor, expiry
from portal_gateway.application.portal_links import Addresses
from portal_gateway.domain.access import InvoiceLink
from portal_gateway.domain.instants import rfc3339
from portal_gateway.domain.tokens import LinkToken


class LinksToInvoices(Protocol):
    async def customer_of(self, merchant_id: UUID, invoice_id: UUID) -> UUID | None: ...

    async def add(self, connection: Connection, link: InvoiceLink, pepper: str, digest: bytes, created_by: str) -> None: ...

    async def page(
        self, merchant_id: UUID, customer_id: UUID, invoice_id: UUID, before: tuple[datetime, UUID] | None, limit: int
    ) -> list[dict[str, Any]]: ...

    async def revoke(self, connection: Connection, merchant_id: UUID, link_id: UUID) -> bool: ...


CustomerOf = Callable[[UUID, UUID], Awaitable[UUID]]
"""(merchant, invoice): the customer in the invoicing service. Raises Problem 404."""
OfInvoice = Annotated[UUID, Query(description="The invoice's id.")]


def invoice_link_routes(links: LinksToInvoices, look_up: CustomerOf, addresses: Addresses, cursors: Cursors) -> APIRouter:
    api = APIRouter(prefix="/v1/invoice-links", tags=["invoice links"])

    async def customer_of(merchant_id: UUID, invoice_id: UUID) -> UUID:
        """Raises Problem 404 for an invoice that the merchant does not have."""
        return await links.customer_of(merchant_id, invoice_id) or await look_up(merchant_id, invoice_id)

    @api.post("", status_code=201)
    @answers(CreatedLink, (404, "not_found"), (409, "link_cannot_be_shown"))
    async def create(merchant: Merchant, body: NewInvoiceLink, request: CommandParam) -> Response:
        """Create a link to one invoice, for the person who pays it.

        It shows this invoice only, and can be used many times. The URL is shown in this answer, and again to a repetition under
        the same Idempotency-Key. It is stored nowhere.
        """
        expires_at = expiry("invoice", body.expires_in)
        # Before the transaction, which would hold a connection during the look-up.
        customer_id = await customer_of(merchant.merchant_id, body.invoice_id)
        attempt = request.key.key if request.key else None
        created: dict[UUID, LinkToken] = {}

        async def work(connection: Connection) -> Answer:
            link = InvoiceLink(uuid4(), merchant.merchant_id, customer_id, body.invoice_id, expires_at, body.locale)
            pepper = addresses.peppers.newest
            token = created[link.id] = addresses.token(link.id, attempt, pepper)
            await links.add(connection, link, pepper, addresses.peppers.digest(token, pepper), merchant.subject)
            return Answer(201, {"id": str(link.id), "expires_at": rfc3339(expires_at), "pepper": pepper})

        answer = await request.run_once(work)
        if answer.status_code != 201:
            return answer
        stored = json.loads(bytes(answer.body))
        id, pepper = UUID(stored["id"]), stored.pop("pepper")
        if not addresses.peppers.knows(pepper):
            raise Problem(409, "link_cannot_be_shown", "The link has stopped working with a retired key: create another one")
        token = created.get(id) or addresses.token(id, attempt, pepper)
        return JSONResponse({**stored, "url": addresses.invoice_url(token)}, 201)

    @api.get("")
    @answers(InvoiceLinkPage, (404, "not_found"))
    async def listed(merchant: Merchant, invoice_id: OfInvoice, cursor: Cursor = None, limit: Limit = 20) -> dict[str, Any]:
        """List the links to an invoice, newest first, without their URLs."""
        before = None
        if cursor:
            position = cursors.decode(cursor)
            if position.get("invoice_links_of") != str(invoice_id):
                raise Problem(422, "invalid_cursor", "The cursor is invalid")
            before = datetime.fromisoformat(position["at"]), UUID(position["id"])
        customer_id = await customer_of(merchant.merchant_id, invoice_id)
        items = await links.page(merchant.merchant_id, customer_id, invoice_id, before, limit + 1)
        shown, more = items[:limit], len(items) > limit
        last = {"invoice_links_of": str(invoice_id), "at": shown[-1]["created_at"], "id": shown[-1]["id"]} if more else None
        return {"items": shown, "next_cursor": cursors.encode(last) if last else None}

    @api.delete("/{link_id}", status_code=204)
    async def revoke(
        merchant: Merchant, link_id: Annotated[UUID, Path(description="The link's id.")], request: CommandParam
    ) -> Response:
        """Revoke a link to an invoice.

        Sessions that were entered through it end at their next request.
        """

        async def work(connection: Connection) -> Answer:
            if not await links.revoke(connection, merchant.merchant_id, link_id):
                raise not_found()
            return Answer(204, {})

        return await request.run_once(work)

    return api
