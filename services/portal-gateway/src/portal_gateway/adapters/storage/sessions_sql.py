"""The one rule of which sessions are live, in SQL, for every query that authenticates a customer."""

from collections.abc import Sequence
from typing import Any, Final

import asyncpg

from chassis.postgres.coalescing import RequestCoalescer, try_fetch
from chassis.postgres.pool import NO_COMMAND
from portal_gateway.domain.access import ABSOLUTE, IDLE, Session
from portal_gateway.domain.tokens import csrf_token, session_digest

SENDERS: Final = 4
TOGETHER: Final = 16
"""Callers that share a query: those in the same iteration of the event loop. No caller waits while a sender is idle."""

_LIVING = f"""
    SELECT s.merchant_id, s.customer_id, s.id, s.link_id, s.started_at, s.seen_at, l.kind, l.flow, l.locale, l.return_url,
        s.seen_at < now() - interval '1 min' AS seen_long_ago
    FROM portal_session s
    JOIN portal_link l ON l.merchant_id = s.merchant_id AND l.id = s.link_id
    WHERE s.digest = requested.digest AND s.ended_at IS NULL AND l.revoked_at IS NULL
      AND s.seen_at > now() - interval '{IDLE.total_seconds()} s'
      AND s.started_at > now() - interval '{ABSOLUTE.total_seconds()} s'
    LIMIT 1
"""
"""The live session of a digest; no row if it has ended. Every request queries it: sessions are not cached. LIMIT makes the
planner use the index."""
_ONE = "(SELECT $1::bytea AS digest, 1 AS place) requested"
_SEVERAL = "unnest((SELECT $1::bytea[])) WITH ORDINALITY AS requested (digest, place)"
"""The inner SELECT hides the array's length from the planner, which would otherwise plan each short query separately."""
_KEEP_ALIVE = f"""{NO_COMMAND}
UPDATE portal_session SET seen_at = now()
FROM (SELECT set_config('synchronous_commit', 'off', true) AS commit) without_wait
WHERE merchant_id = $1 AND customer_id = $2 AND id = $3 AND ended_at IS NULL AND without_wait.commit = 'off'
RETURNING seen_at
"""
"""It does not wait for a synchronous standby: while that is away, customers can read. A crash may lose a minute of use."""


class Living:
    """Looks up live sessions as rows of `columns`. Callers in the same iteration of the event loop share a query.

    The columns and joins may refer to `who`, the session and its link.
    """

    def __init__(self, pool: asyncpg.Pool, columns: str, joins: str = "") -> None:
        self._pool = pool
        self._one, self._several = (
            f"SELECT requested.place, {columns} FROM {digests} CROSS JOIN LATERAL ({_LIVING}) who {joins}"
            for digests in (_ONE, _SEVERAL)
        )
        self._together = RequestCoalescer([self._read] * SENDERS, batch_min=TOGETHER, batch_max=TOGETHER)

    async def of(self, cookie: str | None) -> asyncpg.Record | None:
        """None if the session is unknown, has ended, or its link was revoked."""
        digest = session_digest(cookie)
        return await self._together.submit(digest) if digest else None

    async def _read(self, digests: Sequence[bytes]) -> Sequence[asyncpg.Record | Exception | None]:
        one = len(digests) == 1
        rows = await try_fetch(self._pool, self._one if one else self._several, digests[0] if one else digests)
        if isinstance(rows, Exception):
            return [rows] * len(digests)
        by_place = {row["place"]: row for row in rows}
        return [by_place.get(place) for place in range(1, len(digests) + 1)]


async def session_of(row: Any, cookie: str, pool: asyncpg.Pool, *, keep_alive: bool) -> Session:
    """The session in a row of Living, which has all columns of `who`. `keep_alive` stores its use, once a minute.

    Storing is a separate statement: as a part of the query it cost every request 60 µs of PostgreSQL's time.
    """
    seen_at = row["seen_at"]
    if keep_alive and row["seen_long_ago"]:
        stored = await pool.fetchval(_KEEP_ALIVE, row["merchant_id"], row["customer_id"], row["id"])
        seen_at = stored or seen_at
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
