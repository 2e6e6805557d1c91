"""A customer's payment methods: those on file, and adding one for the merchant."""

from typing import Any

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from chassis.eventsourcing.aggregate import Outcome
from chassis.eventsourcing.command_handler import CommandHandler
from chassis.eventsourcing.event_store import Answer
from chassis.http.authentication import MerchantOrCustomer, only
from chassis.http.commands import CommandParam
from chassis.http.description import answers
from chassis.http.problems import Problem, not_found
from payments.adapters.http import documents
from payments.adapters.http.bodies import NewMethod
from payments.adapters.http.parameters import CustomerId, MethodId
from payments.application.card_change import method_json
from payments.application.charges import NoAnswer, UnknownToken
from payments.application.ports import Clock, Customers
from payments.application.provider_ports import Provider
from payments.application.query_ports import PaymentReader
from payments.domain.wallet.commands import AddMethod, Command, UseMethod
from payments.domain.wallet.events import Event
from payments.domain.wallet.wallet import Wallet


def routes(
    wallets: CommandHandler[Command, Event, Wallet],
    provider: Provider,
    customers: Customers,
    clock: Clock,
    reader: PaymentReader,
) -> APIRouter:
    api = APIRouter(prefix="/v1")

    @api.post("/customers/{customer_id}/payment-methods", status_code=201, dependencies=[Depends(only("merchant"))])
    @answers(documents.AddedMethod, (409, "no_payment_provider"), (409, "too_many_payment_methods"), (422, "invalid_token"))
    async def add(customer_id: CustomerId, body: NewMethod, request: CommandParam) -> Response:
        """Add a card from a provider's token, and make it the default unless `make_default` is false.

        Nothing is charged. Another entry of the same card is removed. A customer has ten cards at most: an eleventh that becomes
        the default takes the place of the former one, another one is refused.
        """
        merchant_id = request.principal.merchant_id
        if not await customers.known(merchant_id, customer_id):
            raise not_found()
        at = await clock.now(merchant_id)
        try:
            method = await provider.attach(merchant_id, customer_id, body.token, at, await clock.zone(merchant_id))
        except UnknownToken:
            raise Problem(422, "invalid_token", "This token cannot be used") from None
        except NoAnswer:
            raise Problem(503, "service_unavailable", "The payment provider does not answer; nothing was changed") from None

        def added(outcome: Outcome[Event, Wallet]) -> Answer:
            wallet = outcome.state
            role = {"is_default": wallet is not None and wallet.default_id == method.id}
            return Answer(201, method_json(method) | role | {"aggregate": outcome.stream.name, "version": outcome.version})

        command = UseMethod(customer_id, method, at) if body.make_default else AddMethod(customer_id, method, at)
        return await request.handle(wallets, customer_id, command, answer=added)

    @api.get("/customers/{customer_id}/payment-methods")
    @answers(documents.MethodsOnFile)
    async def on_file(customer_id: CustomerId, caller: MerchantOrCustomer) -> dict[str, Any]:
        """List a customer's cards, the default first."""
        caller.must_own(customer_id)
        if caller.kind == "merchant" and not await customers.known(caller.merchant_id, customer_id):
            raise not_found()
        return {"items": await reader.methods(caller.merchant_id, customer_id)}

    @api.get("/payment-methods/{method_id}")
    @answers(documents.OwnedMethod)
    async def one(method_id: MethodId, caller: MerchantOrCustomer) -> dict[str, Any]:
        """Read a card on file."""
        row = await reader.method(caller.merchant_id, method_id)
        if row is None or row["removed_at"] is not None or not caller.owns(row["customer_id"]):
            raise not_found()
        return {name: row[name] for name in documents.OwnedMethod.model_fields}

    return api
