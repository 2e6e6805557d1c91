"""A recurring price is shown with its tax, which is calculated as on the invoice."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given as every
from hypothesis import strategies as st
from unit.invoicing.test_reactions import DUE, MERCHANT

from billing_contracts import shapes
from billing_contracts.money import Money
from invoicing.application import reactions
from invoicing.application.publication import issued as published
from invoicing.domain.invoice.events import Issued
from invoicing.domain.invoice.invoice import decide
from invoicing.domain.numbering import Counter
from portal_gateway.adapters.api.representations import overview
from portal_gateway.application.presentation.cancellation import facts
from portal_gateway.application.presentation.common import Reader
from portal_gateway.application.presentation.details import details
from portal_gateway.application.presentation.language import catalogues
from portal_gateway.application.presentation.price import price, renewals
from portal_gateway.application.presentation.summary import summary
from portal_gateway.application.view import View
from support.portal_page import scenes


def tax(rate: int = 2100, inclusive: bool = False, name: str = "IVA") -> dict[str, Any]:
    return {"name": name, "rate_basis_points": rate, "inclusive": inclusive}


def selling(
    minor: int = 2999,
    currency: str = "EUR",
    *,
    quantity: int = 1,
    own: dict[str, Any] | None = None,
    merchant: dict[str, Any] | None = None,
    every: tuple[str, int] = ("month", 1),
    status: str = "active",
) -> View:
    interval = {"unit": every[0], "count": every[1]}
    plan = scenes.plan(price={"amount_minor": minor, "currency": currency}, tax=own, interval=interval)
    return scenes.view(
        scenes.subscription(status, plan=plan, quantity=quantity), merchant=scenes.merchant(tax=merchant), invoices=[]
    )


# What is sold; the price in Spanish and in English, what one unit costs, and the total of the period.
PRICES: dict[str, tuple[View, str, str, str | None, str]] = {
    "no tax": (selling(), "29.99 EUR al mes", "29.99 EUR per month", None, "29.99 EUR"),
    "on top": (
        selling(own=tax()),
        "36.29 EUR al mes, incluye 6.30 EUR de IVA (21 %)",
        "36.29 EUR per month, including 6.30 EUR of IVA (21%)",
        None,
        "36.29 EUR",
    ),
    "included": (
        selling(own=tax(inclusive=True)),
        "29.99 EUR al mes, incluye 5.20 EUR de IVA (21 %)",
        "29.99 EUR per month, including 5.20 EUR of IVA (21%)",
        None,
        "29.99 EUR",
    ),
    "the merchant's": (
        selling(merchant=tax(1050, name="Impuesto")),
        "33.14 EUR al mes, incluye 3.15 EUR de Impuesto (10.5 %)",
        "33.14 EUR per month, including 3.15 EUR of Impuesto (10.5%)",
        None,
        "33.14 EUR",
    ),
    "the plan's before the merchant's": (
        selling(own=tax(1000, inclusive=True), merchant=tax()),
        "29.99 EUR al mes, incluye 2.73 EUR de IVA (10 %)",
        "29.99 EUR per month, including 2.73 EUR of IVA (10%)",
        None,
        "29.99 EUR",
    ),
    "exempt": (selling(own=tax(0), merchant=tax()), "29.99 EUR al mes", "29.99 EUR per month", None, "29.99 EUR"),
    "three, on top: rounded once": (
        selling(333, quantity=3, own=tax()),
        "12.09 EUR al mes, incluye 2.10 EUR de IVA (21 %)",
        "12.09 EUR per month, including 2.10 EUR of IVA (21%)",
        "3 × 3.33 EUR más IVA",
        "12.09 EUR",
    ),
    "three, included": (
        selling(quantity=3, own=tax(inclusive=True)),
        "89.97 EUR al mes, incluye 15.61 EUR de IVA (21 %)",
        "89.97 EUR per month, including 15.61 EUR of IVA (21%)",
        "3 × 29.99 EUR",
        "89.97 EUR",
    ),
    "every two years in yen": (
        selling(1999, "JPY", own=tax(1000), every=("year", 2)),
        "2,199 JPY cada 2 años, incluye 200 JPY de IVA (10 %)",
        "2,199 JPY every 2 years, including 200 JPY of IVA (10%)",
        None,
        "2,199 JPY",
    ),
    "four decimals": (
        selling(10_000, "CLF", own=tax(1900)),
        "1.1900 CLF al mes, incluye 0.1900 CLF de IVA (19 %)",
        "1.1900 CLF per month, including 0.1900 CLF of IVA (19%)",
        None,
        "1.1900 CLF",
    ),
    "not known yet: the merchant's configuration is behind": (
        replace(selling(merchant=tax()), merchant_behind=True),
        "29.99 EUR al mes más impuestos",
        "29.99 EUR per month plus taxes",
        None,
        "29.99 EUR",
    ),
    "the plan's own is known all the same": (
        replace(selling(own=tax()), merchant_behind=True),
        "36.29 EUR al mes, incluye 6.30 EUR de IVA (21 %)",
        "36.29 EUR per month, including 6.30 EUR of IVA (21%)",
        None,
        "36.29 EUR",
    ),
}


@pytest.mark.parametrize("row", PRICES)
def test_every_recurring_price_is_the_same(row: str) -> None:
    view, spanish, english, unit, total = PRICES[row]
    subscription = view.facts["subscriptions"][0]
    for code, expected in (("es", spanish), ("en", english)):
        reader = Reader.of(view, catalogues().language(code))
        assert details(reader, subscription, view).price == expected
        assert [renewal.price for renewal in renewals(reader, view)] == [expected]
        assert facts(reader, preview(), subscription)[0].value == expected
        api_subscription = overview(view, reader.language, None)["subscriptions"][0]
        assert api_subscription["frequency_text"] == expected
        assert reader.money(api_subscription["recurring"]["total"]) == reader.money(api_subscription["period_total"]) == total
    by = Reader.of(view, catalogues().language("es"))
    assert details(by, subscription, view).unit_price == unit
    shown = summary(by, subscription, replace(view, facts={**view.facts, "invoices": []}))
    assert f"{shown.amount} {shown.currency}" == total


def preview() -> Any:
    end = scenes.instant(2023, 6, 14)
    return {"mode": "at_period_end", "effective_at": end, "access_until": end, "open_amount": None, "open_invoices": None}


def test_the_price_after_a_trial_includes_tax() -> None:
    view = selling(own=tax(), status="trialing")
    reader = Reader.of(view, catalogues().language("es"))
    says = details(reader, view.facts["subscriptions"][0], view).says
    assert says == "Prueba gratis hasta el 14 de junio de 2023; después 36.29 EUR al mes, incluye 6.30 EUR de IVA (21 %)"


TAXES = st.none() | st.builds(tax, st.integers(0, 10_000), st.booleans())


@every(st.integers(1, 10**9), st.integers(1, 1000), TAXES, TAXES)
def test_the_shown_price_is_the_next_invoices_total(
    minor: int, quantity: int, own: dict[str, Any] | None, default: dict[str, Any] | None
) -> None:
    view = selling(minor, quantity=quantity, own=own, merchant=default)
    shown = price(Reader.of(view, catalogues().language("en")), view.facts["subscriptions"][0]["plan"], quantity)
    invoice = issued(minor, quantity, own, default)
    assert shown.total["amount_minor"] == invoice.total.amount_minor
    assert (shown.tax["amount_minor"] if shown.tax else 0) == invoice.tax_total.amount_minor


def issued(minor: int, quantity: int, own: dict[str, Any] | None, default: dict[str, Any] | None) -> Any:
    """The invoice as invoicing publishes it."""
    plan = DUE.plan.model_copy(
        update={"price": Money(amount_minor=minor, currency="EUR"), "tax": shapes.Tax(**own) if own else None}
    )
    merchant = MERCHANT.model_copy(update={"tax": shapes.Tax(**default) if default else None})
    series_number, _ = reactions.next_number(Counter("TS"), merchant, DUE.period.start)
    command = reactions.issue(
        DUE.model_copy(update={"plan": plan, "quantity": quantity}),
        subscription_id=uuid4(),
        customer_id=uuid4(),
        merchant=merchant,
        customer_locale=None,
        series_number=series_number,
        bill_to_sha256="",
        at=DUE.period.start,
    )
    (event,) = decide(command, None)
    assert isinstance(event, Issued)
    return published(event)
