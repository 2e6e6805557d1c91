"""Records that could not be read or handled: kept whole, whatever their bytes, until an operator decides.

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

from chassis.decoding import RawRecord, Record, Undecodable, named_by
from chassis.postgres.connection import Connection

State = Literal["kept", "retry", "discard", "handled", "discarded"]

_OUR_HEADERS = frozenset({"ce_id", "ce_type", "content-type", "traceparent"})
_LEASE = "30 seconds"
_PLACE = "consumer_group = $1 AND topic = $2 AND partition = $3"


class NotQuarantined(LookupError):
    """No such record, or it has been dealt with."""


class NotNext(Exception):
    """The group does not stand at this record; `next` is where it stands, None where it has not begun."""

    def __init__(self, next: int | None) -> None:
        super().__init__(next)
        self.next = next


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
    connection: Connection, group: str, records: Sequence[tuple[RawRecord, Undecodable]], personal: frozenset[str]
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
            json.dumps([_header(name, header) for name, header in record.headers if not secret or name in _OUR_HEADERS]),
            found.merchant_id,
            found.aggregate,
            storable(found.error[:2000]),
        )


def storable(text: str) -> str:
    """The text without what PostgreSQL's text cannot hold: NUL and lone surrogates are written out."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def _header(name: str, value: bytes | None) -> list[Any]:
    """[name, hex of the value or null]; the name as {"hex": …} where jsonb could not hold it."""
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


async def keep_again(connection: Connection, claimed: Quarantined, error: str) -> None:
    """The operator's word could not be fulfilled: the record stays quarantined, and says why."""
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
    found: Undecodable,
    personal: frozenset[str] = frozenset(),
    *,
    at: int | None = None,
    after: int | None = None,
) -> Quarantined:
    """Moves a group past the record at which it stands, which is kept as one that the operator gave up.

    For a record that can neither be handled nor quarantined, or not be decoded: then `record` has neither key nor value.
    `at`: the offset to which the group has read, where no record has that offset; `after`: where it continues, when that is
    not the next offset. Raises NotNext when the group stands elsewhere.
    """
    at, after = record.offset if at is None else at, record.offset + 1 if after is None else after
    async with connection.transaction():
        next: int | None = await connection.fetchval(
            f"SELECT next FROM offsets WHERE {_PLACE} FOR UPDATE", *_place(group, record)
        )
        if next != at:
            raise NotNext(next)
        await keep(connection, group, [(record, found)], personal)
        moved = f"UPDATE offsets SET next = $4, moved_at = now() WHERE {_PLACE}"
        await connection.execute(moved, *_place(group, record), after)
        row = await connection.fetchrow(
            f"UPDATE quarantine SET state = 'discard' WHERE {_PLACE} AND record_offset = $4 AND value_sha256 = $5 RETURNING *",
            *_place(group, record),
            record.offset,
            hashlib.sha256(record.value or b"").hexdigest(),
        )
    assert row is not None, "it has just been kept"
    return _quarantined(row)


def _place(group: str, record: RawRecord) -> tuple[str, str, int]:
    return group, record.topic, record.partition


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
