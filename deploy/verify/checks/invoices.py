"""I4, I5, I7: numbers without gaps, invoices that never change, one invoice for each period."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, pairwise
from typing import Any
from uuid import UUID

from billing_contracts.invoicing import InvoiceIssued, invoice_id
from billing_contracts.shapes import Period
from billing_contracts.subscriptions import SubscriptionCancelled, SubscriptionRenewalDue
from invoicing.application.aggregates import CODEC
from invoicing.application.publication import issued as published
from invoicing.domain.invoice.events import Credited, Issued
from subscriptions.domain.subscription.events import RenewalDue
from verify.checks.restores import lost_numbers
from verify.quarantined import Quarantined
from verify.recorded_state import RecordedState
from verify.rows import same_json


@dataclass(frozen=True)
class Invoice:
    merchant_id: UUID
    id: UUID
    issued: Issued


def invoices_of(recorded: RecordedState) -> list[Invoice]:
    """The invoices according to their streams."""
    streams = recorded.streams("invoicing", "invoice")
    return [Invoice(each.merchant_id, each.id, each.events[0]) for each in streams if isinstance(each.events[0], Issued)]


def credit_notes_of(recorded: RecordedState) -> list[tuple[UUID, UUID, Credited]]:
    """(merchant, invoice, credit note) according to the streams."""
    streams = recorded.streams("invoicing", "invoice")
    return [(it.merchant_id, it.id, event) for it in streams for event in it.events if isinstance(event, Credited)]


@dataclass(frozen=True, slots=True, order=True)
class SeriesEntry:
    """An invoice or credit note of a series, or the series' counter, which sorts before them."""

    merchant_id: str
    series: str
    is_invoice: bool
    ordinal: int
    issued_on: str
    """ISO 8601"""
    number: str = ""


def series_entries(recorded: RecordedState) -> Iterator[SeriesEntry]:
    for invoice in invoices_of(recorded):
        issued = invoice.issued
        on = issued.issued_on.isoformat()
        yield SeriesEntry(str(invoice.merchant_id), issued.series, True, issued.ordinal, on, issued.number)
    for merchant_id, _, note in credit_notes_of(recorded):
        yield SeriesEntry(str(merchant_id), note.series, True, note.ordinal, note.issued_on.isoformat(), note.number)
    for merchant_id, series, ordinal, issued_on, number in lost_numbers(recorded):
        yield SeriesEntry(str(merchant_id), series, True, ordinal, issued_on.isoformat(), number)
    for row in recorded.rows("invoicing", "series"):
        yield SeriesEntry(str(row["merchant_id"]), row["name"], False, row["last"], str(row["last_issued_on"]))


def numbered(entries: Iterable[SeriesEntry]) -> Iterator[str]:
    """I4: numbers are 1..n, dates rise, and counters agree. Takes the entries in their order. Invoices that a restore has lost
    keep their numbers."""
    for (merchant_id, name), members in groupby(entries, key=lambda entry: (entry.merchant_id, entry.series)):
        counter: SeriesEntry | None = None
        last: SeriesEntry | None = None
        wrong: SeriesEntry | None = None
        count = 0
        for entry in members:
            if not entry.is_invoice:
                counter = entry
                continue
            count += 1
            if wrong is None and entry.ordinal != count:
                wrong = entry
            if last is not None and entry.issued_on < last.issued_on:
                yield f"{entry.number} is dated before {last.number}"
            last = entry
        if wrong is not None:
            yield f"series {name} of merchant {merchant_id} is not 1..{count}: see {wrong.number}"
        expected = (last.ordinal, last.issued_on) if last else (0, None)
        if counter is None or (counter.ordinal, counter.issued_on if last else None) != expected:
            stored = f"{counter.ordinal} on {counter.issued_on}" if counter else "nothing"
            at = f"its invoices at {expected[0]} on {expected[1]}"
            yield f"the counter of series {name} of merchant {merchant_id} is at {stored}, {at}"


def unchanged(recorded: RecordedState) -> Iterator[str]:
    """I5: event, row and message agree, and the buyer is the one of the event."""
    rows = {(row["merchant_id"], row["id"]): row for row in recorded.rows("invoicing", "invoices")}
    buyers = {(row["merchant_id"], row["invoice_id"]): row["sha256"] for row in recorded.rows("invoicing", "bill_to")}
    for invoice in invoices_of(recorded):
        key, issued = (invoice.merchant_id, invoice.id), invoice.issued
        row = rows.pop(key, None)
        if row is None:
            yield f"{issued.number} ({invoice.id}) has no row"
        elif not _same(row, issued):
            yield f"{issued.number} ({invoice.id}) differs in its row from its stream"
        if buyers.get(key) != issued.bill_to_sha256:
            yield f"{issued.number} ({invoice.id}) has another buyer than its event"
    for _, id in rows:
        yield f"invoice {id} has a row and no stream"
    yield from published_as_issued(recorded)
    yield from credit_notes_unchanged(recorded)


def credit_notes_unchanged(recorded: RecordedState) -> Iterator[str]:
    rows = {(row["merchant_id"], row["id"]): row for row in recorded.rows("invoicing", "credit_notes")}
    for merchant_id, invoice, note in credit_notes_of(recorded):
        row = rows.pop((merchant_id, note.credit_note_id), None)
        facts = invoice, note.series, note.ordinal, note.issued_on
        stored = (row["invoice_id"], row["series"], row["ordinal"], row["issued_on"]) if row else None
        if row is None or stored != facts or not same_json(row["issued"], json.loads(CODEC.encode(note)[2])):
            yield f"{note.number} ({note.credit_note_id}) differs in its row from the stream of invoice {invoice}"
    for _, id in rows:
        yield f"credit note {id} has a row and no stream"


def published_as_issued(recorded: RecordedState) -> Iterator[str]:
    issued = {(invoice.merchant_id, f"invoice-{invoice.id}"): invoice.issued for invoice in invoices_of(recorded)}
    for name, messages in recorded.published.items():
        sent = [envelope for _, envelope in messages if envelope.type == InvoiceIssued.TYPE]
        if name in issued and sent and InvoiceIssued.model_validate(sent[0].data) != published(issued[name]):
            yield f"{issued[name].number} ({name[1]}) differs on its topic from its stream"
        if len(sent) > 1:
            yield f"{name[1]} was issued {len(sent)} times"


def _same(row: Any, issued: Issued) -> bool:
    columns = row["series"], row["ordinal"], row["issued_on"], row["customer_id"], row["subscription_id"]
    if columns != (issued.series, issued.ordinal, issued.issued_on, issued.customer_id, issued.subscription_id):
        return False
    return same_json(row["issued"], json.loads(CODEC.encode(issued)[2]))


def one_for_each_period(recorded: RecordedState) -> Iterator[str]:
    """I7: one invoice for each period, and contiguous periods."""
    yield from periods_follow_one_another(recorded)
    invoiced = {(invoice.merchant_id, invoice.id): invoice.issued for invoice in invoices_of(recorded)}
    of_subscription: dict[tuple[UUID, UUID], list[tuple[datetime, datetime, UUID]]] = defaultdict(list)
    for row in recorded.rows("invoicing", "invoices"):
        issued = invoiced.get((row["merchant_id"], row["id"]))
        if issued and row["period_start"] != issued.period.start:
            yield f"invoice {row['id']} has another period in its row than in its stream"
        elif issued:
            of_subscription[row["merchant_id"], row["subscription_id"]].append(
                (issued.period.start, issued.period.end, row["id"])
            )
    for (_, subscription), periods in of_subscription.items():
        periods.sort()
        for (start, end, id), (next_start, _, next_id) in pairwise(periods):
            if next_start == start:
                yield f"subscription {subscription} has two invoices for one period: {id} and {next_id}"
            elif next_start != end:
                yield f"subscription {subscription}: between invoices {id} and {next_id} is another period, or none"
    yield from each_due_period_is_invoiced(recorded, set(invoiced))


def periods_follow_one_another(recorded: RecordedState) -> Iterator[str]:
    for stream in recorded.streams("subscriptions", "subscription"):
        due = [event for event in stream.events if isinstance(event, RenewalDue)]
        for number, event in enumerate(due, 1):
            if event.number != number or (number > 1 and event.period.start != due[number - 2].period.end):
                yield f"{stream.name}: period {event.number} does not follow the one before"


def each_due_period_is_invoiced(recorded: RecordedState, invoiced: set[tuple[UUID, UUID]]) -> Iterator[str]:
    """Except parked renewals, ended subscriptions and discarded events."""
    parked = {(row["merchant_id"], row["invoice_id"]) for row in recorded.rows("invoicing", "parked_issues")}
    discarded = Quarantined(recorded).discarded("invoicing.invoices")
    for (merchant_id, subject), messages in recorded.published.items():
        over = any(envelope.type == SubscriptionCancelled.TYPE for _, envelope in messages)
        for record, envelope in messages:
            if envelope.type != SubscriptionRenewalDue.TYPE or over or not record.settled or envelope.id in discarded:
                continue
            period = Period.model_validate(envelope.data["period"])
            id = invoice_id(UUID(subject.partition("-")[2]), period)
            if (merchant_id, id) not in invoiced | parked:
                yield f"{subject}: the period from {period.start:%Y-%m-%d} has no invoice ({id})"
