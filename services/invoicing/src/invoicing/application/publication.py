"""The public events of invoices. Pure.

Every private event has a public event, so that subscribers see sequences without gaps.
"""

from dataclasses import asdict
from typing import Any

from billing_contracts import invoicing
from billing_contracts.envelope import EventData
from billing_contracts.money import Money
from billing_contracts.shapes import Card, Interval, Period, Plan, Tax
from billing_contracts.subscriptions import LegalIdentity
from chassis.eventsourcing.aggregate import Announcement
from invoicing.domain import plan
from invoicing.domain.invoice import events
from invoicing.domain.invoice.events import Credited, Event, Issued, Paid, PaymentFailed, Voided
from invoicing.domain.invoice.invoice import Invoice
from invoicing.domain.totals import Line


def announce(event: Event, invoice: Invoice) -> Announcement:
    return Announcement(message(event, invoice), event.at, invoice.customer_id)


def message(event: Event, invoice: Invoice) -> EventData:
    match event:
        case Issued():
            return issued(event)
        case Paid(charge_id, amount, paid_with, at, agreed_at):
            return invoicing.InvoicePaid(
                subscription_id=invoice.subscription_id,
                period=period(invoice.period),
                amount=Money(amount_minor=amount, currency=invoice.currency),
                paid_at=at,
                charge_id=charge_id,
                payment_method=card(paid_with),
                agreed_at=agreed_at,
            )
        case PaymentFailed(charge_id, attempt, amount, code, retryable, tried_with):
            return invoicing.InvoicePaymentFailed(
                subscription_id=invoice.subscription_id,
                period=period(invoice.period),
                amount=Money(amount_minor=amount, currency=invoice.currency),
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
            return invoicing.InvoiceVoided(subscription_id=invoice.subscription_id, reason=reason)
        case Credited():
            return credited(event, invoice)


def issued(event: Issued) -> invoicing.InvoiceIssued:
    def money(amount: int) -> Money:
        return Money(amount_minor=amount, currency=event.currency)

    def line(line: Line) -> invoicing.InvoiceLine:
        return invoicing.InvoiceLine(
            plan_name=line.plan_name,
            description=line.description,
            period=period(line.period),
            quantity=line.quantity,
            unit_price=money(line.unit_price),
            net=money(line.net),
            tax=money(line.tax),
            total=money(line.total),
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
        lines=tuple(line(each) for each in event.lines),
        tax=tax(event.tax),
        net_total=money(event.totals.net),
        tax_total=money(event.totals.tax),
        total=money(event.totals.total),
        seller=LegalIdentity(**asdict(event.seller)),
        period_time_zone=event.period_zone,
        note=event.letterhead.note,
    )


def credited(event: Credited, invoice: Invoice) -> invoicing.CreditNoteIssued:
    assert invoice.paid_by is not None, "only a paid invoice is credited"
    return invoicing.CreditNoteIssued(
        credit_note_id=event.credit_note_id,
        number=event.number,
        issued_on=event.issued_on,
        invoice_number=invoice.number,
        invoice_issued_on=invoice.issued_on,
        subscription_id=invoice.subscription_id,
        charge_id=invoice.paid_by,
        reason=event.reason,
        tax=tax(invoice.tax),
        **credit_amounts(event, invoice.currency),
    )


def credit_amounts(event: Credited, currency: str) -> dict[str, Any]:
    """The fields `lines`, `net_total`, `tax_total` and `total`."""

    def money(amount: int) -> Money:
        return Money(amount_minor=amount, currency=currency)

    lines = tuple(
        invoicing.CreditNoteLine(
            line_number=each.line,
            plan_name=each.plan_name,
            description=each.description,
            period=period(each.period),
            net=money(each.net),
            tax=money(each.tax),
            total=money(each.total),
        )
        for each in event.lines
    )
    totals = event.totals
    return {
        "lines": lines,
        "net_total": money(totals.net),
        "tax_total": money(totals.tax),
        "total": money(totals.total),
    }


def period(period: plan.Period) -> Period:
    return Period(start=period.start, end=period.end)


def tax(tax: plan.Tax | None) -> Tax | None:
    return None if tax is None else Tax(name=tax.name, rate_basis_points=tax.rate_basis_points, inclusive=tax.inclusive)


def card(card: events.Card | None) -> Card | None:
    if card is None:
        return None
    return Card(id=card.id, brand=card.brand, last4=card.last4, exp_month=card.exp_month, exp_year=card.exp_year)
