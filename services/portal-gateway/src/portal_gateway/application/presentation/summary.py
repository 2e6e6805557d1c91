"""The summary of the current period: what it costs, and of which plan."""

from dataclasses import dataclass

from portal_gateway.application.presentation import price
from portal_gateway.application.presentation.common import Reader, initials, moment
from portal_gateway.application.subscription_status import owes
from portal_gateway.domain.view import InvoiceRow, Subscription
from portal_gateway.domain.view import Money as MoneyFacts


@dataclass(frozen=True, slots=True)
class Summary:
    label: str
    amount: str
    """`29.99`"""
    currency: str
    period: str
    plan: str
    description: str
    image: str | None
    """The media id of the plan's picture."""
    initials: str


def summary(reader: Reader, subscription: Subscription, invoices: list[InvoiceRow]) -> Summary:
    reader, plan = reader.of_subscription(subscription), subscription["plan"]
    amount, _, currency = reader.money(total(reader, subscription, invoices)).rpartition(" ")
    period = subscription["current_period"]
    return Summary(
        label=reader.say("Amount due") if owes(subscription) else reader.say("Total amount"),
        amount=amount,
        currency=currency,
        period=reader.period(period["start"], period["end"]),
        plan=plan["name"],
        description=plan["description"],
        image=plan["image_media_id"],
        initials=initials(plan["name"]),
    )


def total(reader: Reader, subscription: Subscription, invoices: list[InvoiceRow]) -> MoneyFacts:
    """The cost of the current period: the debt, else the invoice's total, else the price."""
    if subscription["status"] == "trialing":
        return {"amount_minor": 0, "currency": subscription["plan"]["price"]["currency"]}
    if subscription["debt"] and owes(subscription):
        return subscription["debt"]["amount"]
    for invoice in invoices:
        same = invoice["subscription_id"] == subscription["id"]
        if same and moment(invoice["period"]["start"]) == moment(subscription["current_period"]["start"]):
            nothing: MoneyFacts = {"amount_minor": 0, "currency": invoice["total"]["currency"]}
            return nothing if invoice["status"] == "void" else invoice["total"]
    return price.of_subscription(reader, subscription).total
