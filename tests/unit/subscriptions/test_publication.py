"""Every private event has a public event of the contracts, and is decoded from the store unchanged."""

from dataclasses import replace
from typing import Any

import pytest
from unit.subscriptions.examples import (
    ACTIVE,
    ANA,
    ENTERED_JUNE,
    FELL,
    INVOICE,
    JUNE,
    PAST_DUE,
    PREMIUM,
    RULES,
    SCHEDULED,
    STARTED,
    day,
)
from unit.subscriptions.test_merchant import KEY, OTHER, PROFILE, REGISTERED, THEN

from billing_contracts import shapes
from billing_contracts.registry import EVENTS
from billing_contracts.subscriptions import (
    MerchantConfigured,
    PlanPublished,
    Status,
    SubscriptionCancelled,
    SubscriptionPastDue,
    SubscriptionRenewalDue,
)
from chassis.eventsourcing.aggregate import Aggregate, Announcement
from subscriptions.application.aggregates import MERCHANT, PLAN, SUBSCRIPTION
from subscriptions.domain.merchant import events as merchant_events
from subscriptions.domain.plan.events import Published
from subscriptions.domain.plan.terms import Tax
from subscriptions.domain.subscription.events import CancellationWithdrawn, Cancelled, Event, Recovered, RetryDue, WentUnpaid

ENDED = Cancelled(day(6), "customer", None, "void", day(6))
LIVES: list[tuple[Event, ...]] = [
    ACTIVE,
    (*PAST_DUE, RetryDue(INVOICE, 1, day(6, of=15)), Recovered(INVOICE, day(6, of=15))),
    (*PAST_DUE, WentUnpaid(INVOICE, day(6, of=21))),
    (*ACTIVE, SCHEDULED, CancellationWithdrawn(day(5, of=21))),
    (*ACTIVE, SCHEDULED, ENDED),
]
MERCHANTS: tuple[merchant_events.Event, ...] = (
    REGISTERED,
    merchant_events.Reconfigured(replace(PROFILE, tax=Tax("IVA", 2100), return_origins=("https://shop.example",)), THEN),
    merchant_events.KeyIssued(OTHER, THEN),
    merchant_events.KeyRevoked(KEY.id, THEN),
    merchant_events.ClockSet(-1.5, THEN),
)


def announced(aggregate: Aggregate[Any, Any, Any], *events: Any) -> list[Announcement]:
    state, announcements = None, []
    for event in events:
        state = aggregate.decider.evolve(state, event)
        announcements.append(aggregate.announce(event, state))
    return announcements


def statuses(*events: Event) -> list[str]:
    return [str(announcement.data.status) for announcement in announced(SUBSCRIPTION, *events)]  # type: ignore[attr-defined]


@pytest.mark.parametrize("life", LIVES)
def test_every_public_event_of_a_subscription_names_its_customer(life: tuple[Event, ...]) -> None:
    announcements = announced(SUBSCRIPTION, *life)
    assert {announcement.data.TYPE for announcement in announcements} <= set(EVENTS)
    assert {announcement.customer_id for announcement in announcements} == {ANA}
    assert [announcement.time for announcement in announcements] == [event.at for event in life]


@pytest.mark.parametrize(
    ("aggregate", "events"),
    [*((SUBSCRIPTION, life) for life in LIVES), (MERCHANT, MERCHANTS), (PLAN, (Published(PREMIUM, THEN),))],
)
def test_stored_events_are_decoded_unchanged(aggregate: Aggregate[Any, Any, Any], events: tuple[Any, ...]) -> None:
    for event in events:
        assert aggregate.codec.decode(*aggregate.codec.encode(event)) == event


def test_statuses_are_those_after_the_event() -> None:
    assert statuses(*ENTERED_JUNE) == ["incomplete", "incomplete", "active", "active"]
    assert statuses(*PAST_DUE, RetryDue(INVOICE, 1, day(6)), Recovered(INVOICE, day(6)))[-3:] == [
        "past_due",
        "past_due",
        "active",
    ]
    assert statuses(*PAST_DUE, WentUnpaid(INVOICE, day(6)))[-1] == Status.UNPAID
    assert statuses(STARTED, replace(FELL))[-1] == Status.INCOMPLETE
    assert statuses(*ACTIVE, SCHEDULED, ENDED)[-2:] == ["active", "canceled"]


def test_a_renewal_carries_all_that_an_invoice_needs() -> None:
    due = announced(SUBSCRIPTION, *ENTERED_JUNE)[-1].data
    assert isinstance(due, SubscriptionRenewalDue)
    assert (due.plan.name, due.plan.price.amount_minor, due.period_number, due.customer_revision) == (
        "Premium Mensual",
        2999,
        2,
        1,
    )
    assert (due.period.start, due.period.end) == (JUNE.start, JUNE.end)


def test_a_past_due_event_has_reason_amount_next_attempt_and_end_of_access() -> None:
    debt = announced(SUBSCRIPTION, *PAST_DUE)[-1].data
    assert isinstance(debt, SubscriptionPastDue)
    assert (debt.reason, debt.amount.amount_minor, debt.failed_attempts) == ("insufficient_funds", 2999, 1)
    assert (debt.next_attempt_at, debt.access_until) == (day(6, of=15), day(6, of=21))


def test_a_cancelled_event_names_its_cause() -> None:
    ended = announced(SUBSCRIPTION, *ACTIVE, SCHEDULED, ENDED)[-1].data
    assert isinstance(ended, SubscriptionCancelled)
    assert (ended.cause, ended.open_invoices, ended.effective_at) == ("customer", "void", day(6))


def test_a_cancelled_event_names_the_unpaid_period() -> None:
    paid, unpaid = (announced(SUBSCRIPTION, *life, ENDED)[-1].data for life in (ACTIVE, ENTERED_JUNE))
    assert isinstance(paid, SubscriptionCancelled)
    assert paid.unpaid_period is None
    assert isinstance(unpaid, SubscriptionCancelled)
    assert unpaid.unpaid_period == shapes.Period(start=JUNE.start, end=JUNE.end)


def test_every_merchant_event_carries_all_settings() -> None:
    last = announced(MERCHANT, *MERCHANTS)[-1].data
    assert isinstance(last, MerchantConfigured)
    assert (last.name, last.invoice_series, last.clock_offset_seconds) == ("TechSolutions", "TS", -1.5)
    assert [(key.id, key.revoked) for key in last.api_keys] == [("a", True), ("b", False)]
    assert last.tax
    assert last.tax.rate_basis_points == 2100
    assert last.return_origins == ("https://shop.example",)


def test_a_plan_event_carries_the_complete_plan() -> None:
    published = announced(PLAN, Published(PREMIUM, THEN))[0].data
    assert isinstance(published, PlanPublished)
    assert published.plan.model_dump(mode="json") == {
        "id": str(PREMIUM.id),
        "name": "Premium Mensual",
        "description": "Suscripción mensual renovable",
        "image_media_id": None,
        "price": {"amount_minor": 2999, "currency": "USD"},
        "interval": {"unit": "month", "count": 1},
        "tax": None,
    }


def test_a_fold_of_what_was_stored_is_the_state() -> None:
    codec = SUBSCRIPTION.codec
    assert RULES.fold(codec.decode(*codec.encode(event)) for event in PAST_DUE) == RULES.fold(PAST_DUE)
