"""The recurring price of a subscription. Every page, dialog and API response with a recurring price uses this module."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from billing_contracts.shapes import Tax as Rate
from billing_contracts.tax import tax_in_force, taxed
from chassis.text import isolated
from portal_gateway.application.presentation.common import Reader, frequency
from portal_gateway.application.subscription_status import renews
from portal_gateway.application.view import View
from portal_gateway.domain.view import Money, Plan, Subscription, Tax
from presentation.languages import N_

PLUS_TAXES: Final = N_("%(price)s plus taxes")


@dataclass(frozen=True, slots=True)
class Price:
    """The price of one period."""

    total: Money
    """Including tax, if the tax is known."""
    tax: Money | None
    """The tax in the total; None if there is none or it is unknown."""
    rate: Tax | None
    tax_known: bool
    text: str
    """`36.29 EUR al mes, incluye 6.30 EUR de IVA (21 %)`"""


def price(reader: Reader, plan: Plan, quantity: int) -> Price:
    """The price of a period with an invoice issued now."""
    advertised, currency = plan["price"]["amount_minor"] * quantity, plan["price"]["currency"]
    known = reader.tax_known or plan["tax"] is not None
    rate = tax_in_force(plan["tax"], reader.tax) if known else None
    owed = taxed(advertised, Rate(**rate) if rate else None)
    total: Money = {"amount_minor": owed.total, "currency": currency}
    text = frequency(reader.language, reader.money(total), plan["interval"])
    if not known:
        return Price(total, None, None, False, reader.say(PLUS_TAXES, price=text))
    if rate is None or not owed.tax:
        return Price(total, None, rate, True, text)
    tax: Money = {"amount_minor": owed.tax, "currency": currency}
    text_with_tax = reader.say(
        "%(price)s, including %(amount)s of %(name)s (%(rate)s%%)",
        price=text,
        amount=reader.money(tax),
        name=isolated(rate["name"]),
        rate=reader.language.number(Decimal(rate["rate_basis_points"]) / 100),
    )
    return Price(total, tax, rate, True, text_with_tax)


def unit_price(reader: Reader, plan: Plan, quantity: int) -> str | None:
    """`3 × 29.99 EUR más IVA`; None if the quantity is one."""
    if quantity == 1:
        return None
    rate = tax_in_force(plan["tax"], reader.tax)
    times = f"{quantity} × {reader.money(plan['price'])}"
    if rate is None or rate["inclusive"] or not rate["rate_basis_points"]:
        return times
    return reader.say("%(product)s plus %(name)s", product=times, name=isolated(rate["name"]))


def of_subscription(reader: Reader, subscription: Subscription) -> Price:
    return price(reader, subscription["plan"], subscription["quantity"])


@dataclass(frozen=True, slots=True)
class Renewal:
    """A subscription that renews, and what it costs."""

    id: str
    plan: str
    price: str


def renewals(reader: Reader, view: View) -> list[Renewal]:
    """The subscriptions that are charged each period with the card on file."""
    renewing = filter(renews, view.facts["subscriptions"])
    return [Renewal(it["id"], it["plan"]["name"], of_subscription(reader, it).text) for it in renewing]
