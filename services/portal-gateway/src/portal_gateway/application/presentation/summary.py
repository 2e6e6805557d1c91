"""The summary: what the current period costs, and what is charged next, when and with which card."""

from dataclasses import dataclass
from typing import Final

from portal_gateway.application.presentation import price
from portal_gateway.application.presentation.accepted_commands import pending_sentence
from portal_gateway.application.presentation.common import Reader, initials, moment
from portal_gateway.application.presentation.payment_method import chargeable
from portal_gateway.application.subscription_status import end_of, owes
from portal_gateway.application.view import View
from portal_gateway.domain.view import InvoiceRow, Subscription
from portal_gateway.domain.view import Money as MoneyFacts

CHARGED_AT_THE_END: Final = frozenset({"trialing", "active"})
"""Statuses with the next charge at the end of the current period."""
OVER: Final = frozenset({"canceled", "incomplete_expired"})


@dataclass(frozen=True, slots=True)
class Summary:
    label: str
    amount: str
    """`29.99`; empty if nothing will be charged any more."""
    currency: str
    overdue: bool
    """Whether the amount is unpaid after its day."""
    next: str | None
    """The next charge, or when the owed amount was due; None while it is not known."""
    period: str
    plan: str
    description: str
    image: str | None
    """The media id of the plan's picture."""
    initials: str


def summary(reader: Reader, subscription: Subscription, view: View) -> Summary:
    reader, plan = reader.of_subscription(subscription), subscription["plan"]
    owed, cost = owes(subscription), total(reader, subscription, view.facts["invoices"])
    over = _is_over(reader, subscription) and not owed
    amount, _, currency = reader.money(cost).rpartition(" ")
    period = subscription["current_period"]
    return Summary(
        label=_label(reader, subscription, view),
        amount="" if over else amount,
        currency=currency,
        overdue=owed and subscription["status"] != "incomplete",
        next=_last(reader, cost) if over else _next(reader, subscription, view, cost),
        period=reader.period(period["start"], period["end"]),
        plan=plan["name"],
        description=plan["description"],
        image=plan["image_media_id"],
        initials=initials(plan["name"]),
    )


def _is_over(reader: Reader, subscription: Subscription) -> bool:
    """Also if the scheduled end has passed and its event has not arrived yet."""
    ends_at = end_of(subscription)
    return subscription["status"] in OVER or (ends_at is not None and moment(ends_at) <= reader.now)


def _label(reader: Reader, subscription: Subscription, view: View) -> str:
    if owes(subscription):
        return reader.say("Amount due")
    if _is_over(reader, subscription):
        return reader.say("No upcoming charges")
    if end_of(subscription) and not pending_sentence(subscription, view):
        paid = any(_is_current(it, subscription) and it["status"] == "paid" for it in view.facts["invoices"])
        return reader.say("Last period, already paid") if paid else reader.say("Last period")
    return reader.say("Total amount")


def _next(reader: Reader, subscription: Subscription, view: View, cost: MoneyFacts) -> str | None:
    """The day of the next charge, with its amount if that differs from the shown one, and the card."""
    if owes(subscription):
        return reader.say("It was due on %(day)s", day=reader.day(subscription["current_period"]["start"]))
    if pending_sentence(subscription, view):
        return None
    if end_of(subscription):
        return reader.say("No upcoming charges")
    end = subscription["current_period"]["end"]
    if subscription["status"] not in CHARGED_AT_THE_END or moment(end) <= reader.now:
        return None
    charged, card, day = price.of_subscription(reader, subscription), chargeable(reader, view), reader.day(end)
    if not charged.tax_known or charged.total == cost:
        if card is None:
            return reader.say("Next charge: %(day)s", day=day)
        return reader.say("Next charge: %(day)s with %(card)s", day=day, card=reader.card(card))
    amount = reader.money(charged.total)
    if card is None:
        return reader.say("Next charge: %(amount)s on %(day)s", amount=amount, day=day)
    return reader.say("Next charge: %(amount)s on %(day)s with %(card)s", amount=amount, day=day, card=reader.card(card))


def _last(reader: Reader, cost: MoneyFacts) -> str | None:
    return reader.say("Last period: %(amount)s", amount=reader.money(cost)) if cost["amount_minor"] else None


def total(reader: Reader, subscription: Subscription, invoices: list[InvoiceRow]) -> MoneyFacts:
    """The cost of the current period: the debt, else the invoice's total, else the price."""
    if subscription["status"] == "trialing":
        return {"amount_minor": 0, "currency": subscription["plan"]["price"]["currency"]}
    if subscription["debt"] and owes(subscription):
        return subscription["debt"]["amount"]
    for invoice in invoices:
        if _is_current(invoice, subscription):
            nothing: MoneyFacts = {"amount_minor": 0, "currency": invoice["total"]["currency"]}
            return nothing if invoice["status"] == "void" else invoice["total"]
    return price.of_subscription(reader, subscription).total


def _is_current(invoice: InvoiceRow, subscription: Subscription) -> bool:
    """Whether it is the invoice of the subscription's current period."""
    same = invoice["subscription_id"] == subscription["id"]
    return same and moment(invoice["period"]["start"]) == moment(subscription["current_period"]["start"])
