"""Start, read and cancel subscriptions, and withdraw cancellations."""

from typing import Any, Literal
from uuid import UUID, uuid4

from fastapi import APIRouter, Response

from chassis.eventsourcing.aggregate import Loaded, Outcome
from chassis.eventsourcing.command_handler import CommandHandler
from chassis.eventsourcing.event_store import Answer, Statement
from chassis.eventsourcing.lost_events import StreamBlocked
from chassis.http.authentication import OF_A_MERCHANT, Caller, Merchant, MerchantOrCustomer, Principal, tenant_of
from chassis.http.commands import CommandParam, CommandRequest, accepted
from chassis.http.description import answers
from chassis.http.free_text import clean
from chassis.http.problems import not_found
from chassis.tenants import Tenant, Tenants
from subscriptions.adapters.http import documents
from subscriptions.adapters.http.bodies import Cancellation, NewSubscription
from subscriptions.adapters.http.customers import CancelAll
from subscriptions.adapters.http.parameters import Mode, SubscriptionId
from subscriptions.adapters.http.plans import Publishing
from subscriptions.adapters.http.representations import cancelled, document, iso, money, withdrawn
from subscriptions.application import reactions
from subscriptions.application.ports import Comments, Customers
from subscriptions.application.pricing import objection, period_price
from subscriptions.application.profiles import Customer
from subscriptions.domain.plan.terms import Tax
from subscriptions.domain.preview import preview
from subscriptions.domain.subscription.commands import Cancel, Command, Start, WithdrawCancellation
from subscriptions.domain.subscription.events import Event
from subscriptions.domain.subscription.subscription import Subscription

Subscriptions = CommandHandler[Command, Event, Subscription]

NOT_STARTED = ((404, "not_found"), (422, "start_in_the_future"), (422, "currency_not_sold"), (422, "amount_too_large"))


def routes(
    subscriptions: Subscriptions,
    publishing: Publishing,
    customers: Customers,
    comments: Comments,
    tenants: Tenants,
    end_all: CancelAll,
) -> APIRouter:
    api = APIRouter(prefix="/v1/subscriptions", tags=["subscriptions"])

    @api.post("", status_code=201)
    @answers(documents.StartedSubscription, *NOT_STARTED)
    async def start(request: CommandParam, caller: Merchant, body: NewSubscription) -> Response:
        """Start a subscription.

        Its first invoice is issued and charged within seconds, to the customer's default payment method. The status is
        `incomplete` until the first payment.
        """
        customer = await require_customer(request, body.customer_id)
        _, plan = await publishing.state(caller.merchant_id, body.plan_id)
        if plan is None:
            raise not_found()
        tenant = await tenant_of(caller, tenants)
        now = tenant.now()
        started_at = body.started_at or now.replace(microsecond=0)
        zone = tenant.doc["time_zone"]
        against = objection(plan, body.quantity, tax_of(tenant))
        command = Start(customer.id, customer.revision, plan, body.quantity, zone, started_at, now, against)

        def started(outcome: Outcome[Event, Subscription]) -> Answer:
            return Answer(201, {**accepted(outcome).body, **document(outcome.stream.id, outcome.version, outcome.state)})

        answer = await request.handle(subscriptions, uuid4(), command, answer=started)
        # If the customer was erased meanwhile, the erasure did not see this subscription.
        await require_customer(request, customer.id)
        return answer

    @api.get("/{id}")
    @answers(documents.Subscription, (409, "under_review"), security=OF_A_MERCHANT)
    async def read(caller: Caller, id: SubscriptionId) -> dict[str, Any]:
        """Read a subscription."""
        loaded, subscription = await require_visible(caller, id)
        return document(id, loaded.version, subscription)

    @api.get("/{id}/cancellation/preview")
    @answers(documents.CancellationPreview, (409, "already_cancelled"), (409, "under_review"))
    async def foresee(caller: MerchantOrCustomer, id: SubscriptionId, mode: Mode = None) -> dict[str, Any]:
        """Preview a cancellation: when the subscription would end, and what becomes of an unpaid invoice."""
        _, subscription = await require_visible(caller, id)
        command, tax = await cancellation_of(caller, Cancellation(mode=mode))
        shown = preview(command, subscription, period_price(subscription.plan, subscription.quantity, tax))
        return {
            "mode": shown.mode,
            "effective_at": iso(shown.effective_at),
            "access_until": iso(shown.access_until),
            "open_amount": money(shown.open_amount) if shown.open_amount else None,
            "open_invoices": shown.open_invoices,
            "paid_until": shown.paid_until and iso(shown.paid_until),
        }

    @api.post("/{id}/cancellation", status_code=202)
    @answers(documents.CancellationAccepted, (409, "already_cancelled"))
    async def cancel(
        request: CommandParam, caller: MerchantOrCustomer, id: SubscriptionId, body: Cancellation | None = None
    ) -> Response:
        """Cancel a subscription, at the end of its period or immediately.

        A scheduled cancellation answers a repeated call with the first decision. It can still be brought forward with
        `immediately`.
        """
        body = body or Cancellation()
        loaded, subscription = await require_visible(caller, id)
        command, _ = await cancellation_of(caller, body)
        comment = clean(body.comment)

        def commented(_: Outcome[Event, Subscription]) -> list[Statement]:
            return [comments.write(caller.merchant_id, id, subscription.customer_id, comment.text)] if comment.text else []

        def answer(outcome: Outcome[Event, Subscription]) -> Answer:
            """`card_number_removed` only when the comment held one."""
            answered = cancelled(outcome)
            return Answer(answered.status, {**answered.body, "card_number_removed": True}) if comment.had_card else answered

        return await request.handle(subscriptions, id, command, answer=answer, statements=commented, seen=loaded)

    @api.delete("/{id}/cancellation", status_code=202)
    @answers(documents.CancellationWithdrawn, (409, "no_cancellation"), (409, "cancellation_took_effect"))
    async def withdraw(request: CommandParam, caller: MerchantOrCustomer, id: SubscriptionId) -> Response:
        """Withdraw a scheduled cancellation: the subscription continues."""
        past, _ = await require_visible(caller, id)
        command = WithdrawCancellation((await tenant_of(caller, tenants)).now())
        return await request.handle(subscriptions, id, command, answer=withdrawn, seen=past)

    async def require_customer(request: CommandRequest, id: UUID) -> Customer:
        """Ends subscriptions that were started while their customer was erased, at the latest when the request is repeated."""
        customer = await customers.get(request.principal.merchant_id, id)
        if customer is None:
            await end_all(request.context, id)
            raise not_found()
        return customer

    async def require_visible(caller: Principal, id: UUID) -> tuple[Loaded[Subscription], Subscription]:
        past = await subscriptions.load(caller.merchant_id, id)
        caller.must_own(past.state.customer_id if past.state else past.lost.customer_id)
        if past.state is None:
            raise StreamBlocked(past.stream.name)  # only its lost events name the customer
        return past, past.state

    async def cancellation_of(caller: Principal, body: Cancellation) -> tuple[Cancel, Tax | None]:
        tenant = await tenant_of(caller, tenants)
        policies = reactions.policies(tenant.doc)
        by: Literal["customer", "merchant"] = "customer" if caller.kind == "customer" else "merchant"
        mode = body.mode or policies.cancel_mode
        command = Cancel(mode, by, policies.unpaid_renewal_on_cancel, tenant.now(), body.feedback)
        return command, tax_of(tenant)

    return api


def tax_of(tenant: Tenant) -> Tax | None:
    """The tax of plans without a tax of their own."""
    tax = tenant.doc.get("tax")
    return Tax(**tax) if tax else None
