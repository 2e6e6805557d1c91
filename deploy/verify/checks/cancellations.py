"""I8, I9: a cancellation that was accepted holds, and nothing is charged for what comes after it."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from billing_contracts.invoicing import invoice_id
from subscriptions.application.aggregates import SUBSCRIPTION
from subscriptions.application.publication import period
from subscriptions.domain.subscription.events import CancellationScheduled, CancellationWithdrawn, Cancelled, RenewalDue
from verify.checks.invoices import invoices_of
from verify.recorded_state import RecordedState
from verify.rows import Name
from verify.streams import StreamHistory

BOUNDARY = "boundary"


def nothing_charged_afterwards(world: RecordedState) -> Iterator[str]:
    """I8: what was taken all the same is given back, or about to be. So is what came too late for a period given up unpaid."""
    ends, given_up = {}, set()
    for story in world.stories("subscriptions", "subscription"):
        for place, event in enumerate(story.events):
            if isinstance(event, Cancelled):
                ends[story.merchant_id, story.id] = event.effective_at
                if any(isinstance(later, RenewalDue) for later in story.events[place + 1 :]):
                    yield f"{story.stream} was renewed after its end"
        if (ended := story.state.ended) and ended.open_invoices == "void" and not story.state.paid:
            given_up.add((story.merchant_id, invoice_id(story.id, period(story.state.period))))
    voided = {story.id for story in world.stories("invoicing", "invoice") if story.state.status == "void"}
    collections = {(row["merchant_id"], row["invoice_id"]): row for row in world.rows("payments", "collection")}
    for invoice in invoices_of(world):
        subscription = invoice.issued.subscription_id
        end = ends.get((invoice.merchant_id, subscription))
        if end is None or (invoice.issued.period.start < end and (invoice.merchant_id, invoice.id) not in given_up):
            continue
        which = "a period after the end" if invoice.issued.period.start >= end else "the period given up at the end"
        concerned = f"subscription-{subscription}", f"invoice-{invoice.id}", f"payment-{invoice.id}"
        row = collections.get((invoice.merchant_id, invoice.id))
        if not world.at_rest(invoice.merchant_id, *concerned) or (row and row["refunded_at"]):
            continue
        if row and row["paid_charge"] and row["state"] != "void":
            yield f"{invoice.issued.number} ({invoice.id}) was charged for {which} of subscription-{subscription}"
        elif invoice.id not in voided:
            yield f"{invoice.issued.number} ({invoice.id}) is owed for {which} of subscription-{subscription}"


def accepted_cancellations_hold(world: RecordedState) -> Iterator[str]:
    """I9: each is in its stream, and from there was withdrawn, took effect, or waits for its time."""
    stories = {(story.merchant_id, story.stream): story for story in world.stories("subscriptions", "subscription")}
    for merchant_id, aggregate, version, where in accepted(world):
        story = stories.get((merchant_id, aggregate))
        if story is None or story.version < version:
            yield f"{aggregate} version {version} was accepted as a cancellation ({where}) and is in no stream"
        elif not _ends_at(story, version):
            yield f"{aggregate} was told to be cancelled at version {version} ({where}) and is not in its stream"
    timers = timers_of(world)
    for name, story in stories.items():
        if story.state.ending is not None:
            effective, due = story.state.ending.effective_at, timers.get(name, {}).get(BOUNDARY)
            if due != effective:
                yield f"{story.stream} is to end at {effective:%Y-%m-%d %H:%M}Z and waits for {due or 'nothing'}"
        elif _scheduled(story) and story.state.ended is None and not isinstance(_last_word(story), CancellationWithdrawn):
            yield f"{story.stream} lost its cancellation"


def accepted(world: RecordedState) -> Iterator[tuple[UUID, str, int, str]]:
    """(merchant, subscription's stream, version, who was told): every promise that is still kept somewhere."""
    for row in world.rows("subscriptions", "idempotency"):
        answer: Any = row["answer"]
        if row["status"] == 202 and row["route"].startswith("POST ") and row["route"].endswith("/cancellation"):
            yield row["merchant_id"], answer["aggregate"], answer["version"], f"idempotency key {row['key']}"
    for row in world.rows("portal_gateway", "accepted_command"):
        if row["kind"] == "cancellation":
            yield row["merchant_id"], row["aggregate"], row["version"], f"customer {row['customer_id']}"


def timers_of(world: RecordedState) -> Mapping[Name, Mapping[str, Any]]:
    found: dict[Name, dict[str, Any]] = {}
    for row in world.rows("subscriptions", "timers"):
        found.setdefault((row["merchant_id"], f"{row['kind']}-{row['id']}"), {})[row["name"]] = row["due_at"]
    return found


def _ends_at(story: StreamHistory, version: int) -> bool:
    state = SUBSCRIPTION.decider.fold(story.events[:version])
    return state is not None and bool(state.ending or state.ended)


def _scheduled(story: StreamHistory) -> bool:
    return any(isinstance(event, CancellationScheduled) for event in story.events)


def _last_word(story: StreamHistory) -> object:
    return next(event for event in reversed(story.events) if isinstance(event, CancellationScheduled | CancellationWithdrawn))
