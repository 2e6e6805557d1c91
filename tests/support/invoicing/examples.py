"""The invoice of the specification's example, and its events."""

from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID, uuid5

from billing_contracts.tax import taxed
from chassis.eventsourcing.decider import Decider
from invoicing.domain.credit import CreditLine
from invoicing.domain.invoice.commands import Command, Issue
from invoicing.domain.invoice.events import Card, Credited, Event, Issued, Paid, PaymentFailed, Voided
from invoicing.domain.invoice.invoice import Invoice, decide, evolve
from invoicing.domain.numbering import SeriesNumber
from invoicing.domain.parties import BillTo, Letterhead, Seller
from invoicing.domain.plan import Period, Plan, Tax
from invoicing.domain.totals import Amounts, Totals
from support.spec import Scenario

RULES: Decider[Command, Event, Invoice] = Decider(decide, evolve)
NAMES = UUID("0d1f3a52-0000-4000-8000-000000000000")


def id_of(name: str) -> UUID:
    return uuid5(NAMES, name)


def day(month: int, of: int = 14, hour: int = 12) -> datetime:
    return datetime(2023, month, of, hour, tzinfo=UTC)


MAY = Period(day(5), day(6))
IVA = Tax("IVA", 1600, inclusive=True)
PREMIUM = Plan(id_of("premium"), "Premium Mensual", "Suscripción mensual renovable", None, 2999, "USD", "month", 1)
SELLER = Seller("TechSolutions Inc.", "Av. Reforma 123\n06600 Ciudad de México", "TSO010203AB4", "MX")
EMAIL = "soporte@techsolutions.example"
LETTERHEAD = Letterhead("TechSolutions Inc.", "es-MX", "America/Mexico_City", "#285cc2", EMAIL, layout=2)
ANA = BillTo("Ana García", "ana@example.com", "Calle Mayor 1\n28013 Madrid", "12345678Z", "ES")
VISA = Card(id_of("visa"), "visa", "4242", 12, 2025)
ISSUE = Issue(
    series_number=SeriesNumber("TS", 14, date(2023, 5, 14)),
    customer_id=id_of("ana"),
    subscription_id=id_of("subscription"),
    plan=PREMIUM,
    quantity=1,
    period=MAY,
    period_number=36,
    tax=None,
    amounts=Amounts(2999, 0),
    seller=SELLER,
    letterhead=LETTERHEAD,
    bill_to_sha256="ab" * 32,
    at=day(5),
)


def costing(price_minor: int, quantity: int = 1, tax: Tax | None = None, currency: str = "USD") -> Issue:
    """The example's invoice at another price."""
    owed = taxed(price_minor * quantity, tax)
    plan = replace(PREMIUM, price_minor=price_minor, currency=currency)
    return replace(ISSUE, plan=plan, quantity=quantity, tax=tax, amounts=Amounts(owed.net, owed.tax))


def issued(issue: Issue = ISSUE) -> Issued:
    (event,) = decide(issue, None)
    assert isinstance(event, Issued)
    return event


ISSUED = issued()
TAXED = issued(costing(2999, tax=IVA))
FIRST, SECOND = id_of("first charge"), id_of("second charge")
PAID = Paid(FIRST, 2999, VISA, day(5, of=14, hour=13))
FAILED = PaymentFailed(FIRST, 1, 2999, "insufficient_funds", True, VISA, day(5, of=14, hour=13))
VOIDED = Voided("subscription_cancelled", day(5, of=16))
CREDITED = Credited(
    id_of("note"),
    *("TS-NC-000001", "TS-NC", 1, date(2023, 5, 20)),
    "customer_request",
    (CreditLine(1, PREMIUM.name, PREMIUM.description, MAY, -1000, 0, -1000),),
    Totals(-1000, 0, -1000),
    day(5, 20),
)
"""A third of the invoice."""


def given(*past: Event) -> Scenario[Command, Event, Invoice]:
    return Scenario(RULES, past)
