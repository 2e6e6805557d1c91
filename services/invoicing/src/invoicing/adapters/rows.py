"""Rows of the tables `invoices`, `credit_notes` and `movements`, written in the transaction of an invoice's events."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from uuid import UUID

from chassis.eventsourcing.aggregate import Outcome
from chassis.eventsourcing.event_store import Statement
from invoicing.application import movements
from invoicing.application.aggregates import CODEC
from invoicing.application.movements import Movement
from invoicing.domain.invoice.events import Credited, Event, Issued, Paid, PaymentFailed, Voided
from invoicing.domain.invoice.invoice import Invoice


def of_invoice(outcome: Outcome[Event, Invoice]) -> Sequence[Statement]:
    """The changes to these tables."""
    merchant_id, id = outcome.stream.merchant_id, outcome.stream.id
    first = outcome.version - len(outcome.events) + 1
    written: list[Statement] = []
    for version, event in enumerate(outcome.events, first):
        written.append(_invoice(merchant_id, id, version, event))
        if isinstance(event, Credited):
            written += _credit_note(merchant_id, id, event, outcome.state)
        if moved := movements.of_invoice(id, event, outcome.state):
            written.append(movement(merchant_id, moved))
    return written


def movement(merchant_id: UUID, moved: Movement) -> Statement:
    """Has no effect for a movement that has been written before."""
    sql = """
        INSERT INTO movements (merchant_id, source, customer_id, invoice_id, kind, at, total, currency, net, tax, status, brand,
                               last4, reason, reference, credit_note_id, backup)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
        ON CONFLICT DO NOTHING
    """
    ids = (moved.source, moved.customer_id, moved.invoice_id)
    amounts = (moved.total, moved.currency, moved.net, moved.tax)
    charge = (moved.status, moved.brand, moved.last4, moved.reason, moved.reference, moved.credit_note_id, moved.backup)
    kind, _ = moved.kind.published
    return Statement(sql, (merchant_id, *ids, kind, moved.at, *amounts, *charge))


def _invoice(merchant_id: UUID, id: UUID, version: int, event: Event) -> Statement:
    match event:
        case Issued():
            return _issued(merchant_id, id, version, event)
        case Paid(card=card, at=at):
            used = json.dumps(asdict(card), default=str) if card else None
            return _settled(merchant_id, id, version, "paid", at, used)
        case Voided(at=at):
            return _settled(merchant_id, id, version, "void", at, None)
        case Credited(totals=totals):
            sql = "UPDATE invoices SET version = $3, credited = credited + $4 WHERE merchant_id = $1 AND id = $2"
            return Statement(sql, (merchant_id, id, version, -totals.total))
        case PaymentFailed():
            sql = "UPDATE invoices SET version = $3 WHERE merchant_id = $1 AND id = $2"
            return Statement(sql, (merchant_id, id, version))


def _issued(merchant_id: UUID, id: UUID, version: int, event: Issued) -> Statement:
    _, schema, body = CODEC.encode(event)
    sql = """
        INSERT INTO invoices (merchant_id, id, customer_id, subscription_id, period_start, version, series, ordinal, issued_on,
                              issued, schema, status)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'open')
    """
    number = (event.series, event.ordinal, event.issued_on)
    subject = (event.customer_id, event.subscription_id, event.period.start)
    return Statement(sql, (merchant_id, id, *subject, version, *number, body, schema))


def _settled(merchant_id: UUID, id: UUID, version: int, status: str, at: object, card: str | None) -> Statement:
    sql = """
        UPDATE invoices SET version = $3, status = $4, settled_at = $5, card = $6::text::json
        WHERE merchant_id = $1 AND id = $2
    """
    return Statement(sql, (merchant_id, id, version, status, at, card))


def _credit_note(merchant_id: UUID, invoice_id: UUID, event: Credited, invoice: Invoice) -> Sequence[Statement]:
    """The credit note, and the counter of its series. The unique number lets one of two concurrent ones take it."""
    _, schema, body = CODEC.encode(event)
    note = """
        INSERT INTO credit_notes (merchant_id, id, invoice_id, customer_id, series, ordinal, issued_on, issued, schema)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    """
    counter = """
        INSERT INTO series (merchant_id, name, last, last_issued_on) VALUES ($1, $2, $3, $4)
        ON CONFLICT (merchant_id, name) DO UPDATE
        SET last = greatest(series.last, excluded.last),
            last_issued_on = greatest(series.last_issued_on, excluded.last_issued_on)
    """
    ids, number = (event.credit_note_id, invoice_id, invoice.customer_id), (event.series, event.ordinal, event.issued_on)
    return [Statement(note, (merchant_id, *ids, *number, body, schema)), Statement(counter, (merchant_id, *number))]
