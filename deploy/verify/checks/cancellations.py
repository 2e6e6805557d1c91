"""I8, I9: an accepted cancellation holds, and nothing is charged for periods after it."""

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


def nothing_charged_afterwards(recorded: RecordedState) -> Iterator[str]:
    """I8: a charge after the end is refunded, or will be. So is a late charge for a period that ended unpaid."""
    ends, unpaid_ends = {}, set()
    for stream in recorded.streams("subscriptions", "subscription"):
        for place, event in enumerate(stream.events):
            if isinstance(event, Cancelled):
                ends[stream.merchant_id, stream.id] = event.effective_at
                if any(isinstance(later, RenewalDue) for later in stream.events[place + 1 :]):
                    yield f"{stream.name} was renewed after its end"
        if (ended := stream.state.ended) and ended.open_invoices == "void" and not stream.state.paid:
            unpaid_ends.add((stream.merchant_id, invoice_id(stream.id, period(stream.state.period))))
    voided = {stream.id for stream in recorded.streams("invoicing", "invoice") if stream.state.status == "void"}
    collections = {(row["merchant_id"], row["invoice_id"]): row for row in recorded.rows("payments", "collection")}
    for invoice in invoices_of(recorded):
        subscription = invoice.issued.subscription_id
        end = ends.get((invoice.merchant_id, subscription))
        if end is None or (invoice.issued.period.start < end and (invoice.merchant_id, invoice.id) not in unpaid_ends):
            continue
        which = "a period after the end" if invoice.issued.period.start >= end else "the period given up at the end"
        concerned = f"subscription-{subscription}", f"invoice-{invoice.id}", f"payment-{invoice.id}"
        row = collections.get((invoice.merchant_id, invoice.id))
        if not recorded.at_rest(invoice.merchant_id, *concerned) or (row and row["refunded_at"]):
            continue
        if row and row["paid_charge"] and row["state"] != "void":
            yield f"{invoice.issued.number} ({invoice.id}) was charged for {which} of subscription-{subscription}"
        elif invoice.id not in voided:
            yield f"{invoice.issued.number} ({invoice.id}) is owed for {which} of subscription-{subscription}"


def accepted_cancellations_hold(recorded: RecordedState) -> Iterator[str]:
    """I9: each is in its stream, and was withdrawn, took effect, or waits for its time."""
    streams = {(stream.merchant_id, stream.name): stream for stream in recorded.streams("subscriptions", "subscription")}
    for merchant_id, aggregate, version, where in accepted(recorded):
        stream = streams.get((merchant_id, aggregate))
        if stream is None or stream.version < version:
            yield f"{aggregate} version {version} was accepted as a cancellation ({where}) and is in no stream"
        elif not _ends_at(stream, version):
            yield f"{aggregate} was accepted as cancelled at version {version} ({where}) and is not cancelled in its stream"
    timers = timers_of(recorded)
    for name, stream in streams.items():
        if stream.state.ending is not None:
            effective, due = stream.state.ending.effective_at, timers.get(name, {}).get(BOUNDARY)
            if due != effective:
                yield f"{stream.name} is to end at {effective:%Y-%m-%d %H:%M}Z and waits for {due or 'nothing'}"
        elif _scheduled(stream) and stream.state.ended is None and not isinstance(_last_decision(stream), CancellationWithdrawn):
            yield f"{stream.name} lost its cancellation"


def accepted(recorded: RecordedState) -> Iterator[tuple[UUID, str, int, str]]:
    """(merchant, subscription's stream, version, origin) of every stored acceptance of a cancellation."""
    for row in recorded.rows("subscriptions", "idempotency"):
        answer: Any = row["answer"]
        if row["status"] == 202 and row["route"].startswith("POST ") and row["route"].endswith("/cancellation"):
            yield row["merchant_id"], answer["aggregate"], answer["version"], f"idempotency key {row['key']}"
    for row in recorded.rows("portal_gateway", "accepted_command"):
        if row["kind"] == "cancellation":
            yield row["merchant_id"], row["aggregate"], row["version"], f"customer {row['customer_id']}"


def timers_of(recorded: RecordedState) -> Mapping[Name, Mapping[str, Any]]:
    timers: dict[Name, dict[str, Any]] = {}
    for row in recorded.rows("subscriptions", "timers"):
        timers.setdefault((row["merchant_id"], f"{row['kind']}-{row['id']}"), {})[row["name"]] = row["due_at"]
    return timers


def _ends_at(stream: StreamHistory, version: int) -> bool:
    state = SUBSCRIPTION.decider.fold(stream.events[:version])
    return state is not None and bool(state.ending or state.ended)


def _scheduled(stream: StreamHistory) -> bool:
    return any(isinstance(event, CancellationScheduled) for event in stream.events)


def _last_decision(stream: StreamHistory) -> object:
    return next(event for event in reversed(stream.events) if isinstance(event, CancellationScheduled | CancellationWithdrawn))
