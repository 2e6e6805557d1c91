"""The public events of invoices. Pure.

Every private event has a public event, so that subscribers see sequences without gaps.
"""

from dataclasses import asdict

from billing_contracts import invoicing
from billing_contracts.envelope import EventData
from billing_contracts.money import Money
from billing_contracts.shapes import Card, Interval, Period, Plan, Tax
from billing_contracts.subscriptions import LegalIdentity
from chassis.eventsourcing.aggregate import Announcement
from invoicing.domain import plan
from invoicing.domain.invoice import events
from invoicing.domain.invoice.events import Event, Issued, Paid, PaymentFailed, Voided
from invoicing.domain.invoice.invoice import Invoice
from invoicing.domain.totals import Line


def announce(event: Event, it: Invoice) -> Announcement:
    return Announcement(message(event, it), event.at, it.customer_id)


def message(event: Event, it: Invoice) -> EventData:
    match event:
        case Issued():
            return issued(event)
        case Paid(charge_id, amount, paid_with, at, agreed_at):
            return invoicing.InvoicePaid(
                subscription_id=it.subscription_id,
                period=period(it.period),
                amount=Money(amount_minor=amount, currency=it.currency),
                paid_at=at,
                charge_id=charge_id,
                payment_method=card(paid_with),
                agreed_at=agreed_at,
            )
        case PaymentFailed(charge_id, attempt, amount, code, retryable, tried_with):
            return invoicing.InvoicePaymentFailed(
                subscription_id=it.subscription_id,
                period=period(it.period),
                amount=Money(amount_minor=amount, currency=it.currency),
                charge_id=charge_id,
                attempt=attempt,
                code=code,
                retryable=retryable,
                payment_method=card(tried_with),
                followed=event.followed,
                manual=event.manual,
                needs_confirmation=event.needs_confirmation,
            )
        case Voided(reason):
            return invoicing.InvoiceVoided(subscription_id=it.subscription_id, reason=reason)


def issued(event: Issued) -> invoicing.InvoiceIssued:
    def money(amount: int) -> Money:
        return Money(amount_minor=amount, currency=event.currency)

    def line(of: Line) -> invoicing.InvoiceLine:
        return invoicing.InvoiceLine(
            plan_name=of.plan_name,
            description=of.description,
            period=period(of.period),
            quantity=of.quantity,
            unit_price=money(of.unit_price),
            net=money(of.net),
            tax=money(of.tax),
            total=money(of.total),
        )

    sold = event.plan
    return invoicing.InvoiceIssued(
        number=event.number,
        issued_on=event.issued_on,
        subscription_id=event.subscription_id,
        plan=Plan(
            id=sold.id,
            name=sold.name,
            description=sold.description,
            image_media_id=sold.image_media_id,
            price=money(sold.price_minor),
            interval=Interval(unit=sold.interval_unit, count=sold.interval_count),
            tax=tax(sold.tax),
        ),
        period=period(event.period),
        period_number=event.period_number,
        lines=tuple(line(it) for it in event.lines),
        tax=tax(event.tax),
        net_total=money(event.totals.net),
        tax_total=money(event.totals.tax),
        total=money(event.totals.total),
        seller=LegalIdentity(**asdict(event.seller)),
        period_time_zone=event.period_zone,
        note=event.letterhead.note,
    )


def period(of: plan.Period) -> Period:
    return Period(start=of.start, end=of.end)


def tax(of: plan.Tax | None) -> Tax | None:
    return None if of is None else Tax(name=of.name, rate_basis_points=of.rate_basis_points, inclusive=of.inclusive)


def card(of: events.Card | None) -> Card | None:
    if of is None:
        return None
    return Card(id=of.id, brand=of.brand, last4=of.last4, exp_month=of.exp_month, exp_year=of.exp_year)
