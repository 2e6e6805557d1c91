"""The portal links of a merchant. Every statement filters by merchant."""

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from chassis.postgres.connection import Connection
from portal_gateway.domain.access import Link
from portal_gateway.domain.instants import rfc3339

_SHOWN = "id, customer_id, kind, flow, locale, return_url, created_at, expires_at, used_at, revoked_at"


class StoredLinks:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def knows(self, merchant_id: UUID, customer_id: UUID) -> bool:
        """Whether the customer's profile has arrived here."""
        known: bool = await self._pool.fetchval(
            """
            SELECT EXISTS (
                SELECT FROM projection WHERE merchant_id = $1 AND name = 'customer' AND aggregate = $2 AND doc IS NOT NULL
            )
            """,
            merchant_id,
            f"customer-{customer_id}",
        )
        return known

    async def add(self, connection: Connection, link: Link, pepper: str, digest: bytes, created_by: str) -> None:
        await connection.execute(
            """
            INSERT INTO portal_link
                (merchant_id, id, customer_id, kind, pepper, digest, flow, locale, return_url, created_by, expires_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
            """,
            link.merchant_id,
            link.id,
            link.customer_id,
            link.kind,
            pepper,
            digest,
            link.flow,
            link.locale,
            link.return_url,
            created_by,
            link.expires_at,
        )

    async def page(
        self, merchant_id: UUID, customer_id: UUID, before: tuple[datetime, UUID] | None, limit: int
    ) -> list[dict[str, Any]]:
        """Newest first, without secrets."""
        rows = await self._pool.fetch(
            f"""
            SELECT {_SHOWN} FROM portal_link
            WHERE merchant_id = $1 AND customer_id = $2 AND ($3::timestamptz IS NULL OR (created_at, id) < ($3, $4::uuid))
            ORDER BY created_at DESC, id DESC LIMIT $5
            """,
            merchant_id,
            customer_id,
            *(before or (None, None)),
            limit,
        )
        return [listed(row) for row in rows]

    async def revoke(self, connection: Connection, merchant_id: UUID, link_id: UUID) -> bool:
        """Revoke the link; its sessions end at their next request. False if the merchant has no such link."""
        status = await connection.execute(
            """
            UPDATE portal_link SET revoked_at = coalesce(revoked_at, now()) WHERE merchant_id = $1 AND id = $2
            """,
            merchant_id,
            link_id,
        )
        return status == "UPDATE 1"

    async def revoke_all(self, connection: Connection, merchant_id: UUID, customer_id: UUID) -> None:
        """Revoke the customer's portal links and the links to the customer's invoices."""
        for sql in (
            "UPDATE portal_link SET revoked_at = now() WHERE merchant_id = $1 AND customer_id = $2 AND revoked_at IS NULL",
            "UPDATE invoice_link SET revoked_at = now() WHERE merchant_id = $1 AND customer_id = $2 AND revoked_at IS NULL",
        ):
            await connection.execute(sql, merchant_id, customer_id)


def listed(row: asyncpg.Record) -> dict[str, Any]:
    """A row as the API lists it."""
    return {name: _json(value) for name, value in row.items()}


def _json(value: Any) -> Any:
    match value:
        case datetime():
            return rfc3339(value)
        case UUID():
            return str(value)
        case _:
            return value
