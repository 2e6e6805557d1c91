"""I4, I5, I7: numbers without gaps, documents that never change, one for each period."""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any
from uuid import UUID

from billing_contracts.invoicing import InvoiceIssued, invoice_id
from billing_contracts.shapes import Period
from billing_contracts.subscriptions import SubscriptionCancelled, SubscriptionRenewalDue
from invoicing.application.aggregates import CODEC
from invoicing.application.publication import issued as published
from invoicing.domain.invoice.events import Issued
from subscriptions.domain.subscription.events import RenewalDue
from verify.quarantined import Quarantined
from verify.recorded_state import RecordedState


@dataclass(frozen=True)
class Invoice:
    merchant_id: UUID
    id: UUID
    issued: Issued


def invoices_of(world: RecordedState) -> list[Invoice]:
    """As their streams tell them."""
    stories = world.stories("invoicing", "invoice")
    return [Invoice(story.merchant_id, story.id, story.events[0]) for story in stories if isinstance(story.events[0], Issued)]


def numbered(world: RecordedState) -> Iterator[str]:
    """I4"""
    series: dict[tuple[UUID, str], list[Invoice]] = defaultdict(list)
    for invoice in invoices_of(world):
        series[invoice.merchant_id, invoice.issued.series].append(invoice)
    counters = {(row["merchant_id"], row["name"]): row for row in world.rows("invoicing", "series")}
    for name in series.keys() | counters.keys():
        invoices = sorted(series.get(name, []), key=lambda invoice: invoice.issued.ordinal)
        ordinals = [invoice.issued.ordinal for invoice in invoices]
        if ordinals != list(range(1, len(ordinals) + 1)):
            wrong = next(it for at, it in enumerate(invoices, 1) if it.issued.ordinal != at)
            yield f"series {name[1]} of merchant {name[0]} is not 1..{len(ordinals)}: look at {wrong.issued.number}"
        for before, after in pairwise(invoices):
            if after.issued.issued_on < before.issued.issued_on:
                yield f"{after.issued.number} is dated before {before.issued.number}"
        last = (invoices[-1].issued.ordinal, invoices[-1].issued.issued_on) if invoices else (0, None)
        row = counters.get(name)
        if row is None or (row["last"], row["last_issued_on"] if invoices else None) != last:
            found = f"{row['last']} on {row['last_issued_on']}" if row else "nothing"
            yield f"the counter of series {name[1]} of merchant {name[0]} says {found}, its invoices {last[0]} on {last[1]}"


def unchanged(world: RecordedState) -> Iterator[str]:
    """I5: event, row and message say the same, and the buyer is whom the event names."""
    rows = {(row["merchant_id"], row["id"]): row for row in world.rows("invoicing", "invoices")}
    buyers = {(row["merchant_id"], row["invoice_id"]): row["sha256"] for row in world.rows("invoicing", "bill_to")}
    for invoice in invoices_of(world):
        key, issued = (invoice.merchant_id, invoice.id), invoice.issued
        row = rows.pop(key, None)
        if row is None:
            yield f"{issued.number} ({invoice.id}) has no row"
        elif not _same(row, issued):
            yield f"{issued.number} ({invoice.id}) is another in its row than in its stream"
        if buyers.get(key) != issued.bill_to_sha256:
            yield f"{issued.number} ({invoice.id}) is not made out to whom its event names"
    for _, id in rows:
        yield f"invoice {id} has a row and no stream"
    yield from announced_as_issued(world)


def announced_as_issued(world: RecordedState) -> Iterator[str]:
    issued = {(invoice.merchant_id, f"invoice-{invoice.id}"): invoice.issued for invoice in invoices_of(world)}
    for name, story in world.history.items():
        told = [envelope for _, envelope in story if envelope.type == InvoiceIssued.TYPE]
        if name in issued and told and InvoiceIssued.model_validate(told[0].data) != published(issued[name]):
            yield f"{issued[name].number} ({name[1]}) is another on its topic than in its stream"
        if len(told) > 1:
            yield f"{name[1]} was issued {len(told)} times"


def _same(row: Any, issued: Issued) -> bool:
    columns = row["series"], row["ordinal"], row["issued_on"], row["customer_id"], row["subscription_id"]
    if columns != (issued.series, issued.ordinal, issued.issued_on, issued.customer_id, issued.subscription_id):
        return False
    return bool(row["issued"] == json.loads(CODEC.encode(issued)[2]))


def one_for_each_period(world: RecordedState) -> Iterator[str]:
    """I7"""
    yield from periods_follow_one_another(world)
    invoiced = {(invoice.merchant_id, invoice.id): invoice.issued for invoice in invoices_of(world)}
    of: dict[tuple[UUID, UUID], list[tuple[datetime, datetime, UUID]]] = defaultdict(list)
    for row in world.rows("invoicing", "invoices"):
        issued = invoiced.get((row["merchant_id"], row["id"]))
        if issued and row["period_start"] != issued.period.start:
            yield f"invoice {row['id']} is kept for another period than it was issued for"
        elif issued:
            of[row["merchant_id"], row["subscription_id"]].append((issued.period.start, issued.period.end, row["id"]))
    for (_, subscription), periods in of.items():
        periods.sort()
        for (start, end, id), (next_start, _, next_id) in pairwise(periods):
            if next_start == start:
                yield f"subscription {subscription} has two invoices for one period: {id} and {next_id}"
            elif next_start != end:
                yield f"subscription {subscription}: between invoices {id} and {next_id} lies another period, or none"
    yield from each_due_period_is_invoiced(world, set(invoiced))


def periods_follow_one_another(world: RecordedState) -> Iterator[str]:
    for story in world.stories("subscriptions", "subscription"):
        due = [event for event in story.events if isinstance(event, RenewalDue)]
        for number, event in enumerate(due, 1):
            if event.number != number or (number > 1 and event.period.start != due[number - 2].period.end):
                yield f"{story.stream}: period {event.number} does not follow the one before"


def each_due_period_is_invoiced(world: RecordedState, invoiced: set[tuple[UUID, UUID]]) -> Iterator[str]:
    """But for what waits to be issued, ended before it was, or was given up by an operator."""
    parked = {(row["merchant_id"], row["invoice_id"]) for row in world.rows("invoicing", "parked_issues")}
    given_up = Quarantined(world).discarded("invoicing.invoices")
    for (merchant_id, subject), story in world.history.items():
        over = any(envelope.type == SubscriptionCancelled.TYPE for _, envelope in story)
        for record, envelope in story:
            if envelope.type != SubscriptionRenewalDue.TYPE or over or not record.settled or envelope.id in given_up:
                continue
            period = Period.model_validate(envelope.data["period"])
            id = invoice_id(UUID(subject.partition("-")[2]), period)
            if (merchant_id, id) not in invoiced | parked:
                yield f"{subject}: the period from {period.start:%Y-%m-%d} has no invoice ({id})"
