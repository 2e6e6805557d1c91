"""The commands that events of other services lead to. Pure."""

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from billing_contracts import payments, shapes
from billing_contracts.customers import CustomerProfile
from billing_contracts.invoicing import invoice_id
from billing_contracts.money import exponent
from billing_contracts.subscriptions import MerchantConfigured, SubscriptionCancelled, SubscriptionRenewalDue
from billing_contracts.tax import tax_in_force, taxed
from invoicing.application.language import document_locale, paper
from invoicing.domain.invoice.commands import Issue, RecordFailure, RecordPayment, Void
from invoicing.domain.invoice.events import Card
from invoicing.domain.numbering import Counter, SeriesNumber
from invoicing.domain.parties import BillTo, Letterhead, Seller
from invoicing.domain.plan import Period, Plan, Tax
from invoicing.domain.totals import Amounts

LAYOUT = 2
"""The layout of new invoices."""


def next_number(counter: Counter, merchant: MerchantConfigured, at: datetime) -> tuple[SeriesNumber, Counter]:
    """The next number, dated with the day of `at` in the merchant's time zone."""
    return counter.next(at.astimezone(ZoneInfo(merchant.time_zone)).date())


def bill_to(profile: CustomerProfile) -> BillTo:
    return BillTo(profile.name, profile.email, profile.address, profile.tax_id, profile.country, profile.purchase_order)


def issue(
    due: SubscriptionRenewalDue,
    *,
    subscription_id: UUID,
    customer_id: UUID,
    merchant: MerchantConfigured,
    customer_locale: str | None,
    series_number: SeriesNumber,
    bill_to_sha256: str,
    at: datetime,
) -> Issue:
    """The command for a renewal that was due at `at`."""
    sold = plan(due.plan)
    applied = tax_in_force(sold.tax, tax(merchant.tax))
    owed = taxed(sold.price_minor * due.quantity, applied)
    return Issue(
        series_number=series_number,
        customer_id=customer_id,
        subscription_id=subscription_id,
        plan=sold,
        quantity=due.quantity,
        period=Period(due.period.start, due.period.end),
        period_number=due.period_number,
        tax=applied,
        amounts=Amounts(owed.net, owed.tax),
        seller=Seller(**merchant.legal.model_dump()),
        letterhead=Letterhead(
            brand=merchant.name,
            locale=document_locale(customer_locale, merchant.locale),
            time_zone=merchant.time_zone,
            colour=merchant.branding.colour,
            contact_email=merchant.branding.contact_email,
            logo=merchant.branding.logo_media_id,
            paper=paper(merchant.locale, merchant.time_zone),
            decimals=exponent(sold.currency),
            layout=LAYOUT,
            note=merchant.invoice_note,
        ),
        bill_to_sha256=bill_to_sha256,
        at=at,
        period_zone=due.time_zone or merchant.time_zone,
    )


def record_payment(event: payments.PaymentSucceeded, at: datetime) -> RecordPayment:
    paid = event.amount
    return RecordPayment(event.charge_id, paid.amount_minor, paid.currency, card(event.payment_method), at, event.agreed_at)


def record_failure(event: payments.PaymentFailed, at: datetime) -> RecordFailure:
    return RecordFailure(
        event.charge_id,
        event.attempt,
        event.amount.amount_minor,
        event.code,
        event.retryable,
        card(event.payment_method),
        at,
        event.followed,
        event.manual,
        event.needs_confirmation,
    )


def void(event: SubscriptionCancelled, at: datetime) -> Void | None:
    """The command for each invoice that a cancelled subscription leaves unpaid; None if they stay owed."""
    return Void("subscription_cancelled", at) if event.open_invoices == "void" else None


def left_unpaid(event: SubscriptionCancelled, subscription_id: UUID) -> UUID | None:
    """The invoice of the unpaid period, as known to the subscription when it was cancelled."""
    return invoice_id(subscription_id, event.unpaid_period) if event.unpaid_period else None


def plan(plan: shapes.Plan) -> Plan:
    price, interval = plan.price, plan.interval
    return Plan(
        plan.id,
        plan.name,
        plan.description,
        plan.image_media_id,
        price.amount_minor,
        price.currency,
        interval.unit,
        interval.count,
        tax(plan.tax),
    )


def tax(tax: shapes.Tax | None) -> Tax | None:
    return None if tax is None else Tax(tax.name, tax.rate_basis_points, tax.inclusive)


def card(card: shapes.Card | None) -> Card | None:
    return None if card is None else Card(card.id, card.brand, card.last4, card.exp_month, card.exp_year)
