"""I16: whatever is not finished waits for something that will come."""

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
"""Far more than anything is ever put off for."""

_AWAITED = ("open", "unknown")


def sagas_wait(world: RecordedState) -> Iterator[str]:
    yield from subscriptions_wait(world)
    yield from charges_are_asked_about(world)
    yield from parked_issues_wait(world)
    yield from open_invoices_are_owed(world)


def subscriptions_wait(world: RecordedState) -> Iterator[str]:
    """On a timer, or on a payment's outcome that somebody works on. Scheduled ends are judged as cancellations (I9)."""
    timers = timers_of(world)
    sagas = {(row["merchant_id"], row["subscription_id"]) for row in world.rows("subscriptions", "open_sagas")}
    worked_on = payments_worked_on(world)
    for story in world.stories("subscriptions", "subscription"):
        it: Subscription = story.state
        awaits = awaits_payment(it)
        if ((story.merchant_id, story.id) in sagas) != awaits:
            yield f"{story.stream} {'has no' if awaits else 'has an'} open saga, against its stream"
        if it.ending is not None:
            continue
        expected = SUBSCRIPTION.timers(it)
        found = timers.get((story.merchant_id, story.stream), {})
        if found != expected:
            yield f"{story.stream} should wait for {_said(expected)}, and waits for {_said(found)}"
        if awaits:
            yield from payment_is_worked_on(world, story, worked_on)


def awaits_payment(it: Subscription) -> bool:
    """Whether the current charge has no outcome yet."""
    return it.ended is None and not it.paid and (it.debt is None or it.debt.trying)


def payments_worked_on(world: RecordedState) -> Set[tuple[UUID, UUID]]:
    """The invoices that wait to be issued, to be charged, or for the provider."""
    parked = {(row["merchant_id"], row["invoice_id"]) for row in world.rows("invoicing", "parked_issues")}
    attempts = {(row["merchant_id"], row["invoice_id"]) for row in world.rows("payments", "attempt") if row["status"] in _AWAITED}
    agreed = {(row["merchant_id"], row["invoice_id"]) for row in world.rows("payments", "agreed_charge")}
    return parked | attempts | agreed


def payment_is_worked_on(world: RecordedState, story: StreamHistory, worked_on: Set[tuple[UUID, UUID]]) -> Iterator[str]:
    it: Subscription = story.state
    period = Period(start=it.period.start, end=it.period.end)
    invoice = it.debt.invoice_id if it.debt else invoice_id(story.id, period)
    under_way = not world.at_rest(story.merchant_id, story.stream, f"invoice-{invoice}", f"payment-{invoice}")
    if not under_way and (story.merchant_id, invoice) not in worked_on:
        yield f"{story.stream} waits for the payment of invoice {invoice}, which nobody works on"


def charges_are_asked_about(world: RecordedState) -> Iterator[str]:
    latest = world.snapshots["payments"].taken_at + LONGEST_PAUSE
    for row in world.rows("payments", "attempt"):
        if row["status"] in _AWAITED and row["call_at"] > latest:
            yield f"charge {row['charge_id']} is {row['status']}, and the provider is not asked before {row['call_at']}"
    for row in world.rows("payments", "agreed_charge"):
        if row["call_at"] > latest:
            yield f"the charge agreed to for invoice {row['invoice_id']} is not begun before {row['call_at']}"
    for row in world.rows("payments", "collection"):
        owed = row["state"] == "void" and row["paid_charge"] is not None and row["refunded_at"] is None
        if owed and row["refund_call_at"] > latest:
            yield f"the refund for invoice {row['invoice_id']} is not asked for before {row['refund_call_at']}"


def parked_issues_wait(world: RecordedState) -> Iterator[str]:
    """For a merchant, or a customer's revision, that is not known yet."""
    known = {
        (row["merchant_id"], row["aggregate"]): row["sequence"]
        for row in world.rows("invoicing", "projection")
        if row["doc"] is not None
    }
    for row in world.rows("invoicing", "parked_issues"):
        merchant_id, customer = row["merchant_id"], (row["merchant_id"], f"customer-{row['customer_id']}")
        wanted = Envelope.model_validate_json(row["envelope"]).data["customer_revision"]
        if (merchant_id, f"merchant-{merchant_id}") in known and known.get(customer, 0) >= wanted:
            yield f"invoice {row['invoice_id']} of subscription-{row['subscription_id']} is parked, and all it waits for is known"


def open_invoices_are_owed(world: RecordedState) -> Iterator[str]:
    """An invoice that is neither paid nor void belongs to a subscription that knows it is not, or that ended owing it."""
    stories = {(story.merchant_id, story.id): story for story in world.stories("subscriptions", "subscription")}
    for row in world.rows("invoicing", "invoices"):
        story = stories.get((row["merchant_id"], row["subscription_id"]))
        concerned = f"subscription-{row['subscription_id']}", f"invoice-{row['id']}", f"payment-{row['id']}"
        if row["status"] != "open" or story is None or not world.at_rest(row["merchant_id"], *concerned):
            continue
        it: Subscription = story.state
        owed = it.ended.open_invoices == "keep" if it.ended else not it.paid and it.period.start == row["period_start"]
        if not owed:
            yield f"invoice {row['id']} is open, and nobody waits for it: {story.stream} has gone on without it"


def _said(timers: Mapping[str, datetime]) -> str:
    return ", ".join(f"{name} at {due:%Y-%m-%d %H:%M}Z" for name, due in timers.items()) or "nothing"
