"""I16: every unfinished process waits for a timer, a payment or a record that will arrive."""

from collections.abc import Iterator, Mapping, Set
from datetime import datetime, timedelta
from uuid import UUID

from billing_contracts.envelope import Envelope
from billing_contracts.invoicing import invoice_id
from billing_contracts.shapes import Period
from subscriptions.application.aggregates import SUBSCRIPTION
from subscriptions.domain.subscription.subscription import Subscription
from verify.checks.cancellations import timers_of
from verify.recorded_state import RecordedState
from verify.streams import StreamHistory

LONGEST_PAUSE = timedelta(hours=1)
"""Longer than any pause of a retry."""

_AWAITED = ("open", "unknown")


def sagas_wait(recorded: RecordedState) -> Iterator[str]:
    yield from subscriptions_wait(recorded)
    yield from charges_are_checked(recorded)
    yield from disputes_are_read(recorded)
    yield from parked_issues_wait(recorded)
    yield from open_invoices_are_owed(recorded)


def subscriptions_wait(recorded: RecordedState) -> Iterator[str]:
    """For a timer, or for the outcome of a payment in progress. I9 checks scheduled ends."""
    timers = timers_of(recorded)
    sagas = {(row["merchant_id"], row["subscription_id"]) for row in recorded.rows("subscriptions", "open_sagas")}
    in_progress = payments_in_progress(recorded)
    for stream in recorded.streams("subscriptions", "subscription"):
        subscription: Subscription = stream.state
        awaits = awaits_payment(subscription)
        if ((stream.merchant_id, stream.id) in sagas) != awaits:
            yield f"{stream.name} {'has no' if awaits else 'has an'} open saga, against its stream"
        if subscription.ending is not None:
            continue
        expected = SUBSCRIPTION.timers(subscription)
        actual = timers.get((stream.merchant_id, stream.name), {})
        if actual != expected:
            yield f"{stream.name} should wait for {_listed(expected)}, and waits for {_listed(actual)}"
        if awaits:
            yield from payment_is_in_progress(recorded, stream, in_progress)


def awaits_payment(subscription: Subscription) -> bool:
    """Whether the current charge has no outcome yet."""
    return subscription.ended is None and not subscription.paid and (subscription.debt is None or subscription.debt.trying)


def payments_in_progress(recorded: RecordedState) -> Set[tuple[UUID, UUID]]:
    """The invoices that are parked, due for a charge, or at the provider."""
    parked = {(row["merchant_id"], row["invoice_id"]) for row in recorded.rows("invoicing", "parked_issues")}
    attempts = {
        (row["merchant_id"], row["invoice_id"]) for row in recorded.rows("payments", "attempt") if row["status"] in _AWAITED
    }
    agreed = {(row["merchant_id"], row["invoice_id"]) for row in recorded.rows("payments", "agreed_charge")}
    return parked | attempts | agreed


def payment_is_in_progress(recorded: RecordedState, stream: StreamHistory, in_progress: Set[tuple[UUID, UUID]]) -> Iterator[str]:
    subscription: Subscription = stream.state
    period = Period(start=subscription.period.start, end=subscription.period.end)
    invoice = subscription.debt.invoice_id if subscription.debt else invoice_id(stream.id, period)
    under_way = not recorded.at_rest(stream.merchant_id, stream.name, f"invoice-{invoice}", f"payment-{invoice}")
    if not under_way and (stream.merchant_id, invoice) not in in_progress:
        yield f"{stream.name} waits for the payment of invoice {invoice}, which is not in progress"


def charges_are_checked(recorded: RecordedState) -> Iterator[str]:
    latest = recorded.snapshots["payments"].taken_at + LONGEST_PAUSE
    for row in recorded.rows("payments", "attempt"):
        if row["status"] in _AWAITED and row["call_at"] > latest:
            yield f"charge {row['charge_id']} is {row['status']}, and the provider is not called before {row['call_at']}"
    for row in recorded.rows("payments", "agreed_charge"):
        if row["call_at"] > latest:
            yield f"the agreed charge for invoice {row['invoice_id']} does not start before {row['call_at']}"
    for row in recorded.rows("payments", "refund"):
        if row["status"] == "requested" and row["call_at"] > latest:
            yield f"refund {row['refund_id']} is requested, and the provider is not called before {row['call_at']}"
    for row in recorded.rows("payments", "collection"):
        owed = row["state"] == "void" and row["paid_charge"] is not None and row["refunded_at"] is None
        if owed and row["refund_call_at"] > latest:
            yield f"the refund for invoice {row['invoice_id']} is not requested before {row['refund_call_at']}"


def disputes_are_read(recorded: RecordedState) -> Iterator[str]:
    """The provider is called about the charge of each open dispute."""
    called = {
        (row["merchant_id"], row["charge_id"])
        for row in recorded.rows("payments", "attempt")
        if row.get("disputes_call_at") is not None
    }
    for row in recorded.rows("payments", "dispute"):
        if row["status"] == "open" and (row["merchant_id"], row["charge_id"]) not in called:
            yield f"dispute {row['dispute_id']} is open, and the provider is not called about its charge"


def parked_issues_wait(recorded: RecordedState) -> Iterator[str]:
    """For a merchant, or a customer's revision, that has not arrived yet."""
    known = {
        (row["merchant_id"], row["aggregate"]): row["sequence"]
        for row in recorded.rows("invoicing", "projection")
        if row["doc"] is not None
    }
    merchants = {row["merchant_id"] for row in recorded.rows("invoicing", "merchants")}
    for row in recorded.rows("invoicing", "parked_issues"):
        merchant_id, customer = row["merchant_id"], (row["merchant_id"], f"customer-{row['customer_id']}")
        revision = Envelope.model_validate_json(row["envelope"]).data["customer_revision"]
        if merchant_id in merchants and known.get(customer, 0) >= revision:
            yield f"invoice {row['invoice_id']} of subscription-{row['subscription_id']} is parked without a reason"


def open_invoices_are_owed(recorded: RecordedState) -> Iterator[str]:
    """An open invoice belongs to a subscription with that debt, or to one that ended with the debt."""
    streams = {(stream.merchant_id, stream.id): stream for stream in recorded.streams("subscriptions", "subscription")}
    for row in recorded.rows("invoicing", "invoices"):
        stream = streams.get((row["merchant_id"], row["subscription_id"]))
        concerned = f"subscription-{row['subscription_id']}", f"invoice-{row['id']}", f"payment-{row['id']}"
        if row["status"] != "open" or stream is None or not recorded.at_rest(row["merchant_id"], *concerned):
            continue
        subscription: Subscription = stream.state
        owed = (
            subscription.ended.open_invoices == "keep"
            if subscription.ended
            else not subscription.paid and subscription.period.start == row["period_start"]
        )
        if not owed:
            yield f"invoice {row['id']} is open, although {stream.name} has continued without it"


def _listed(timers: Mapping[str, datetime]) -> str:
    return ", ".join(f"{name} at {due:%Y-%m-%d %H:%M}Z" for name, due in timers.items()) or "nothing"
