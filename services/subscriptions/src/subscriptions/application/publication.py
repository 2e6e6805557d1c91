"""The public events of merchants, plans and subscriptions. Pure.

Every private event has a public event, so that subscribers see sequences without gaps.
"""

from dataclasses import asdict
from typing import assert_never
from uuid import UUID

from billing_contracts import shapes
from billing_contracts.envelope import EventData
from billing_contracts.money import Money
from billing_contracts.subscriptions import (
    ApiKey,
    Branding,
    Feedback,
    LegalIdentity,
    MerchantConfigured,
    PlanPublished,
    Policies,
    Status,
    SubscriptionCancellationScheduled,
    SubscriptionCancellationWithdrawn,
    SubscriptionCancelled,
    SubscriptionPastDue,
    SubscriptionRecovered,
    SubscriptionRenewalDue,
    SubscriptionRenewed,
    SubscriptionRetryDue,
    SubscriptionStarted,
    SubscriptionUnpaid,
)
from chassis.eventsourcing.aggregate import Announcement
from subscriptions.domain.merchant import events as merchant_events
from subscriptions.domain.merchant.merchant import Merchant
from subscriptions.domain.period import Period
from subscriptions.domain.plan.events import Published
from subscriptions.domain.plan.terms import Plan
from subscriptions.domain.subscription import events
from subscriptions.domain.subscription.subscription import Subscription


def announce_merchant(event: merchant_events.Event, it: Merchant) -> Announcement:
    """Every event carries all settings: a subscriber needs only the last one."""
    return Announcement(merchant(it), event.at)


def announce_plan(event: Published, _: Plan) -> Announcement:
    return Announcement(PlanPublished(plan=plan(event.plan)), event.at)


def announce_subscription(event: events.Event, it: Subscription) -> Announcement:
    return Announcement(subscription(event, it), event.at, it.customer_id)


def subscription(event: events.Event, subscription: Subscription) -> EventData:
    after = status(subscription)
    match event:
        case events.Started():
            return SubscriptionStarted(
                status=after,
                plan=plan(subscription.plan),
                quantity=subscription.quantity,
                started_at=subscription.calendar.anchor,
                period=period(subscription.period),
                time_zone=subscription.calendar.zone,
            )
        case events.RenewalDue(_, number, revision):
            return SubscriptionRenewalDue(
                status=after,
                plan=plan(subscription.plan),
                quantity=subscription.quantity,
                period=period(subscription.period),
                period_number=number,
                customer_revision=revision,
                time_zone=subscription.calendar.zone,
            )
        case events.Renewed(invoice_id):
            return SubscriptionRenewed(status=after, period=period(subscription.period), invoice_id=invoice_id)
        case events.FellPastDue():
            return past_due(event, subscription)
        case events.RetryDue(invoice_id, number, last=last):
            return SubscriptionRetryDue(status=after, invoice_id=invoice_id, retry_number=number, last=last)
        case events.Recovered(invoice_id):
            return SubscriptionRecovered(status=after, period=period(subscription.period), invoice_id=invoice_id)
        case events.WentUnpaid(invoice_id):
            return SubscriptionUnpaid(status=after, invoice_id=invoice_id)
        case events.CancellationScheduled(effective_at, _, feedback):
            return SubscriptionCancellationScheduled(
                status=after, mode="at_period_end", effective_at=effective_at, feedback=public_feedback(feedback)
            )
        case events.CancellationWithdrawn():
            return SubscriptionCancellationWithdrawn(status=after)
        case events.Cancelled(effective_at, cause, feedback, open_invoices):
            return SubscriptionCancelled(
                status=after,
                effective_at=effective_at,
                cause=cause,
                feedback=public_feedback(feedback),
                open_invoices=open_invoices,
                unpaid_period=None if subscription.paid else period(subscription.period),
                access_until=subscription.access_until,
            )
        case _:
            assert_never(event)


def past_due(event: events.FellPastDue, subscription: Subscription) -> SubscriptionPastDue:
    return SubscriptionPastDue(
        status=status(subscription),
        period=period(subscription.period),
        invoice_id=event.invoice_id,
        amount=Money(**asdict(event.amount)),
        reason=event.reason,
        failed_attempts=event.failed_attempts,
        next_attempt_at=event.next_attempt_at,
        access_until=subscription.access_until,
    )


def status(subscription: Subscription) -> Status:
    if subscription.ended:
        return Status.CANCELED
    if subscription.debt and subscription.debt.given_up:
        return Status.UNPAID
    if not subscription.ever_paid:
        return Status.INCOMPLETE
    return Status.PAST_DUE if subscription.debt else Status.ACTIVE


def merchant(merchant: Merchant) -> MerchantConfigured:
    profile = merchant.profile
    return MerchantConfigured(
        name=profile.name,
        legal=LegalIdentity(**asdict(profile.legal)),
        locale=profile.locale,
        time_zone=profile.time_zone,
        branding=Branding(**asdict(profile.branding)),
        policies=Policies(**asdict(profile.policies)),
        tax=shapes.Tax(**asdict(profile.tax)) if profile.tax else None,
        return_origins=profile.return_origins,
        invoice_series=merchant.invoice_series,
        api_keys=tuple(ApiKey(**asdict(key)) for key in merchant.keys),
        sandbox=merchant.sandbox,
        clock_offset_seconds=merchant.clock_offset_seconds,
        invoice_note=profile.invoice_note,
    )


def merchant_document(id: UUID, it: Merchant) -> dict[str, object]:
    """The merchant as other services store and request it: the data of MerchantConfigured and the id."""
    return {"id": str(id), **merchant(it).model_dump(mode="json")}


def plan(plan: Plan) -> shapes.Plan:
    return shapes.Plan.model_validate(asdict(plan))


def period(period: Period) -> shapes.Period:
    return shapes.Period(start=period.start, end=period.end)


def public_feedback(feedback: events.Feedback | None) -> Feedback | None:
    return Feedback(feedback) if feedback else None
