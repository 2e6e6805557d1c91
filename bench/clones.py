"""Hundreds of thousands of customers: one is created through the public APIs, and its rows are copied with other ids.

The events of the copies count as published and consumed: they are below every relay's cursor, and the rows of their consumers
are copied too.
"""

import asyncio
import io
import random
import re
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final
from uuid import UUID

import asyncpg

from bench.stack import Customer, Shop

_WITHOUT_CUSTOMERS: Final = frozenset(
    ("customer_keys", "epoch", "freshness", "migrations", "offsets", "outbox", "relay", "watermark")
)
"""Tables without rows of one customer. A customer's key is bound to the customer; a copy gets its own on demand."""
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ORDINAL: Final = "@ordinal@"
_ordinals: Final = count(1_000_000)
"""Ordinals of the copies' invoices, far above those that are issued during the run."""
_chance: Final = random.Random(7)

Values = Mapping[str, str]
"""The values of one copy, by placeholder."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The original's rows in one table."""

    database: str
    table: str
    columns: Sequence[str]
    template: str
    """Lines of COPY's text format, with `%(name)s` for values that differ between copies."""


@dataclass(frozen=True, slots=True)
class Original:
    shop: Shop
    ids: Mapping[str, UUID]
    """All ids of the customer's data. The customer's own is `customer`, the subscription's `subscription`."""
    series: str
    rows: Sequence[Rows]


async def original(customer: Customer) -> Original:
    """All stored rows of a customer with one subscription and one invoice, who has not opened the portal."""
    shop, ids = customer.shop, {customer.id: "customer", customer.subscription: "subscription"}
    number = str((await customer.invoices())[0]["number"])
    plans = (await shop.backend.call("subscriptions", "GET", "/v1/plans"))["items"]
    shared = {shop.id, *(str(plan["id"]) for plan in plans)}
    tables: dict[tuple[str, str], tuple[Sequence[str], str]] = {}
    for _ in range(2):  # an inbox has only ids of events, which other rows contain
        for database, url in shop.stack.state["postgres"].items():
            tables |= {(database, table): rows for table, rows in (await _rows_of(url, ids)).items()}
        seen = {id for _, text in tables.values() for id in _UUID.findall(text)} - shared - ids.keys()
        ids |= {id: f"id{len(ids) + i}" for i, id in enumerate(sorted(seen))}
    names = ids | {number: "number", _ORDINAL: "ordinal", '"ordinal":' + str(int(number.rpartition("-")[2])): "ordinal_in_json"}
    rows = [Rows(*where, columns, _template(text, names)) for where, (columns, text) in tables.items()]
    return Original(shop, {name: UUID(id) for id, name in ids.items()}, number.rpartition("-")[0], rows)


def copies(of: Original, number: int) -> list[Values]:
    return [_copy(of) for _ in range(number)]


async def insert(of: Original, copies: Sequence[Values], only: Collection[str] = (), but: Collection[str] = ()) -> None:
    """Write the copies' rows into all or some tables, the databases concurrently."""
    rows = [each for each in of.rows if each.table not in but and (not only or each.table in only)]
    urls = of.shop.stack.state["postgres"]
    async with asyncio.TaskGroup() as tasks:
        for database in {each.database for each in rows}:
            tasks.create_task(_insert(urls[database], [each for each in rows if each.database == database], copies))


async def _insert(url: str, rows: Sequence[Rows], copies: Sequence[Values]) -> None:
    connection = await asyncpg.connect(url)
    try:
        for each in rows:
            await connection.copy_to_table(each.table, source=_lines(each.template, copies), columns=each.columns, format="text")
    finally:
        await connection.close()


async def _lines(template: str, copies: Sequence[Values]) -> AsyncIterator[bytes]:
    for start in range(0, len(copies), 500):
        yield "".join(template % copy for copy in copies[start : start + 500]).encode()


async def _rows_of(url: str, ids: Collection[str]) -> dict[str, tuple[Sequence[str], str]]:
    """Columns and lines by table, of the tables that say anything of these ids."""
    connection = await asyncpg.connect(url)
    try:
        columns = await connection.fetch(
            """
            SELECT relname AS table, array_agg(attname::text ORDER BY attnum) AS columns
            FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
            WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped
              AND attidentity = '' AND relname <> ALL($1::text[])
            GROUP BY relname
            """,
            list(_WITHOUT_CUSTOMERS),
        )
        tables = {}
        for table, names in columns:
            out = io.BytesIO()
            # A transaction id below the relay's cursor, so that the copies count as published.
            selected = ", ".join({"xid": "'3'::xid8", "ordinal": f"'{_ORDINAL}'"}.get(name, name) for name in names)
            query = f"SELECT {selected} FROM {table} AS row WHERE row::text ~ $1"
            await connection.copy_from_query(query, "|".join(ids), output=out)
            if out.tell():
                tables[table] = names, out.getvalue().decode()
        return tables
    finally:
        await connection.close()


def _template(text: str, names: Mapping[str, str]) -> str:
    """Replace ids by placeholders. They occur as text and, in bytea, as hexadecimal digits of the same text."""
    forms = {**names} | {value.encode().hex(): f"{name}_hex" for value, name in names.items()}
    pattern = re.compile("|".join(map(re.escape, sorted(forms, key=len, reverse=True))))
    return pattern.sub(lambda match: f"%({forms[match[0]]})s", text.replace("%", "%%"))


def _copy(of: Original) -> Values:
    ordinal, other = next(_ordinals), _chance.getrandbits(128)
    values = {name: _id(id, ordinal, other) for name, id in of.ids.items()}
    values |= {"number": f"{of.series}-{ordinal:06}", "ordinal": str(ordinal), "ordinal_in_json": f'"ordinal":{ordinal}'}
    return values | {f"{name}_hex": value.encode().hex() for name, value in values.items()}


def _id(id: UUID, number: int, other: int) -> str:
    """The copy's id for an id of the original, always the same within a copy. Time-ordered ids stay ordered."""
    text = f"{(id.int + (number << 80)) ^ (other >> 66) if id.version == 7 else id.int ^ other:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
