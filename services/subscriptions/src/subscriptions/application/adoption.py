"""Private events that follow from their public ones, by public type: the inverse of the publication, where it has one.

A restored store takes these events over from the topic. Other types are not here: their public event lacks facts. A scheduled
cancellation does not name who scheduled it, a failed charge not the dunning policy, a cancellation not its reason in full.
"""

from collections.abc import Mapping

from billing_contracts import shapes
from billing_contracts.envelope import Envelope
from billing_contracts.subscriptions import (
    PlanPublished,
    SubscriptionCancellationWithdrawn,
    SubscriptionRecovered,
    SubscriptionRenewalDue,
    SubscriptionRenewed,
    SubscriptionRetryDue,
    SubscriptionStarted,
    SubscriptionUnpaid,
)
from chassis.eventsourcing.lost_events import Adopt
from subscriptions.domain.period import Interval, Period
from subscriptions.domain.plan.events import Published
from subscriptions.domain.plan.terms import Money, Plan, Tax
from subscriptions.domain.subscription import events


def _published(data: PlanPublished, envelope: Envelope, _: object) -> Published:
    return Published(_plan(data.plan), envelope.time)


def _started(data: SubscriptionStarted, envelope: Envelope, _: object) -> events.Started | None:
    if envelope.customerid is None or data.time_zone is None:
        return None
    return events.Started(
        envelope.customerid, _plan(data.plan), data.quantity, data.time_zone, _period(data.period), envelope.time
    )


def _renewal_due(data: SubscriptionRenewalDue, envelope: Envelope, _: object) -> events.RenewalDue:
    return events.RenewalDue(_period(data.period), data.period_number, data.customer_revision, envelope.time)


def _renewed(data: SubscriptionRenewed, envelope: Envelope, _: object) -> events.Renewed:
    return events.Renewed(data.invoice_id, envelope.time)


def _retry_due(data: SubscriptionRetryDue, envelope: Envelope, _: object) -> events.RetryDue:
    return events.RetryDue(data.invoice_id, data.retry_number, envelope.time, data.last)


def _recovered(data: SubscriptionRecovered, envelope: Envelope, _: object) -> events.Recovered:
    return events.Recovered(data.invoice_id, envelope.time)


def _unpaid(data: SubscriptionUnpaid, envelope: Envelope, _: object) -> events.WentUnpaid:
    return events.WentUnpaid(data.invoice_id, envelope.time)


def _withdrawn(_: SubscriptionCancellationWithdrawn, envelope: Envelope, __: object) -> events.CancellationWithdrawn:
    return events.CancellationWithdrawn(envelope.time)


ADOPTED: Mapping[str, Adopt] = {
    PlanPublished.TYPE: _published,
    SubscriptionStarted.TYPE: _started,
    SubscriptionRenewalDue.TYPE: _renewal_due,
    SubscriptionRenewed.TYPE: _renewed,
    SubscriptionRetryDue.TYPE: _retry_due,
    SubscriptionRecovered.TYPE: _recovered,
    SubscriptionUnpaid.TYPE: _unpaid,
    SubscriptionCancellationWithdrawn.TYPE: _withdrawn,
}


def _plan(public: shapes.Plan) -> Plan:
    return Plan(
        public.id,
        public.name,
        public.description,
        Money(public.price.amount_minor, public.price.currency),
        Interval(public.interval.unit, public.interval.count),
        public.image_media_id,
        Tax(public.tax.name, public.tax.rate_basis_points, public.tax.inclusive) if public.tax else None,
    )


def _period(public: shapes.Period) -> Period:
    return Period(public.start, public.end)
