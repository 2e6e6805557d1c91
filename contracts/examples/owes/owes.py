"""Who owes what: one row for each invoice, summed by merchant, customer and currency.

What sums to what. Amounts are whole minor units; amounts of different currencies are never added.

    due       InvoiceIssued.total plus the sum of CreditNoteIssued.total, which is negative; 0 from InvoiceVoided on
    paid      the sum of PaymentSucceeded.amount
    refunded  the sum of PaymentRefunded.amount, less PaymentRefundFailed.amount with made_before
    balance   due - paid + refunded

The sum of an invoice's positive balance is *owed*, or *written off* from InvoiceMarkedUncollectible on: the debt remains, the
merchant has stopped collecting it. A negative balance is *to return*: the customer paid an invoice that is void or has a
credit note, and PaymentRefunded will follow. InvoiceIssued.total is net_total + tax_total, and the sum of its lines' totals.

What is not added:

- InvoicePaid repeats the amount of PaymentSucceeded. Adding both would count the payment twice.
- InvoicePaymentFailed, PaymentStarted, PaymentFailed and PaymentRefundRequested move no money, nor does PaymentRefundFailed
  without made_before. After PaymentOutcomeUnknown the invoice is owed until PaymentSucceeded comes.
- PaymentDisputed and PaymentDisputeClosed change no debt: an invoice stays paid, also when a bank has returned the money.
- SubscriptionCancelled changes no debt. With `open_invoices` "void" an InvoiceVoided follows for each unpaid invoice; with "keep"
  none follows, and the debt is kept.

The two topics have no common order: a payment may come before its invoice, and a void before the payment that it overtook. So
each event sets or adds to a column of its own, and any order gives the same sums. A missing event would make them wrong:
hence Gaps.STOP.
"""

import sqlite3
from typing import Any

from billing_contracts.invoicing import CreditNoteIssued, InvoiceIssued, InvoiceMarkedUncollectible, InvoiceVoided
from billing_contracts.payments import PaymentRefunded, PaymentRefundFailed, PaymentSucceeded
from billing_contracts.records import aggregate_id
from billing_subscriber.handler import Handler
from billing_subscriber.positions import Gaps
from billing_subscriber.records import Received
from billing_subscriber.stores.sqlite import SqliteStore

SCHEMA = """
CREATE TABLE IF NOT EXISTS invoices (
    merchant TEXT NOT NULL,
    invoice TEXT NOT NULL,
    customer TEXT NOT NULL,
    currency TEXT,
    total INTEGER NOT NULL DEFAULT 0,
    credited INTEGER NOT NULL DEFAULT 0,
    void INTEGER NOT NULL DEFAULT 0,
    uncollectible INTEGER NOT NULL DEFAULT 0,
    paid INTEGER NOT NULL DEFAULT 0,
    refunded INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (merchant, invoice)
);
CREATE VIEW IF NOT EXISTS balances AS
    SELECT *, CASE WHEN void THEN 0 ELSE total + credited END - paid + refunded AS balance FROM invoices;
CREATE VIEW IF NOT EXISTS owes AS
    SELECT merchant, customer, currency,
           sum(CASE WHEN balance > 0 AND NOT uncollectible THEN balance ELSE 0 END) AS owed,
           sum(CASE WHEN balance > 0 AND uncollectible THEN balance ELSE 0 END) AS written_off,
           sum(CASE WHEN balance < 0 THEN -balance ELSE 0 END) AS to_return
    FROM balances GROUP BY merchant, customer, currency;
"""


def handler_of(store: SqliteStore) -> Handler[sqlite3.Connection]:
    handler = Handler("examples.owes", store, gaps=Gaps.STOP)

    @handler.on(InvoiceIssued)
    async def issued(event: Received[InvoiceIssued], db: sqlite3.Connection) -> None:
        total = event.data.total
        change(db, event, aggregate_id(event.envelope.subject), "currency = ?, total = ?", total.currency, total.amount_minor)

    @handler.on(InvoiceVoided)
    async def voided(event: Received[InvoiceVoided], db: sqlite3.Connection) -> None:
        change(db, event, aggregate_id(event.envelope.subject), "void = 1")

    @handler.on(CreditNoteIssued)
    async def credited(event: Received[CreditNoteIssued], db: sqlite3.Connection) -> None:
        taken = event.data.total.amount_minor
        change(db, event, aggregate_id(event.envelope.subject), "credited = credited + ?", taken)

    @handler.on(InvoiceMarkedUncollectible)
    async def uncollectible(event: Received[InvoiceMarkedUncollectible], db: sqlite3.Connection) -> None:
        change(db, event, aggregate_id(event.envelope.subject), "uncollectible = 1")

    @handler.on(PaymentSucceeded)
    async def paid(event: Received[PaymentSucceeded], db: sqlite3.Connection) -> None:
        amount = event.data.amount
        change(db, event, event.data.invoice_id, "currency = ?, paid = paid + ?", amount.currency, amount.amount_minor)

    @handler.on(PaymentRefunded)
    async def refunded(event: Received[PaymentRefunded], db: sqlite3.Connection) -> None:
        amount = event.data.amount
        change(db, event, event.data.invoice_id, "currency = ?, refunded = refunded + ?", amount.currency, amount.amount_minor)

    @handler.on(PaymentRefundFailed)
    async def returned(event: Received[PaymentRefundFailed], db: sqlite3.Connection) -> None:
        if event.data.made_before:
            change(db, event, event.data.invoice_id, "refunded = refunded - ?", event.data.amount.amount_minor)

    @handler.on_rebuild
    async def empty(db: sqlite3.Connection) -> None:
        db.execute("DELETE FROM invoices")

    return handler


def change(db: sqlite3.Connection, event: Received[Any], invoice: object, columns: str, *values: object) -> None:
    """Sets columns of the invoice's row, which the first event of either topic makes."""
    key = str(event.envelope.merchantid), str(invoice)
    row = (*key, str(event.envelope.customerid))
    db.execute("INSERT INTO invoices (merchant, invoice, customer) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", row)
    db.execute(f"UPDATE invoices SET {columns} WHERE merchant = ? AND invoice = ?", (*values, *key))
