"""I6: totals are the sums of their lines, refunds do not exceed payments, and payments do not exceed totals."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any
from uuid import UUID

from billing_contracts.invoicing import InvoiceIssued
from billing_contracts.payments import PaymentEvent, PaymentSucceeded
from billing_contracts.registry import EVENTS, data_of
from invoicing.application.movements import CHARGEBACK, Kind, Movement, of_invoice, of_payment
from verify.checks.invoices import Invoice, credit_notes_of, invoices_of
from verify.quarantined import Quarantined
from verify.recorded_state import RecordedState
from verify.rows import Row

_GROUP = "invoicing.invoices"
Source = tuple[UUID, UUID]
"""(merchant, source of a movement)"""


def add_up(recorded: RecordedState) -> Iterator[str]:
    invoices = invoices_of(recorded)
    yield from (line for invoice in invoices for line in lines_of(invoice))
    yield from (line for invoice in announced(recorded) for line in lines_of_announced(*invoice))
    stored = {(row["merchant_id"], row["source"]): row for row in recorded.rows("invoicing", "movements")}
    yield from movements_match(stored, *movements_of(recorded), Quarantined(recorded).discarded(_GROUP))
    yield from credited_at_most(recorded)
    yield from balanced(stored.values(), {(each.merchant_id, each.id): each.issued.totals.total for each in invoices})


def lines_of(invoice: Invoice) -> Iterator[str]:
    issued = invoice.issued
    totals = issued.totals
    sums = tuple(sum(getattr(line, name) for line in issued.lines) for name in ("net", "tax", "total"))
    if (totals.net, totals.tax, totals.total) != sums or any(line.net + line.tax != line.total for line in issued.lines):
        yield f"{issued.number} ({invoice.id}) has the total {totals.total}, its lines sum to {sums[2]}"


def credited_at_most(recorded: RecordedState) -> Iterator[str]:
    """The credit notes of an invoice add up, and together do not exceed it."""
    left = {(each.merchant_id, each.id): each.issued.totals for each in invoices_of(recorded)}
    sums: dict[tuple[UUID, UUID], list[int]] = defaultdict(lambda: [0, 0, 0])
    for merchant_id, invoice_id, note in credit_notes_of(recorded):
        totals = note.totals.net, note.totals.tax, note.totals.total
        lines = tuple(sum(getattr(line, name) for line in note.lines) for name in ("net", "tax", "total"))
        if totals != lines or note.totals.net + note.totals.tax != note.totals.total or note.totals.total >= 0:
            yield f"{note.number} of invoice {invoice_id} has the total {note.totals.total}, its lines sum to {lines[2]}"
        sums[merchant_id, invoice_id] = [
            before - more for before, more in zip(sums[merchant_id, invoice_id], totals, strict=True)
        ]
    for key, credited in sums.items():
        total = left.get(key)
        if total is None or any(a > b for a, b in zip(credited, (total.net, total.tax, total.total), strict=True)):
            yield f"invoice {key[1]}: its credit notes take {credited[2]} off {total.total if total else 0}"


def announced(recorded: RecordedState) -> Iterator[tuple[str, InvoiceIssued]]:
    for (_, subject), messages in recorded.published.items():
        for _, envelope in messages:
            if envelope.type == InvoiceIssued.TYPE:
                yield subject, InvoiceIssued.model_validate(envelope.data)


def lines_of_announced(subject: str, issued: InvoiceIssued) -> Iterator[str]:
    total = sum(line.total.amount_minor for line in issued.lines)
    if issued.total.amount_minor != total or issued.net_total.amount_minor + issued.tax_total.amount_minor != total:
        yield f"{subject} has the total {issued.total.amount_minor} on its topic, its lines sum to {total}"
    currencies = {money.currency for money in (issued.total, *(line.total for line in issued.lines))}
    if len(currencies) > 1:
        yield f"{subject} mixes {', '.join(sorted(currencies))}"


def movements_of(recorded: RecordedState) -> tuple[Mapping[Source, Movement], Mapping[Source, Movement]]:
    """The movements that must exist, and those that may exist since the cut."""
    must: dict[Source, Movement] = {}
    may: dict[Source, Movement] = {}
    for stream in recorded.streams("invoicing", "invoice"):
        for event in stream.events:
            if movement := of_invoice(stream.id, event, stream.state):
                must[stream.merchant_id, movement.source] = movement
    for messages in recorded.published.values():
        for record, envelope in messages:
            # A payment event without a customer is quarantined by every consumer.
            if record.topic == PaymentSucceeded.topic() and envelope.type in EVENTS and envelope.customerid:
                data = data_of(envelope)
                if isinstance(data, PaymentEvent) and (movement := of_payment(envelope, data)):
                    (must if record.settled else may)[envelope.merchantid, movement.source] = movement
    return must, may


def movements_match(
    stored: Mapping[Source, Row], must: Mapping[Source, Movement], may: Mapping[Source, Movement], discarded: set[UUID]
) -> Iterator[str]:
    for source, movement in must.items():
        if source not in stored and source[1] not in discarded:
            yield f"the history of invoice {movement.invoice_id} lacks a {movement.kind.value} ({source[1]})"
    for source, row in stored.items():
        expected = must.get(source) or may.get(source)
        if expected is None:
            yield f"the history of invoice {row['invoice_id']} has a {row['kind']} without an event ({source[1]})"
        elif any(row[name] != value for name, value in _facts(expected).items()):
            yield f"the history of invoice {row['invoice_id']} has a {row['kind']} that differs from its event ({source[1]})"


def _facts(movement: Movement) -> dict[str, Any]:
    return asdict(movement) | {"kind": movement.kind.published[0]}


def balanced(movements: Any, totals: Mapping[tuple[UUID, UUID], int]) -> Iterator[str]:
    paid: dict[tuple[UUID, UUID], int] = defaultdict(int)
    back: dict[tuple[UUID, UUID], int] = defaultdict(int)
    for row in movements:
        key = row["merchant_id"], row["invoice_id"]
        if row["kind"] == Kind.PAYMENT:
            paid[key] -= row["total"]
        elif row["kind"] == Kind.REFUND and row["reason"] != CHARGEBACK:  # a bank may return more than what was taken
            back[key] += row["total"]
    for key in paid.keys() | back.keys():
        if not 0 <= paid[key] - back[key] <= totals.get(key, 0):
            yield f"invoice {key[1]} of {totals.get(key, 0)}: {paid[key]} paid, {back[key]} refunded"
