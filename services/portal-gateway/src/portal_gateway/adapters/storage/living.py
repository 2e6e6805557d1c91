"""Which sessions live: one rule, in SQL, for every query that lets a customer in."""

from typing import Any

import asyncpg

from chassis.postgres.pool import NO_COMMAND
from portal_gateway.domain.access import ABSOLUTE, IDLE, Session
from portal_gateway.domain.tokens import csrf_token

LIVING = f"""
    SELECT s.merchant_id, s.customer_id, s.id, s.link_id, s.started_at, s.seen_at, l.kind, l.flow, l.locale, l.return_url,
        s.seen_at < now() - interval '1 min' AS seen_long_ago
    FROM portal_session s
    JOIN portal_link l ON l.merchant_id = s.merchant_id AND l.id = s.link_id
    WHERE s.digest = $1 AND s.ended_at IS NULL AND l.revoked_at IS NULL
      AND s.seen_at > now() - interval '{IDLE.total_seconds()} s'
      AND s.started_at > now() - interval '{ABSOLUTE.total_seconds()} s'
"""
"""The session of a digest, $1; no row when it has ended. Part of every request's query: nothing remembers a session."""
_KEEP_ALIVE = f"""{NO_COMMAND}
UPDATE portal_session SET seen_at = now()
WHERE merchant_id = $1 AND customer_id = $2 AND id = $3 AND ended_at IS NULL
RETURNING seen_at
"""


async def session_of(row: Any, cookie: str, pool: asyncpg.Pool, *, keep_alive: bool) -> Session:
    """The session in a row of LIVING. With `keep_alive` its use is noted, once a minute.

    That is a statement of its own: as a part of the query it cost every request 60 µs of PostgreSQL's time.
    """
    seen_at = row["seen_at"]
    if keep_alive and row["seen_long_ago"]:
        noted = await pool.fetchval(_KEEP_ALIVE, row["merchant_id"], row["customer_id"], row["id"])
        seen_at = noted or seen_at
    return Session(
        id=row["id"],
        merchant_id=row["merchant_id"],
        customer_id=row["customer_id"],
        link_id=row["link_id"],
        started_at=row["started_at"],
        seen_at=seen_at,
        csrf=csrf_token(cookie),
        link_kind=row["kind"],
        flow=row["flow"],
        locale=row["locale"],
        return_url=row["return_url"],
    )
