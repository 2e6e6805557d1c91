"""Which sessions live: one rule, in SQL, for every query that lets a customer in."""

from typing import Any

from portal_gateway.domain.access import ABSOLUTE, IDLE, Session
from portal_gateway.domain.tokens import csrf_token

_LIVING = f"""
    SELECT s.merchant_id, s.customer_id, s.id, s.link_id, s.started_at, s.seen_at AS last_seen_at,
        l.kind, l.flow, l.locale, l.return_url
    FROM portal_session s
    JOIN portal_link l ON l.merchant_id = s.merchant_id AND l.id = s.link_id
    WHERE s.digest = $1 AND s.ended_at IS NULL AND l.revoked_at IS NULL
      AND s.seen_at > now() - interval '{IDLE.total_seconds()} s'
      AND s.started_at > now() - interval '{ABSOLUTE.total_seconds()} s'
"""

OBSERVED = f"living AS (SELECT *, last_seen_at AS seen_at FROM ({_LIVING}) it)"
"""A session, left as it is. Takes its digest as $1."""

KEPT_ALIVE = f"""
living AS (
    SELECT *, CASE WHEN last_seen_at < now() - interval '1 min' THEN now() ELSE last_seen_at END AS seen_at FROM ({_LIVING}) it
), kept_alive AS (
    UPDATE portal_session s SET seen_at = living.seen_at FROM living
    WHERE s.merchant_id = living.merchant_id AND s.id = living.id AND s.seen_at < living.seen_at
)
"""
"""A session that is being used: noted once a minute. Takes its digest as $1."""


def session_of(row: Any, cookie: str) -> Session:
    return Session(
        id=row["id"],
        merchant_id=row["merchant_id"],
        customer_id=row["customer_id"],
        link_id=row["link_id"],
        started_at=row["started_at"],
        seen_at=row["seen_at"],
        csrf=csrf_token(cookie),
        link_kind=row["kind"],
        flow=row["flow"],
        locale=row["locale"],
        return_url=row["return_url"],
    )
