"""The table `parked_issues`: renewals that wait for their customer's profile, or for their merchant."""

from collections.abc import Collection, Sequence
from typing import cast
from uuid import UUID

import asyncpg

from billing_contracts import registry
from billing_contracts.envelope import Envelope
from billing_contracts.invoicing import invoice_id
from billing_contracts.subscriptions import SubscriptionRenewalDue
from chassis.consumers import Received

Due = Received[SubscriptionRenewalDue]


def subject_id(envelope: Envelope) -> UUID:
    """The id of the aggregate in the subject: `subscription-<uuid>`."""
    return UUID(envelope.subject.partition("-")[2])


def invoice_of(due: Due) -> UUID:
    return invoice_id(subject_id(due.envelope), due.data.period)


def customer_of(due: Due) -> UUID:
    assert due.envelope.customerid is not None, "subscriptions belong to customers"
    return due.envelope.customerid


async def parked(connection: asyncpg.Connection, merchant_id: UUID, customers: Sequence[UUID] | None) -> dict[UUID, Due]:
    """The parked renewals of these customers, or of all for None, by invoice; oldest first."""
    if customers is not None and not customers:
        return {}
    rows = await connection.fetch(
        """
        SELECT envelope FROM parked_issues
        WHERE merchant_id = $1 AND ($2::uuid[] IS NULL OR customer_id = ANY($2)) ORDER BY position
        """,
        merchant_id,
        customers,
    )
    waiting = [_received(Envelope.model_validate_json(row["envelope"])) for row in rows]
    return {invoice_of(due): due for due in waiting}


async def park(connection: asyncpg.Connection, due: Due) -> None:
    envelope = due.envelope
    await connection.execute(
        """
        INSERT INTO parked_issues (merchant_id, invoice_id, customer_id, subscription_id, envelope)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING
        """,
        envelope.merchantid,
        invoice_of(due),
        customer_of(due),
        subject_id(envelope),
        envelope.model_dump_json(exclude_none=True),
    )


async def unpark(connection: asyncpg.Connection, merchant_id: UUID, invoices: Collection[UUID]) -> None:
    sql = "DELETE FROM parked_issues WHERE merchant_id = $1 AND invoice_id = ANY($2::uuid[])"
    await connection.execute(sql, merchant_id, list(invoices))


async def forget_subscription(connection: asyncpg.Connection, merchant_id: UUID, subscription_id: UUID) -> None:
    sql = "DELETE FROM parked_issues WHERE merchant_id = $1 AND subscription_id = $2"
    await connection.execute(sql, merchant_id, subscription_id)


async def forget_customer(connection: asyncpg.Connection, merchant_id: UUID, customer_id: UUID) -> None:
    sql = "DELETE FROM parked_issues WHERE merchant_id = $1 AND customer_id = $2"
    await connection.execute(sql, merchant_id, customer_id)


def _received(envelope: Envelope) -> Due:
    """The record without its Kafka offset, which was committed when the renewal was parked."""
    data = cast(SubscriptionRenewalDue, registry.data_of(envelope))
    return Received(envelope, data, envelope.type, 0, 0)
