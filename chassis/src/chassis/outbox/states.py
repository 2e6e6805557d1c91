"""States on compacted topics: rows of the table `outbox`."""

from collections.abc import Mapping

from pydantic_core import to_json

from chassis.eventsourcing.event_store import Statement


def outbox_statement(topic: str, key: bytes, value: bytes | None, headers: Mapping[str, str]) -> Statement:
    """A statement that publishes a state on a compacted topic. A value of None erases the key.

    The transaction must hold the lock of the row that the state describes. So the states of a key are numbered in the order of
    their commits.
    """
    sql = "INSERT INTO outbox (topic, key, value, headers) VALUES ($1, $2, $3, $4::text::jsonb)"
    return Statement(sql, (topic, key, value, headers_json(headers)))


def headers_json(headers: Mapping[str, str]) -> str:
    return to_json(dict(headers)).decode()
