"""The rebuilt projection in a schema of its own, beside the live one in the same database.

The schema has copies of the tables that the chassis writes, so the code of the consumers fills it unchanged. It stays after an
interruption, and the next call continues there. The tables are not logged: after a crash of the server they are empty.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg
from pydantic_core import from_json

from chassis.postgres.connection import Connection
from portalctl.local.errors import StackError
from portalctl.rebuild.targets import RebuildTarget

_TABLES = ("projection", "waiting", "offsets")
_LOCK = 0x72656275  # arbitrary, but the same in every process that rebuilds
_UNSETTLED = "('kept', 'retry', 'discard')"


@dataclass(frozen=True)
class DocumentDifference:
    merchant_id: UUID
    aggregate: str
    what: str
    """`missing`, `superfluous` or `different`: the state of the live document."""
    fields: tuple[str, ...]
    """The differing columns, and the differing top fields of the document as `doc.<field>`. No values: they may be personal."""

    def __str__(self) -> str:
        fields = f": {', '.join(self.fields)}" if self.fields else ""
        return f"{self.aggregate} of merchant {self.merchant_id} is {self.what}{fields}"


@dataclass(frozen=True)
class ShadowComparison:
    documents: int
    """Of the rebuilt projection."""
    live_checksum: str
    rebuilt_checksum: str
    count: int
    """Of the differences."""
    differences: Sequence[DocumentDifference]
    """The first ones."""


async def create(connection: Connection, target: RebuildTarget) -> None:
    """Create the schema, or keep an existing one. Raises StackError if the role may not, or another process rebuilds."""
    if not await connection.fetchval("SELECT pg_try_advisory_lock($1, hashtext($2))", _LOCK, target.name):
        raise StackError(f"another process rebuilds {target.name}")
    try:
        async with connection.transaction():
            await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {target.schema}")
            for table in _TABLES:
                await connection.execute(
                    f"CREATE UNLOGGED TABLE IF NOT EXISTS {target.schema}.{table} (LIKE public.{table} INCLUDING ALL)"
                )
            await connection.execute(
                f"""
                CREATE UNLOGGED TABLE IF NOT EXISTS {target.schema}.failure (place text PRIMARY KEY, error text NOT NULL);
                CREATE UNLOGGED TABLE IF NOT EXISTS {target.schema}.quarantine (
                    topic text, partition int, record_offset bigint, discarded boolean NOT NULL,
                    PRIMARY KEY (topic, partition, record_offset)
                );
                CREATE UNLOGGED TABLE IF NOT EXISTS {target.schema}.rules (digest text PRIMARY KEY);
                """
            )
    except asyncpg.InsufficientPrivilegeError as error:
        needed = f"{target.database.upper()}_DATABASE_URL needs the role that owns the tables"
        raise StackError(f"the schema {target.schema} cannot be created ({error}): {needed}") from None


async def drop(connection: Connection, target: RebuildTarget) -> None:
    await connection.execute(f"DROP SCHEMA IF EXISTS {target.schema} CASCADE")


async def empty(connection: Connection, target: RebuildTarget) -> None:
    tables = ", ".join(f"{target.schema}.{table}" for table in (*_TABLES, "failure", "quarantine", "rules"))
    await connection.execute(f"TRUNCATE {tables}")


async def lock_live(connection: Connection) -> None:
    """Until the end of the transaction no consumer changes a projection. Pages read on."""
    await connection.execute("SET LOCAL transaction_timeout = 0; SET LOCAL lock_timeout = '10s'")
    await connection.execute("LOCK TABLE public.projection, public.waiting IN SHARE ROW EXCLUSIVE MODE")


async def failures(connection: Connection, target: RebuildTarget) -> list[str]:
    rows = await connection.fetch(f"SELECT place, error FROM {target.schema}.failure ORDER BY place")
    return [f"{row['place']}: {row['error']}" for row in rows]


async def compare(connection: Connection, target: RebuildTarget, most: int) -> ShadowComparison:
    """Compare both. The caller makes sure that both have read the same records."""
    live = await _checksum(connection, "public", target)
    rebuilt = await _checksum(connection, target.schema, target)
    if live == rebuilt:
        return ShadowComparison(rebuilt[0], live[1], rebuilt[1], 0, ())
    rows = await connection.fetch(f"{_differing(target)} ORDER BY 1, 2 LIMIT $2", target.projection, most)
    count: int = await connection.fetchval(f"SELECT count(*) FROM ({_differing(target)}) AS differing", target.projection)
    return ShadowComparison(rebuilt[0], live[1], rebuilt[1], count, [_difference(row) for row in rows])


async def replace_differing(connection: Connection, target: RebuildTarget) -> set[tuple[UUID, UUID]]:
    """Give the live projection the rebuilt content; return the customers with changed documents."""
    differing = await connection.fetch(f"SELECT owner, rebuilt_owner, merchant_id FROM ({_differing(target)})", target.projection)
    await connection.execute(
        f"""
        DELETE FROM public.projection AS live WHERE name = $1 AND NOT EXISTS (
            SELECT FROM {target.schema}.projection AS rebuilt
            WHERE (rebuilt.merchant_id, rebuilt.name, rebuilt.aggregate) = (live.merchant_id, live.name, live.aggregate)
        )
        """,
        target.projection,
    )
    await connection.execute(
        f"""
        INSERT INTO public.projection AS live SELECT * FROM {target.schema}.projection WHERE name = $1
        ON CONFLICT (merchant_id, name, aggregate) DO UPDATE
        SET customer_id = excluded.customer_id, sequence = excluded.sequence, event_id = excluded.event_id,
            doc = excluded.doc, stale_since = excluded.stale_since, steps = excluded.steps
        WHERE ({_columns("live")}) IS DISTINCT FROM ({_columns("excluded")})
        """,
        target.projection,
    )
    await connection.execute("DELETE FROM public.waiting WHERE name = $1", target.projection)
    await connection.execute(
        f"INSERT INTO public.waiting SELECT * FROM {target.schema}.waiting WHERE name = $1", target.projection
    )
    owners = {(row["merchant_id"], row[column]) for row in differing for column in ("owner", "rebuilt_owner")}
    return {(merchant_id, owner) for merchant_id, owner in owners if owner is not None}


async def quarantine_changed(connection: Connection, target: RebuildTarget) -> bool:
    """Whether an operator settled a record of those that were read since the rebuilt projection read it."""
    assert target.consumer is not None
    changed: bool = await connection.fetchval(
        f"""
        WITH now_quarantined AS (
            SELECT DISTINCT ON (q.topic, q.partition, q.record_offset)
                q.topic, q.partition, q.record_offset, q.state = 'discarded' AS discarded
            FROM public.quarantine AS q JOIN {target.schema}.offsets AS o USING (topic, partition)
            WHERE q.consumer_group = $1 AND q.record_offset < o.next AND (q.state = 'discarded' OR q.state IN {_UNSETTLED})
            ORDER BY q.topic, q.partition, q.record_offset, q.id DESC
        )
        SELECT EXISTS (TABLE now_quarantined EXCEPT TABLE {target.schema}.quarantine)
            OR EXISTS (TABLE {target.schema}.quarantine EXCEPT TABLE now_quarantined)
        """,
        target.consumer.group,
    )
    return changed


async def quarantined(connection: Connection, target: RebuildTarget) -> dict[tuple[str, int, int], bool]:
    """The place of each record that the live group does not count: True if it is discarded, False if it is unsettled."""
    assert target.consumer is not None
    rows = await connection.fetch(
        f"""
        SELECT topic, partition, record_offset, state = 'discarded' AS discarded FROM public.quarantine
        WHERE consumer_group = $1 AND (state = 'discarded' OR state IN {_UNSETTLED}) ORDER BY id
        """,
        target.consumer.group,
    )
    return {(row["topic"], row["partition"], row["record_offset"]): row["discarded"] for row in rows}


async def _checksum(connection: Connection, schema: str, target: RebuildTarget) -> tuple[int, str]:
    """The number of documents, and a checksum that does not depend on their order."""
    row = await connection.fetchrow(
        f"""
        SELECT count(*) AS documents, coalesce(bit_xor(hashtextextended(
            row(merchant_id, aggregate, customer_id, sequence, event_id, doc, stale_since IS NULL)::text, 0)), 0) AS checksum
        FROM {schema}.projection WHERE name = $1
        """,
        target.projection,
    )
    assert row is not None
    return row["documents"], f"{row['checksum'] & 0xFFFFFFFFFFFFFFFF:016x}"


def _columns(row: str) -> str:
    """What is compared. The time since which a document is stale, and the size of its last step, may differ."""
    columns = "customer_id", "sequence", "event_id", "doc", "stale_since IS NULL"
    return ", ".join(f"{row}.{column}" for column in columns)


def _differing(target: RebuildTarget) -> str:
    """A query of the differing documents. Its parameter is the projection's name."""
    return f"""
        SELECT merchant_id, aggregate, live.name IS NULL AS missing, rebuilt.name IS NULL AS superfluous,
            live.customer_id AS owner, rebuilt.customer_id AS rebuilt_owner,
            array_remove(ARRAY[
                CASE WHEN live.customer_id IS DISTINCT FROM rebuilt.customer_id THEN 'customer_id' END,
                CASE WHEN live.sequence <> rebuilt.sequence THEN 'sequence' END,
                CASE WHEN live.event_id IS DISTINCT FROM rebuilt.event_id THEN 'event_id' END,
                CASE WHEN (live.stale_since IS NULL) <> (rebuilt.stale_since IS NULL) THEN 'stale_since' END
            ], NULL) AS columns,
            live.doc::text AS live_doc, rebuilt.doc::text AS rebuilt_doc
        FROM (SELECT * FROM public.projection WHERE name = $1) AS live
        FULL JOIN (SELECT * FROM {target.schema}.projection WHERE name = $1) AS rebuilt USING (merchant_id, aggregate)
        WHERE ({_columns("live")}) IS DISTINCT FROM ({_columns("rebuilt")}) OR live.name IS NULL OR rebuilt.name IS NULL
    """


def _difference(row: asyncpg.Record) -> DocumentDifference:
    what = "missing" if row["missing"] else "superfluous" if row["superfluous"] else "different"
    fields = (*row["columns"], *_fields(row["live_doc"], row["rebuilt_doc"])) if what == "different" else ()
    return DocumentDifference(row["merchant_id"], row["aggregate"], what, fields)


def _fields(live: str | None, rebuilt: str | None) -> list[str]:
    one, other = (None if text is None else from_json(text) for text in (live, rebuilt))
    if one == other:
        return []
    if not isinstance(one, dict) or not isinstance(other, dict):
        return ["doc"]
    return sorted(f"doc.{name}" for name in one.keys() | other.keys() if one.get(name, ...) != other.get(name, ...))
