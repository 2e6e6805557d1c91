"""Creating, listing and revoking portal links."""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Protocol
from uuid import UUID, uuid4

from cachetools import TTLCache
from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse, Response

from chassis.eventsourcing.event_store import Answer
from chassis.http.authentication import Merchant
from chassis.http.commands import CommandParam
from chassis.http.description import answers
from chassis.http.page_cursors import Cursors, Limit
from chassis.http.problems import Problem, not_found
from chassis.postgres.connection import Connection
from chassis.tenants import Tenants
from portal_gateway.adapters.links.documents import CreatedLink, LinkPage, NewLink
from portal_gateway.application.portal_links import Addresses, may_return_to
from portal_gateway.domain.access import AnyLink, Link, lifetime
from portal_gateway.domain.instants import rfc3339

UNKNOWN_SECONDS = 5.0
"""How long an unknown customer is not looked up in the subscriptions service again."""
UNKNOWN_MAX = 10_000
Cursor = Annotated[str | None, Query(max_length=500, description="`next_cursor` of the page before. The first page when absent.")]
OfCustomer = Annotated[UUID, Query(description="The customer's id.")]


class Links(Protocol):
    async def knows(self, merchant_id: UUID, customer_id: UUID) -> bool: ...

    async def add(self, connection: Connection, link: Link, pepper: str, digest: bytes, created_by: str) -> None: ...

    async def page(
        self, merchant_id: UUID, customer_id: UUID, before: tuple[datetime, UUID] | None, limit: int
    ) -> list[dict[str, Any]]: ...

    async def revoke(self, connection: Connection, merchant_id: UUID, link_id: UUID) -> bool: ...

    async def revoke_all(self, connection: Connection, merchant_id: UUID, customer_id: UUID) -> None: ...


LookUp = Callable[[UUID, UUID], Awaitable[Any]]
"""(merchant, customer): raises Problem 404 if the subscriptions service does not know the customer."""


class CustomerDirectory:
    """Whether a merchant has a customer. One that has not arrived from Kafka is looked up in the subscriptions service."""

    def __init__(self, links: Links, look_up: LookUp) -> None:
        self._links, self._look_up = links, look_up
        self._unknown: TTLCache[tuple[UUID, UUID], None] = TTLCache(UNKNOWN_MAX, UNKNOWN_SECONDS)

    async def require(self, merchant_id: UUID, customer_id: UUID) -> None:
        """Raises Problem 404, or 503 if the subscriptions service cannot be reached."""
        key = merchant_id, customer_id
        if await self._links.knows(*key):
            return
        if key in self._unknown:
            raise not_found()
        try:
            await self._look_up(*key)
        except Problem as problem:
            if problem.status == 404:
                self._unknown[key] = None
            raise


def link_routes(
    links: Links, directory: CustomerDirectory, tenants: Tenants, addresses: Addresses, cursors: Cursors
) -> APIRouter:
    api = APIRouter(prefix="/v1/portal-links", tags=["portal links"])

    @api.post("", status_code=201)
    @answers(CreatedLink, (404, "not_found"), (409, "link_cannot_be_shown"))
    async def create(merchant: Merchant, body: NewLink, request: CommandParam) -> Response:
        """Create a portal link for a customer.

        The URL is shown in this answer, and again to a repetition under the same Idempotency-Key. It is stored nowhere.
        """
        expires_at = expiry(body.kind, body.expires_in)
        await _check_return_url(tenants, merchant.merchant_id, body.return_url)
        # Before the transaction, which would hold a connection during the look-up.
        await directory.require(merchant.merchant_id, body.customer_id)
        attempt = request.key.key if request.key else None

        async def work(connection: Connection) -> Answer:
            link = Link(
                uuid4(), merchant.merchant_id, body.customer_id, body.kind, expires_at, body.flow, body.locale, body.return_url
            )
            pepper = addresses.peppers.newest
            token = created[link.id] = addresses.token(link.id, attempt, pepper)
            await links.add(connection, link, pepper, addresses.peppers.digest(token, pepper), merchant.subject)
            return Answer(201, {"id": str(link.id), "expires_at": rfc3339(expires_at), "pepper": pepper})

        created: dict[UUID, Any] = {}
        answer = await request.run_once(work)
        if answer.status_code != 201:
            return answer
        stored = json.loads(bytes(answer.body))
        id, pepper = UUID(stored["id"]), stored.pop("pepper")
        if not addresses.peppers.knows(pepper):
            raise Problem(409, "link_cannot_be_shown", "The link has stopped working with a retired key: create another one")
        token = created.get(id) or addresses.token(id, attempt, pepper)
        return JSONResponse({**stored, "url": addresses.url(token, body.kind)}, 201)

    @api.get("")
    @answers(LinkPage)
    async def listed(merchant: Merchant, customer_id: OfCustomer, cursor: Cursor = None, limit: Limit = 20) -> dict[str, Any]:
        """List a customer's portal links, newest first, without their URLs."""
        before = None
        if cursor:
            position = cursors.decode(cursor)
            if position.get("links_of") != str(customer_id):
                raise Problem(422, "invalid_cursor", "The cursor is invalid")
            before = datetime.fromisoformat(position["at"]), UUID(position["id"])
        items = await links.page(merchant.merchant_id, customer_id, before, limit + 1)
        shown, more = items[:limit], len(items) > limit
        last = {"links_of": str(customer_id), "at": shown[-1]["created_at"], "id": shown[-1]["id"]} if more else None
        return {"items": shown, "next_cursor": cursors.encode(last) if last else None}

    @api.delete("", status_code=204)
    async def revoke_all(merchant: Merchant, customer_id: OfCustomer, request: CommandParam) -> Response:
        """Revoke all portal links of a customer, and all links to the customer's invoices.

        Sessions that were entered through them end at their next request.
        """

        async def work(connection: Connection) -> Answer:
            await links.revoke_all(connection, merchant.merchant_id, customer_id)
            return Answer(204, {})

        return await request.run_once(work)

    @api.delete("/{link_id}", status_code=204)
    async def revoke(
        merchant: Merchant, link_id: Annotated[UUID, Path(description="The link's id.")], request: CommandParam
    ) -> Response:
        """Revoke a portal link.

        Sessions that were entered through it end at their next request.
        """

        async def work(connection: Connection) -> Answer:
            if not await links.revoke(connection, merchant.merchant_id, link_id):
                raise not_found()
            return Answer(204, {})

        return await request.run_once(work)

    return api


def expiry(kind: AnyLink, expires_in: int | None) -> datetime:
    """Raises Problem 422 for a lifetime beyond the maximum of its kind."""
    try:
        return (datetime.now(UTC) + lifetime(kind, expires_in)).replace(microsecond=0)
    except ValueError as error:
        errors = [{"pointer": "/expires_in", "code": "out_of_range", "detail": str(error)}]
        raise Problem(422, "invalid_request", "The request is invalid", errors=errors) from None


async def _check_return_url(tenants: Tenants, merchant_id: UUID, return_url: str | None) -> None:
    if return_url is None:
        return
    tenant = await tenants.get(merchant_id)
    if tenant is None or not may_return_to(return_url, tenant.doc):
        errors = [{"pointer": "/return_url", "code": "not_allowed", "detail": "of the merchant's own sites only"}]
        raise Problem(422, "invalid_request", "The request is invalid", errors=errors)
