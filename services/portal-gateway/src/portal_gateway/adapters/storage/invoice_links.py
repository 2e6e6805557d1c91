"""Links to one invoice, and their sessions. Revoking a link ends its sessions at their next request."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg

from chassis.postgres.connection import Connection
from chassis.postgres.pool import NO_COMMAND
from portal_gateway.adapters.storage.links import listed
from portal_gateway.application.view import Position
from portal_gateway.domain.access import ABSOLUTE, IDLE, InvoiceLink, InvoiceSession
from portal_gateway.domain.tokens import LinkToken, Peppers, csrf_token, session_digest

_SHOWN = "id, customer_id, invoice_id, locale, created_by, created_at, expires_at, used_at, revoked_at"
_LIVING: Final = f"""
    SELECT s.*, l.invoice_id, l.locale, s.seen_at < now() - interval '1 min' AS seen_long_ago
    FROM invoice_session s
    JOIN invoice_link l ON l.merchant_id = s.merchant_id AND l.id = s.link_id
    WHERE s.digest = $1 AND s.ended_at IS NULL AND l.revoked_at IS NULL
      AND s.seen_at > now() - interval '{IDLE.total_seconds()} s'
      AND s.started_at > now() - interval '{ABSOLUTE.total_seconds()} s'
"""
_KEEP_ALIVE: Final = f"""{NO_COMMAND}
UPDATE invoice_session SET seen_at = now() WHERE merchant_id = $1 AND customer_id = $2 AND id = $3 AND ended_at IS NULL
RETURNING seen_at
"""


class StoredInvoiceLinks:
    def __init__(self, pool: asyncpg.Pool, peppers: Peppers) -> None:
        self._pool, self._peppers = pool, peppers

    async def customer_of(self, merchant_id: UUID, invoice_id: UUID) -> UUID | None:
        """None for an invoice that has not arrived here."""
        sql = "SELECT customer_id FROM projection WHERE merchant_id = $1 AND name = 'invoice' AND aggregate = $2"
        owner: UUID | None = await self._pool.fetchval(sql, merchant_id, f"invoice-{invoice_id}")
        return owner

    async def issue(self, link: InvoiceLink, pepper: str, digest: bytes, created_by: str) -> None:
        async with self._pool.acquire() as connection:
            await self.add(connection, link, pepper, digest, created_by)

    async def add(self, connection: Connection, link: InvoiceLink, pepper: str, digest: bytes, created_by: str) -> None:
        await connection.execute(
            """
            INSERT INTO invoice_link (merchant_id, id, customer_id, invoice_id, pepper, digest, locale, created_by, expires_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            """,
            link.merchant_id,
            link.id,
            link.customer_id,
            link.invoice_id,
            pepper,
            digest,
            link.locale,
            created_by,
            link.expires_at,
        )

    async def page(
        self, merchant_id: UUID, customer_id: UUID, invoice_id: UUID, before: tuple[datetime, UUID] | None, limit: int
    ) -> list[dict[str, Any]]:
        """Newest first, without secrets."""
        rows = await self._pool.fetch(
            f"""
            SELECT {_SHOWN} FROM invoice_link
            WHERE merchant_id = $1 AND customer_id = $2 AND invoice_id = $3
              AND ($4::timestamptz IS NULL OR (created_at, id) < ($4, $5::uuid))
            ORDER BY created_at DESC, id DESC LIMIT $6
            """,
            merchant_id,
            customer_id,
            invoice_id,
            *(before or (None, None)),
            limit,
        )
        return [listed(row) for row in rows]

    async def open_links(self, merchant_id: UUID, customer_id: UUID, invoice_id: UUID) -> int:
        sql = """
            SELECT count(*) FROM invoice_link
            WHERE merchant_id = $1 AND customer_id = $2 AND invoice_id = $3 AND revoked_at IS NULL AND expires_at > now()
            """
        count: int = await self._pool.fetchval(sql, merchant_id, customer_id, invoice_id)
        return count

    async def revoke(self, connection: Connection, merchant_id: UUID, link_id: UUID) -> bool:
        """False if the merchant has no such link."""
        sql = "UPDATE invoice_link SET revoked_at = coalesce(revoked_at, now()) WHERE merchant_id = $1 AND id = $2"
        return await connection.execute(sql, merchant_id, link_id) == "UPDATE 1"

    async def revoke_all(self, merchant_id: UUID, customer_id: UUID, invoice_id: UUID) -> None:
        await self._pool.execute(
            """
            UPDATE invoice_link SET revoked_at = now()
            WHERE merchant_id = $1 AND customer_id = $2 AND invoice_id = $3 AND revoked_at IS NULL
            """,
            merchant_id,
            customer_id,
            invoice_id,
        )

    async def exchange(self, token: LinkToken, cookie: str, presented: str | None) -> InvoiceSession | None:
        async with self._pool.acquire() as connection, connection.transaction():
            rows = await connection.fetch(
                "SELECT * FROM invoice_link WHERE id = $1 AND revoked_at IS NULL AND expires_at > now() FOR UPDATE", token.id
            )
            link = next((row for row in rows if self._peppers.opens(token, row["pepper"], row["digest"])), None)
            if link is None:
                return None
            key = link["merchant_id"], link["customer_id"]
            await connection.execute(
                "UPDATE invoice_link SET used_at = now() WHERE merchant_id = $1 AND customer_id = $2 AND id = $3",
                *key,
                link["id"],
            )
            # the session that the browser presents, of any customer
            await connection.execute(
                "UPDATE invoice_session SET ended_at = now() WHERE digest = $1 AND ended_at IS NULL", session_digest(presented)
            )
            row = await connection.fetchrow(
                """
                INSERT INTO invoice_session (merchant_id, id, customer_id, link_id, digest) VALUES ($1, $2, $3, $4, $5)
                RETURNING *
                """,
                link["merchant_id"],
                uuid4(),
                link["customer_id"],
                link["id"],
                session_digest(cookie),
            )
            assert row is not None, "INSERT … RETURNING returns a row"
            return _session({**row, "invoice_id": link["invoice_id"], "locale": link["locale"]}, cookie)

    async def session(self, cookie: str | None, *, keep_alive: bool) -> InvoiceSession | None:
        digest = session_digest(cookie)
        row = await self._pool.fetchrow(_LIVING, digest) if digest else None
        if row is None or cookie is None:
            return None
        facts = dict(row)
        if keep_alive and facts["seen_long_ago"]:
            key = facts["merchant_id"], facts["customer_id"], facts["id"]
            facts["seen_at"] = await self._pool.fetchval(_KEEP_ALIVE, *key) or facts["seen_at"]
        return _session(facts, cookie)

    async def store_payment(self, session: InvoiceSession, position: Position, charge_id: UUID) -> None:
        await self._pool.execute(
            "UPDATE invoice_session SET paying = $4, charge_id = $5 WHERE merchant_id = $1 AND customer_id = $2 AND id = $3",
            session.merchant_id,
            session.customer_id,
            session.id,
            str(position),
            charge_id,
        )

    async def end(self, session: InvoiceSession) -> None:
        await self._pool.execute(
            "UPDATE invoice_session SET ended_at = now() WHERE merchant_id = $1 AND customer_id = $2 AND id = $3",
            session.merchant_id,
            session.customer_id,
            session.id,
        )


def _session(row: dict[str, Any], cookie: str) -> InvoiceSession:
    return InvoiceSession(
        id=row["id"],
        merchant_id=row["merchant_id"],
        customer_id=row["customer_id"],
        invoice_id=row["invoice_id"],
        link_id=row["link_id"],
        started_at=row["started_at"],
        seen_at=row["seen_at"],
        csrf=csrf_token(cookie),
        locale=row["locale"],
        paying=row["paying"],
        charge_id=row["charge_id"],
    )
