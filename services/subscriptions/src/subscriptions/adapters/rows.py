"""Rows that are written in the transaction of a stream's events, and so always agree with them."""

import json
from collections.abc import Sequence
from uuid import UUID, uuid5

from chassis.eventsourcing.aggregate import Outcome
from chassis.eventsourcing.event_store import Statement
from chassis.projections.row_store import project
from chassis.tenants import MERCHANT
from subscriptions.application import publication
from subscriptions.domain.merchant import events as merchant_events
from subscriptions.domain.merchant.merchant import Merchant
from subscriptions.domain.plan.events import Published
from subscriptions.domain.plan.terms import Plan
from subscriptions.domain.subscription import events
from subscriptions.domain.subscription.subscription import Subscription


def of_merchant(outcome: Outcome[merchant_events.Event, Merchant]) -> Sequence[Statement]:
    """The merchant's projected document: its keys and its clock apply from this write on."""
    stream = outcome.stream
    written = uuid5(stream.id, str(outcome.version))
    doc = publication.merchant_document(stream.id, outcome.state)
    return [project(MERCHANT, stream.merchant_id, stream.name, None, outcome.version, written, doc)]


def of_plan(outcome: Outcome[Published, Plan]) -> Sequence[Statement]:
    doc = json.dumps(publication.plan(outcome.state).model_dump(mode="json"))
    insert = "INSERT INTO plans (merchant_id, id, doc) VALUES ($1, $2, $3::text::jsonb)"
    return [Statement(insert, (outcome.stream.merchant_id, outcome.stream.id, doc))]


def of_subscription(outcome: Outcome[events.Event, Subscription]) -> Sequence[Statement]:
    """The subscription's customer, and a row in `open_sagas` while a charge is under way."""
    merchant_id, id = outcome.stream.merchant_id, outcome.stream.id
    statements = []
    if isinstance(outcome.events[0], events.Started):
        statements.append(_owner(merchant_id, id, outcome.state.customer_id))
    for event in outcome.events:
        match event:
            case events.RenewalDue() | events.RetryDue() | events.FellPastDue(trying=True):
                statements.append(_open(merchant_id, id))
            case events.Renewed() | events.FellPastDue() | events.Recovered() | events.Cancelled():
                statements.append(_close(merchant_id, id))
    return statements


def _owner(merchant_id: UUID, id: UUID, customer_id: UUID) -> Statement:
    insert = "INSERT INTO subscriptions (merchant_id, id, customer_id) VALUES ($1, $2, $3)"
    return Statement(insert, (merchant_id, id, customer_id))


def _open(merchant_id: UUID, id: UUID) -> Statement:
    insert = "INSERT INTO open_sagas (merchant_id, subscription_id) VALUES ($1, $2) ON CONFLICT DO NOTHING"
    return Statement(insert, (merchant_id, id))


def _close(merchant_id: UUID, id: UUID) -> Statement:
    return Statement("DELETE FROM open_sagas WHERE merchant_id = $1 AND subscription_id = $2", (merchant_id, id))
