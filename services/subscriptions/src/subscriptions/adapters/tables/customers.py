"""The table `customers`: profiles. A change locks the row, so that revisions are published in order."""

from collections.abc import Sequence
from dataclasses import astuple
from datetime import datetime
from uuid import UUID

import asyncpg

from chassis.eventsourcing.context import Context
from chassis.eventsourcing.event_store import Statement
from chassis.postgres.coalescing import RequestCoalescer
from chassis.postgres.connection import Connection
from subscriptions.application.profiles import Customer, Profile, announcement, erasure

_SELECT = """
SELECT id, revision, name, email, locale, country, tax_id, address, purchase_order FROM customers
WHERE merchant_id = $1 AND id = $2 AND erased_at IS NULL
"""


class CustomersTable:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._revisions = RequestCoalescer([self._read_revisions])

    async def get(self, merchant_id: UUID, id: UUID) -> Customer | None:
        return _customer(await self._pool.fetchrow(_SELECT, merchant_id, id))

    async def locked(self, connection: Connection, merchant_id: UUID, id: UUID) -> Customer | None:
        return _customer(await connection.fetchrow(_SELECT + "FOR UPDATE", merchant_id, id))

    async def add(self, connection: Connection, context: Context, id: UUID, profile: Profile, at: datetime) -> Customer:
        customer = Customer(id, 1, profile)
        await connection.execute(
            """
            INSERT INTO customers (merchant_id, id, revision, name, email, locale, country, tax_id, address, purchase_order)
            VALUES ($1, $2, 1, $3, $4, $5, $6, $7, $8, $9)
            """,
            context.merchant_id,
            id,
            *astuple(profile),
        )
        await _run(connection, announcement(context, customer, at))
        return customer

    async def change(self, connection: Connection, context: Context, customer: Customer, at: datetime) -> None:
        await connection.execute(
            """
            UPDATE customers
            SET revision = $3, name = $4, email = $5, locale = $6, country = $7, tax_id = $8, address = $9, purchase_order = $10
            WHERE merchant_id = $1 AND id = $2
            """,
            context.merchant_id,
            customer.id,
            customer.revision,
            *astuple(customer.profile),
        )
        await _run(connection, announcement(context, customer, at))

    async def erase(self, connection: Connection, merchant_id: UUID, id: UUID) -> bool:
        erased = await connection.fetchval(
            """
            UPDATE customers
            SET name = NULL, email = NULL, locale = NULL, country = NULL, tax_id = NULL, address = NULL, purchase_order = NULL,
                erased_at = now()
            WHERE merchant_id = $1 AND id = $2 AND erased_at IS NULL
            RETURNING true
            """,
            merchant_id,
            id,
        )
        if not erased:
            return False
        await connection.execute("DELETE FROM cancellation_comments WHERE merchant_id = $1 AND customer_id = $2", merchant_id, id)
        await connection.execute(
            # stored answers for repeated requests contain the profile too
            "DELETE FROM idempotency WHERE merchant_id = $1 AND answer ->> 'id' = $2::text",
            merchant_id,
            str(id),
        )
        await _run(connection, erasure(merchant_id, id))
        return True

    async def subscriptions(self, merchant_id: UUID, id: UUID) -> list[UUID]:
        rows = await self._pool.fetch("SELECT id FROM subscriptions WHERE merchant_id = $1 AND customer_id = $2", merchant_id, id)
        return [row["id"] for row in rows]

    async def revision_of(self, merchant_id: UUID, subscription_id: UUID) -> int:
        """The current revision of a subscription's customer. Concurrent calls share one query.

        Raises LookupError for a subscription without a customer.
        """
        return await self._revisions.submit((merchant_id, subscription_id))

    async def _read_revisions(self, keys: Sequence[tuple[UUID, UUID]]) -> Sequence[int | Exception]:
        try:
            rows = await self._pool.fetch(
                """
                SELECT buyer.revision
                FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS pair (merchant_id, subscription_id, i)
                LEFT JOIN LATERAL (
                    SELECT customers.revision FROM subscriptions JOIN customers
                        ON customers.merchant_id = subscriptions.merchant_id AND customers.id = subscriptions.customer_id
                    WHERE subscriptions.merchant_id = pair.merchant_id AND subscriptions.id = pair.subscription_id LIMIT 1
                ) AS buyer ON true
                ORDER BY pair.i
                """,
                [merchant_id for merchant_id, _ in keys],
                [subscription_id for _, subscription_id in keys],
            )
        except Exception as error:
            return [error] * len(keys)
        return [
            LookupError(f"no customer of subscription {subscription_id}") if revision is None else revision
            for (_, subscription_id), (revision,) in zip(keys, rows, strict=True)
        ]


async def _run(connection: Connection, statement: Statement) -> None:
    await connection.execute(statement.sql, *statement.args)


def _customer(row: asyncpg.Record | None) -> Customer | None:
    if row is None:
        return None
    id, revision, *profile = row
    return Customer(id, revision, Profile(*profile))
