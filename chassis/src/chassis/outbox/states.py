"""States that a service publishes on compacted topics: rows of the table `outbox`."""

from collections.abc import Mapping

from pydantic_core import to_json

from chassis.eventsourcing.event_store import Statement


def outbox_statement(topic: str, key: bytes, value: bytes | None, headers: Mapping[str, str]) -> Statement:
    """Announces a state on a compacted topic, `None` its end.

    Whoever announces a key holds the lock of the row that it describes, so that a key's announcements are numbered in
    the order in which they are committed.
    """
    sql = "INSERT INTO outbox (topic, key, value, headers) VALUES ($1, $2, $3, $4::text::jsonb)"
    return Statement(sql, (topic, key, value, headers_json(headers)))


def headers_json(headers: Mapping[str, str]) -> str:
    return to_json(dict(headers)).decode()
