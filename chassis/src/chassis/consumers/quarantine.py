"""The table `quarantine`: records that could not be decoded or processed, with all bytes, until an operator decides.

An operator action is stored as the row's state. The consumer that quarantined the record carries it out.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import asyncpg

from chassis.decoding import RawRecord, Record, Undecodable, named_by
from chassis.postgres.connection import Connection

State = Literal["kept", "retry", "discard", "handled", "discarded"]

_OUR_HEADERS = frozenset({"ce_id", "ce_type", "content-type", "traceparent"})
_LEASE = "30 seconds"
_PARTITION = "consumer_group = $1 AND topic = $2 AND partition = $3"


class NotQuarantined(LookupError):
    """No such record in quarantine, or its operator action is completed."""


class NotNext(Exception):
    """The record is not the group's next one. `next` is the stored offset; None if the group has not started."""

    def __init__(self, next: int | None) -> None:
        super().__init__(next)
        self.next = next


class ValueNotStored(Exception):
    """The record's value is personal data and was not stored, so the record can only be discarded."""


@dataclass(frozen=True, slots=True)
class Quarantined:
    id: int
    group: str
    record: Record
    """Without value if the topic is personal."""
    value_length: int | None
    """In bytes; None for a tombstone."""
    value_sha256: str
    merchant_id: UUID | None
    aggregate: str | None
    error: str
    state: State
    times: int
    """How often the record was quarantined."""
    quarantined_at: datetime

    @property
    def complete(self) -> bool:
        return self.value_length is None or self.record.value is not None


async def add(
    connection: Connection, group: str, records: Sequence[tuple[RawRecord, Undecodable]], personal: frozenset[str]
) -> None:
    """Quarantine records, in the caller's transaction. Values and foreign headers of `personal` topics are not stored."""
    for record, undecodable in records:
        secret = record.topic in personal
        value = record.value
        await connection.execute(
            """
            INSERT INTO quarantine AS known (consumer_group, topic, partition, record_offset, key, value, value_length,
                                             value_sha256, headers, merchant_id, aggregate, error)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::text::jsonb, $10, $11, $12)
            ON CONFLICT ON CONSTRAINT quarantine_record DO UPDATE
            SET times = known.times + 1, error = excluded.error, state = 'kept', claimed_until = NULL, settled_at = NULL
            """,
            group,
            record.topic,
            record.partition,
            record.offset,
            None if secret and named_by(record.key) == (None, None) else record.key,
            None if secret else value,
            None if value is None else len(value),
            hashlib.sha256(value or b"").hexdigest(),
            json.dumps([_header(name, header) for name, header in record.headers if not secret or name in _OUR_HEADERS]),
            undecodable.merchant_id,
            undecodable.aggregate,
            storable(undecodable.error[:2000]),
        )


def storable(text: str) -> str:
    """The text with NUL and lone surrogates escaped, which PostgreSQL's text type cannot store."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def _header(name: str, value: bytes | None) -> list[Any]:
    """[name, hex of the value or null]; the name is {"hex": …} if jsonb cannot store it."""
    try:
        raw = name.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raw = name.encode("utf-8", "surrogatepass")
    plain = raw.decode("utf-8", "replace") == name and "\0" not in name
    return [name if plain else {"hex": raw.hex()}, None if value is None else value.hex()]


def _header_of(stored: Sequence[Any]) -> tuple[str, bytes | None]:
    name, value = stored
    text = name if isinstance(name, str) else bytes.fromhex(name["hex"]).decode("utf-8", "surrogateescape")
    return text, None if value is None else bytes.fromhex(value)


async def pending(connection: Connection, group: str | None = None, *, limit: int = 100) -> list[Quarantined]:
    """Records without a completed operator action, oldest first."""
    rows = await connection.fetch(
        """
        SELECT * FROM quarantine
        WHERE state IN ('kept', 'retry', 'discard') AND ($1::text IS NULL OR consumer_group = $1) ORDER BY id LIMIT $2
        """,
        group,
        limit,
    )
    return [_quarantined(row) for row in rows]


async def get(connection: Connection, id: int) -> Quarantined:
    """Raises NotQuarantined."""
    row = await connection.fetchrow("SELECT * FROM quarantine WHERE id = $1", id)
    if row is None:
        raise NotQuarantined(id)
    return _quarantined(row)


async def retry(connection: Connection, id: int) -> None:
    """Request that the record is processed again. Raises NotQuarantined, ValueNotStored."""
    if not (await get(connection, id)).complete:
        raise ValueNotStored(id)
    await _request(connection, id, "retry")


async def discard(connection: Connection, id: int) -> None:
    """Request that projections continue without the record. Raises NotQuarantined.

    The sequence of an undecodable record is unknown. If its successor arrives after the record was discarded and is
    buffered as early, discard the record again.
    """
    await _request(connection, id, "discard", also="discarded")


async def claim(connection: Connection, group: str) -> Quarantined | None:
    """Lease the oldest record with an open operator action."""
    row = await connection.fetchrow(
        f"""
        UPDATE quarantine SET claimed_until = now() + interval '{_LEASE}'
        WHERE id = (
            SELECT id FROM quarantine
            WHERE consumer_group = $1 AND state IN ('retry', 'discard') AND (claimed_until IS NULL OR claimed_until < now())
            ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
        )
        RETURNING *
        """,
        group,
    )
    return None if row is None else _quarantined(row)


async def complete(connection: Connection, claimed: Quarantined) -> None:
    """Mark the operator action as completed, in the transaction of its effects. Raises NotQuarantined if it already is."""
    status = await connection.execute(
        """
        UPDATE quarantine
        SET state = CASE state WHEN 'retry' THEN 'handled' ELSE 'discarded' END, settled_at = now(), claimed_until = NULL
        WHERE id = $1 AND state = $2
        """,
        claimed.id,
        claimed.state,
    )
    if status != "UPDATE 1":
        raise NotQuarantined(claimed.id)


async def fail(connection: Connection, claimed: Quarantined, error: str) -> None:
    """The operator action failed: the record stays quarantined with the new error."""
    await connection.execute(
        """
        UPDATE quarantine SET state = 'kept', times = times + 1, error = $3, claimed_until = NULL
        WHERE id = $1 AND state = $2
        """,
        claimed.id,
        claimed.state,
        storable(error),
    )


async def skip(
    connection: Connection,
    group: str,
    record: RawRecord,
    undecodable: Undecodable,
    personal: frozenset[str] = frozenset(),
    *,
    at: int | None = None,
    after: int | None = None,
) -> Quarantined:
    """Move a group past its next record, and quarantine that record as discarded by an operator.

    For a record that can neither be processed nor quarantined, or one in a corrupt record set; the latter has neither key
    nor value. `at`: the stored offset, if it is not the record's. `after`: the new offset, if it is not the one after the
    record. Raises NotNext if the stored offset is another one.
    """
    at, after = record.offset if at is None else at, record.offset + 1 if after is None else after
    async with connection.transaction():
        next: int | None = await connection.fetchval(
            f"SELECT next FROM offsets WHERE {_PARTITION} FOR UPDATE", *_partition(group, record)
        )
        if next != at:
            raise NotNext(next)
        await add(connection, group, [(record, undecodable)], personal)
        moved = f"UPDATE offsets SET next = $4, moved_at = now() WHERE {_PARTITION}"
        await connection.execute(moved, *_partition(group, record), after)
        row = await connection.fetchrow(
            f"UPDATE quarantine SET state = 'discard' WHERE {_PARTITION} "
            "AND record_offset = $4 AND value_sha256 = $5 RETURNING *",
            *_partition(group, record),
            record.offset,
            hashlib.sha256(record.value or b"").hexdigest(),
        )
    assert row is not None, "the record was added above"
    return _quarantined(row)


def _partition(group: str, record: RawRecord) -> tuple[str, str, int]:
    return group, record.topic, record.partition


async def _request(connection: Connection, id: int, state: State, also: State = "kept") -> None:
    status = await connection.execute(
        "UPDATE quarantine SET state = $2 WHERE id = $1 AND state IN ('kept', 'retry', 'discard', $3)", id, state, also
    )
    if status != "UPDATE 1":
        raise NotQuarantined(id)


def _quarantined(row: asyncpg.Record) -> Quarantined:
    headers: list[Any] = json.loads(row["headers"])
    return Quarantined(
        row["id"],
        row["consumer_group"],
        Record(
            row["topic"],
            row["partition"],
            row["record_offset"],
            row["key"],
            row["value"],
            [_header_of(header) for header in headers],
        ),
        row["value_length"],
        row["value_sha256"],
        row["merchant_id"],
        row["aggregate"],
        row["error"],
        row["state"],
        row["times"],
        row["quarantined_at"],
    )
