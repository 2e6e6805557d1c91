"""Sessions, and the links that open them. Revoking a link ends its sessions at their next request."""

from uuid import UUID, uuid4

import asyncpg

from chassis.postgres.connection import Connection
from portal_gateway.adapters.storage.sessions_sql import Living, session_of
from portal_gateway.domain.access import Link, Session
from portal_gateway.domain.tokens import LinkToken, Peppers, csrf_token, session_digest


class StoredSessions:
    def __init__(self, pool: asyncpg.Pool, peppers: Peppers) -> None:
        self._pool, self._peppers, self._sessions = pool, peppers, Living(pool, "who.*")

    async def exchange(self, token: LinkToken, cookie: str, presented: str | None) -> tuple[Link, Session] | None:
        async with self._pool.acquire() as connection, connection.transaction():
            link = await self._use(connection, token)
            if link is None:
                return None
            # the session that the browser presents, of any customer
            await connection.execute(
                "UPDATE portal_session SET ended_at = now() WHERE digest = $1 AND ended_at IS NULL", session_digest(presented)
            )
            return link, await self._open(connection, link, cookie)

    async def _use(self, connection: Connection, token: LinkToken) -> Link | None:
        """The link with this secret, marked as used. Of two concurrent uses of a single-use link, the second is refused."""
        rows = await connection.fetch(
            """
            SELECT * FROM portal_link
            WHERE id = $1 AND revoked_at IS NULL AND expires_at > now() AND (kind = 'portal' OR used_at IS NULL)
            FOR UPDATE
            """,
            token.id,
        )
        for row in rows:
            if self._peppers.opens(token, row["pepper"], row["digest"]):
                await connection.execute(
                    "UPDATE portal_link SET used_at = now() WHERE merchant_id = $1 AND id = $2", row["merchant_id"], row["id"]
                )
                return link_of(row)
        return None

    async def _open(self, connection: Connection, link: Link, cookie: str) -> Session:
        row = await connection.fetchrow(
            """
            INSERT INTO portal_session (merchant_id, id, customer_id, link_id, digest) VALUES ($1, $2, $3, $4, $5)
            RETURNING id, started_at
            """,
            link.merchant_id,
            uuid4(),
            link.customer_id,
            link.id,
            session_digest(cookie),
        )
        assert row is not None, "INSERT … RETURNING returns a row"
        return Session(
            id=row["id"],
            merchant_id=link.merchant_id,
            customer_id=link.customer_id,
            link_id=link.id,
            started_at=row["started_at"],
            seen_at=row["started_at"],
            csrf=csrf_token(cookie),
            link_kind=link.kind,
            flow=link.flow,
            locale=link.locale,
            return_url=link.return_url,
        )

    async def session(self, cookie: str | None, *, keep_alive: bool) -> Session | None:
        row = await self._sessions.of(cookie)
        return await session_of(row, cookie, self._pool, keep_alive=keep_alive) if cookie and row else None

    async def end(self, session: Session, *, revoke_link: bool) -> None:
        """End the session; `revoke_link` also ends the link and its other sessions."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(
                "UPDATE portal_session SET ended_at = now() WHERE merchant_id = $1 AND customer_id = $2 AND id = $3",
                session.merchant_id,
                session.customer_id,
                session.id,
            )
            if revoke_link:
                await connection.execute(
                    "UPDATE portal_link SET revoked_at = now() WHERE merchant_id = $1 AND customer_id = $2 AND id = $3",
                    session.merchant_id,
                    session.customer_id,
                    session.link_id,
                )


def link_of(row: asyncpg.Record) -> Link:
    return Link(
        id=UUID(str(row["id"])),
        merchant_id=row["merchant_id"],
        customer_id=row["customer_id"],
        kind=row["kind"],
        expires_at=row["expires_at"],
        flow=row["flow"],
        locale=row["locale"],
        return_url=row["return_url"],
    )
