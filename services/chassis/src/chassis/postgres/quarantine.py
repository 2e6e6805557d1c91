"""Records that could not be read or handled: kept whole, out of the way, until an operator decides.

The operator's word is a wish: the consumer that quarantined the record fulfils it, since only it knows what handling means.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import asyncpg

from chassis.postgres.write_sets import Connection
from chassis.records import Malformed, RawRecord, Record, named_by

State = Literal["kept", "retry", "discard", "handled", "discarded"]

_OUR_HEADERS = frozenset({"ce_id", "ce_type", "content-type", "traceparent"})
_LEASE = "30 seconds"


class NotQuarantined(LookupError):
    """No such record, or it has been dealt with."""


class ValueNotKept(Exception):
    """The record's value was personal and was not kept: it cannot be retried, only discarded."""


@dataclass(frozen=True, slots=True)
class Quarantined:
    id: int
    group: str
    record: Record
    """Of a personal topic: without value."""
    value_length: int | None
    """In bytes; None for a tombstone."""
    value_sha256: str
    merchant_id: UUID | None
    aggregate: str | None
    error: str
    state: State
    times: int
    """How often it came to lie here."""
    quarantined_at: datetime

    @property
    def kept_whole(self) -> bool:
        return self.value_length is None or self.record.value is not None


async def keep(
    connection: Connection, group: str, records: Sequence[tuple[RawRecord, Malformed]], personal: frozenset[str]
) -> None:
    """Puts records aside, in the caller's transaction. Of topics in `personal` no value and no foreign header is kept."""
    for record, found in records:
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
            json.dumps([(name, header.hex()) for name, header in record.headers if not secret or name in _OUR_HEADERS]),
            found.merchant_id,
            found.aggregate,
            found.error[:2000].replace("\0", ""),
        )


async def listed(connection: Connection, group: str | None = None, *, limit: int = 100) -> list[Quarantined]:
    """What waits for an operator's word, or for its fulfilment; oldest first."""
    rows = await connection.fetch(
        """
        SELECT * FROM quarantine
        WHERE state IN ('kept', 'retry', 'discard') AND ($1::text IS NULL OR consumer_group = $1) ORDER BY id LIMIT $2
        """,
        group,
        limit,
    )
    return [_quarantined(row) for row in rows]


async def show(connection: Connection, id: int) -> Quarantined:
    """Raises NotQuarantined."""
    row = await connection.fetchrow("SELECT * FROM quarantine WHERE id = $1", id)
    if row is None:
        raise NotQuarantined(id)
    return _quarantined(row)


async def retry(connection: Connection, id: int) -> None:
    """Has the record handled as if it came now. Raises NotQuarantined, ValueNotKept."""
    if not (await show(connection, id)).kept_whole:
        raise ValueNotKept(id)
    await _wish(connection, id, "retry")


async def discard(connection: Connection, id: int) -> None:
    """Has the record given up: what waits for it goes on without it. Raises NotQuarantined.

    Of a record that nobody could read the place in its stream is not known: when its follower came only after the record
    had been given up, and waits, giving it up once more lets the follower go on.
    """
    await _wish(connection, id, "discard", also="discarded")


async def claim(connection: Connection, group: str) -> Quarantined | None:
    """The next record with which an operator's word is to be fulfilled, for half a minute nobody else's."""
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


async def settle(connection: Connection, claimed: Quarantined) -> None:
    """Says that the operator's word was fulfilled, in the transaction that did. Raises NotQuarantined when it was before."""
    done = await connection.execute(
        """
        UPDATE quarantine
        SET state = CASE state WHEN 'retry' THEN 'handled' ELSE 'discarded' END, settled_at = now(), claimed_until = NULL
        WHERE id = $1 AND state = $2
        """,
        claimed.id,
        claimed.state,
    )
    if done != "UPDATE 1":
        raise NotQuarantined(claimed.id)


async def _wish(connection: Connection, id: int, state: State, also: State = "kept") -> None:
    done = await connection.execute(
        "UPDATE quarantine SET state = $2 WHERE id = $1 AND state IN ('kept', 'retry', 'discard', $3)", id, state, also
    )
    if done != "UPDATE 1":
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
            [(name, bytes.fromhex(value)) for name, value in headers],
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
