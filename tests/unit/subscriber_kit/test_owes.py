"""Who owes what: the example's amounts, for every way in which an invoice can go and every order of its messages."""

import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any, TypeAlias
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing_contracts.envelope import Envelope, EventData
from billing_contracts.invoicing import (
    CreditNoteIssued,
    InvoiceIssued,
    InvoiceMarkedUncollectible,
    InvoicePaid,
    InvoicePaymentFailed,
    InvoiceVoided,
)
from billing_contracts.payments import (
    PaymentFailed,
    PaymentOutcomeUnknown,
    PaymentRefunded,
    PaymentRefundFailed,
    PaymentRefundRequested,
    PaymentStarted,
    PaymentSucceeded,
)
from billing_contracts.records import RawRecord
from billing_subscriber.stores.sqlite import SqliteStore
from support.billing_records import CONTRACTS, message, record
from support.property_tests import examples

sys.path.insert(0, str(CONTRACTS / "examples" / "owes"))
from owes import SCHEMA, handler_of

MERCHANT, CUSTOMER, INVOICE = UUID(int=1), UUID(int=2), UUID(int=3)
TOTAL, PART = 2999, 1000

Types: TypeAlias = list[type[EventData]]
PAID: Types = [PaymentStarted, PaymentSucceeded]
DECLINED: Types = [PaymentStarted, PaymentFailed]
INVOICE_PAID: Types = [InvoiceIssued, InvoicePaid]
WAYS: dict[str, tuple[Types, Types, tuple[int, int, int]]] = {
    "issued": ([InvoiceIssued], [], (TOTAL, 0, 0)),
    "paid": (INVOICE_PAID, PAID, (0, 0, 0)),
    "paid, before invoicing records it": ([InvoiceIssued], PAID, (0, 0, 0)),
    "being charged": ([InvoiceIssued], [PaymentStarted], (TOTAL, 0, 0)),
    "outcome unknown": ([InvoiceIssued], [PaymentStarted, PaymentOutcomeUnknown], (TOTAL, 0, 0)),
    "declined, and kept": ([InvoiceIssued, InvoicePaymentFailed], DECLINED, (TOTAL, 0, 0)),
    "declined, then paid": (
        [InvoiceIssued, InvoicePaymentFailed, InvoicePaid],
        [*DECLINED, *PAID],
        (0, 0, 0),
    ),
    "void": ([InvoiceIssued, InvoiceVoided], DECLINED, (0, 0, 0)),
    "void, and paid all the same": ([InvoiceIssued, InvoiceVoided], PAID, (0, 0, TOTAL)),
    "void, paid and given back": ([InvoiceIssued, InvoiceVoided], [*PAID, PaymentRefunded], (0, 0, 0)),
    "paid, then void and given back": ([*INVOICE_PAID, InvoiceVoided], [*PAID, PaymentRefunded], (0, 0, 0)),
    "credited, before the refund": ([*INVOICE_PAID, CreditNoteIssued], PAID, (0, 0, PART)),
    "credited and refunded": (
        [*INVOICE_PAID, CreditNoteIssued],
        [*PAID, PaymentRefundRequested, PaymentRefunded],
        (0, 0, 0),
    ),
    "credited, and the refund failed": (
        [*INVOICE_PAID, CreditNoteIssued],
        [*PAID, PaymentRefundRequested, PaymentRefundFailed],
        (0, 0, PART),
    ),
    "credited, and the bank returned the refund": (
        [*INVOICE_PAID, CreditNoteIssued],
        [*PAID, PaymentRefundRequested, PaymentRefunded, PaymentRefundFailed],
        (0, 0, PART),
    ),
    "uncollectible": ([InvoiceIssued, InvoiceMarkedUncollectible], DECLINED, (0, TOTAL, 0)),
    "uncollectible, and paid after all": ([*INVOICE_PAID, InvoiceMarkedUncollectible], PAID, (0, 0, 0)),
}
"""The events of each topic, and the amounts that follow: owed, written off, to return."""


def messages(events: Types, subject: str, invoice: UUID = INVOICE, currency: str = "USD") -> list[Envelope]:
    amount = {"amount_minor": TOTAL, "currency": currency}
    named: dict[str, Any] = {"merchantid": MERCHANT, "customerid": CUSTOMER, "subject": f"{subject}-{invoice}"}
    part = {"amount_minor": PART, "currency": currency}
    of_part = {"amount": part, "total": part | {"amount_minor": -PART}}
    credited = CreditNoteIssued in events or PaymentRefundRequested in events
    returned = {"made_before": True} if PaymentRefunded in events else {}
    parts = {CreditNoteIssued, PaymentRefundRequested, PaymentRefundFailed} | ({PaymentRefunded} if credited else set())
    return [
        message(
            event,
            {"invoice_id": str(invoice), "amount": amount, "total": amount}
            | (of_part if event in parts else {})
            | (returned if event is PaymentRefundFailed else {}),
            sequence=number,
            **named,
        )
        for number, event in enumerate(events, 1)
    ]


async def owes(folder: Path, envelopes: list[Envelope]) -> list[tuple[Any, ...]]:
    """Currency, owed, written off, to return."""

    async def send(raw: RawRecord, reason: str) -> None:
        raise AssertionError(reason)

    path = folder / f"{uuid4()}.db"
    store = SqliteStore(path, SCHEMA)
    handler = handler_of(store)
    for run in handler.runs(record(each) for each in envelopes):
        await handler.take(run, send)
    await store.close()
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT currency, owed, written_off, to_return FROM owes ORDER BY currency").fetchall()


@pytest.mark.parametrize("way", WAYS)
async def test_what_is_owed_follows_from_the_two_topics(tmp_path: Path, way: str) -> None:
    invoicing, payments, expected = WAYS[way]
    invoices, attempts = messages(invoicing, "invoice"), messages(payments, "payment")
    assert await owes(tmp_path, [*invoices, *attempts]) == [("USD", *expected)]
    assert await owes(tmp_path, [*attempts, *invoices]) == [("USD", *expected)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=examples(50))
@given(data=st.data(), way=st.sampled_from(sorted(WAYS)))
async def test_neither_the_order_of_the_topics_nor_repetitions_change_a_sum(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, way: str
) -> None:
    invoicing, payments, expected = WAYS[way]
    left = [messages(invoicing, "invoice"), messages(payments, "payment")]
    read: list[Envelope] = []
    while any(left):
        topic = data.draw(st.sampled_from([each for each in left if each]))
        read.append(topic.pop(0))
        if data.draw(st.booleans()):
            read.append(data.draw(st.sampled_from(read)))
    assert await owes(tmp_path_factory.getbasetemp(), read) == [("USD", *expected)]


async def test_currencies_are_never_added(tmp_path: Path) -> None:
    other = messages([InvoiceIssued], "invoice", uuid4(), "ARS")
    issued = [*messages([InvoiceIssued], "invoice"), *other, *messages([InvoiceIssued], "invoice", uuid4())]
    assert await owes(tmp_path, issued) == [("ARS", TOTAL, 0, 0), ("USD", 2 * TOTAL, 0, 0)]
