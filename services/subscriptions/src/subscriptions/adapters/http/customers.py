"""Customers' profiles."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace
from typing import Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Response

from chassis.eventsourcing.context import Context
from chassis.eventsourcing.event_store import Answer
from chassis.http.authentication import OF_A_MERCHANT, Caller, Merchant, tenant_of
from chassis.http.bodies import StrictBody
from chassis.http.commands import CommandParam
from chassis.http.description import answers
from chassis.http.problems import Problem, not_found
from chassis.postgres.connection import Connection
from chassis.tenants import Tenants
from subscriptions.adapters.http import documents
from subscriptions.adapters.http.bodies import Address, Country, Email, Locale, Name, PurchaseOrder, TaxId
from subscriptions.adapters.http.parameters import CustomerId
from subscriptions.application.ports import Customers
from subscriptions.application.profiles import Customer, Profile

CancelAll = Callable[[Context, UUID], Awaitable[None]]
"""Ends the customer's subscriptions."""


class NewCustomer(StrictBody):
    """A customer to create."""

    name: Name
    """Name as printed on invoices."""
    email: Email
    """E-mail address."""
    locale: Locale | None = None
    """BCP 47 language tag of the customer's page and invoices: `es-MX`. The merchant's when absent."""
    country: Country | None = None
    """ISO 3166-1 alpha-2 code: `MX`."""
    tax_id: TaxId | None = None
    """Tax number, as printed on invoices."""
    address: Address | None = None
    """Postal address, as printed on invoices. It may contain line breaks."""
    purchase_order: PurchaseOrder | None = None
    """The buyer's purchase order or other reference, as printed on invoices."""


class ChangedCustomer(StrictBody):
    """Fields of the profile to change. An absent field stays as it is."""

    name: Name | None = None
    """Name as printed on later invoices. It cannot be removed."""
    email: Email | None = None
    """E-mail address. It cannot be removed."""
    locale: Locale | None = None
    """BCP 47 language tag. Null removes it: the merchant's applies."""
    country: Country | None = None
    """ISO 3166-1 alpha-2 code. Null removes it."""
    tax_id: TaxId | None = None
    """Tax number. Null removes it."""
    address: Address | None = None
    """Postal address. Null removes it."""
    purchase_order: PurchaseOrder | None = None
    """Purchase order or other reference on later invoices. Null removes it."""


def routes(customers: Customers, tenants: Tenants, end_all: CancelAll) -> APIRouter:
    api = APIRouter(prefix="/v1/customers", tags=["customers"])

    @api.post("", status_code=201)
    @answers(documents.Customer)
    async def create(request: CommandParam, caller: Merchant, body: NewCustomer) -> Response:
        """Create a customer."""
        context, at = request.context, (await tenant_of(caller, tenants)).now()

        async def work(connection: Connection) -> Answer:
            return Answer(201, document(await customers.add(connection, context, uuid4(), Profile(**body.model_dump()), at)))

        return await request.run_once(work)

    @api.get("/{id}")
    @answers(documents.Customer, security=OF_A_MERCHANT)
    async def read(caller: Caller, id: CustomerId) -> dict[str, Any]:
        """Read a customer's profile."""
        customer = await customers.get(caller.merchant_id, id)
        if customer is None or not caller.owns(id):
            raise not_found()
        return document(customer)

    @api.patch("/{id}")
    @answers(documents.Customer)
    async def change(request: CommandParam, caller: Merchant, id: CustomerId, body: ChangedCustomer) -> Response:
        """Change a customer's profile.

        An absent field stays as it is; null removes a field that may be absent. Issued invoices do not change.
        """
        changes = body.model_dump(exclude_unset=True)
        if removed := [field for field in ("name", "email") if field in changes and changes[field] is None]:
            errors = [{"pointer": f"/{field}", "code": "required", "detail": "cannot be removed"} for field in removed]
            raise Problem(422, "invalid_request", "The request is invalid", errors=errors)
        context, at = request.context, (await tenant_of(caller, tenants)).now()

        async def work(connection: Connection) -> Answer:
            customer = await customers.locked(connection, caller.merchant_id, id)
            if customer is None:
                raise not_found()
            profile = replace(customer.profile, **changes)
            if profile != customer.profile:
                customer = Customer(id, customer.revision + 1, profile)
                await customers.change(connection, context, customer, at)
            return Answer(200, document(customer))

        return await request.run_once(work)

    @api.delete("/{id}", status_code=204)
    async def erase(request: CommandParam, caller: Merchant, id: CustomerId) -> Response:
        """Erase a customer.

        The customer's subscriptions end at once, their personal data is destroyed and their portal links stop working. Issued
        invoices remain, without the buyer's name and address.
        """
        if await customers.get(caller.merchant_id, id) is not None:
            await end_all(request.context, id)

        async def work(connection: Connection) -> Answer:
            if not await customers.erase(connection, caller.merchant_id, id):
                raise not_found()
            return Answer(204, {})

        answer = await request.run_once(work)
        await end_all(request.context, id)  # a subscription may have been started while the others were ended
        return answer

    return api


def document(customer: Customer) -> dict[str, Any]:
    return {"id": str(customer.id), "revision": customer.revision, **asdict(customer.profile)}
