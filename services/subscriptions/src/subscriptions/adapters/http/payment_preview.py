"""Previews the effect of a payment on a customer's subscriptions."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter

from billing_contracts.invoicing import invoice_id
from chassis.http.authentication import OF_A_MERCHANT, Caller
from chassis.http.description import answers
from chassis.http.problems import not_found
from chassis.tenants import Tenants
from subscriptions.adapters.http import payment_preview_documents as documents
from subscriptions.adapters.http.parameters import CustomerId
from subscriptions.adapters.http.representations import iso, money
from subscriptions.adapters.http.subscriptions import Subscriptions, tax_of
from subscriptions.application import publication
from subscriptions.application.ports import Customers
from subscriptions.application.pricing import period_price
from subscriptions.domain.plan.terms import Tax
from subscriptions.domain.settlement import Settlement, preview_settlement
from subscriptions.domain.subscription.subscription import Subscription

LISTED = 100
"""Periods of one subscription that one confirmation covers at most. Later ones need another confirmation."""


def routes(subscriptions: Subscriptions, customers: Customers, tenants: Tenants) -> APIRouter:
    api = APIRouter(prefix="/v1/customers", tags=["customers"])

    @api.get("/{id}/payment-preview")
    @answers(documents.PaymentPreview, security=OF_A_MERCHANT)
    async def preview(id: CustomerId, caller: Caller) -> dict[str, Any]:
        """Preview what paying does to a customer's subscriptions.

        One entry for each subscription with an unpaid period, with the periods that are charged because of the payment.
        """
        caller.must_own(id)
        tenant = await tenants.get(caller.merchant_id)
        if tenant is None or await customers.get(caller.merchant_id, id) is None:
            raise not_found()
        at, tax = tenant.now(), tax_of(tenant)
        previews = []
        for subscription_id in await customers.subscriptions(caller.merchant_id, id):
            _, subscription = await subscriptions.state(caller.merchant_id, subscription_id)
            if subscription and (settlement := preview_settlement(subscription, at, LISTED)):
                previews.append(document(subscription_id, subscription, settlement, tax))
        return {"at": iso(at), "subscriptions": previews}

    return api


def document(id: UUID, subscription: Subscription, settlement: Settlement, tax: Tax | None) -> dict[str, Any]:
    def period(of: Any) -> dict[str, str]:
        return {"start": iso(of.start), "end": iso(of.end)}

    amount = money(period_price(subscription.plan, subscription.quantity, tax))
    unpaid = subscription.debt.invoice_id if subscription.debt else invoice_id(id, publication.period(settlement.period))
    return {
        "subscription_id": str(id),
        "invoice_id": str(unpaid),
        "effect": settlement.effect.value,
        "period": period(settlement.period),
        "until": settlement.until and iso(settlement.until),
        "begun": [
            {"invoice_id": str(invoice_id(id, publication.period(each))), "period": period(each), "amount": amount}
            for each in settlement.begun
        ],
        "more": settlement.more,
    }
