"""Customers by the hundred thousand: one is made through the public APIs, and its rows are copied under other ids.

The copies' events count as published and heard: they lie below every relay's cursor, and what others made of them is
copied too.
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

_NOT_THEIRS: Final = frozenset(("customer_keys", "epoch", "freshness", "migrations", "offsets", "outbox", "relay", "watermark"))
"""Tables with nothing of one customer's. A customer's key opens for nobody else: a copy gets its own when it is needed."""
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ORDINAL: Final = "@ordinal@"
_ordinals: Final = count(1_000_000)
"""Of the copies' invoices: far above those that will be issued meanwhile."""
_chance: Final = random.Random(7)

Said = Mapping[str, str]
"""What one copy says, by the name of what differs."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The original's rows in one table."""

    database: str
    table: str
    columns: Sequence[str]
    template: str
    """Lines of COPY's text format, with `%(name)s` where copies differ."""


@dataclass(frozen=True, slots=True)
class Original:
    shop: Shop
    ids: Mapping[str, UUID]
    """Everything of the customer's that has an id; the customer's own is `customer`, the subscription's `subscription`."""
    series: str
    rows: Sequence[Rows]


async def original(customer: Customer) -> Original:
    """All that the services keep of a customer who has one subscription, one invoice, and has not been in the portal."""
    shop, ids = customer.shop, {customer.id: "customer", customer.subscription: "subscription"}
    number = str((await customer.invoices())[0]["number"])
    plans = (await shop.backend.call("subscriptions", "GET", "/v1/plans"))["items"]
    shared = {shop.id, *(str(plan["id"]) for plan in plans)}
    found: dict[tuple[str, str], tuple[Sequence[str], str]] = {}
    for _ in range(2):  # an inbox names events only, whose ids other rows tell
        for database, url in shop.stack.state["postgres"].items():
            found |= {(database, table): rows for table, rows in (await _found(url, ids)).items()}
        seen = {id for _, text in found.values() for id in _UUID.findall(text)} - shared - ids.keys()
        ids |= {id: f"id{len(ids) + i}" for i, id in enumerate(sorted(seen))}
    names = ids | {number: "number", _ORDINAL: "ordinal", '"ordinal":' + str(int(number.rpartition("-")[2])): "ordinal_in_json"}
    rows = [Rows(*where, columns, _template(text, names)) for where, (columns, text) in found.items()]
    return Original(shop, {name: UUID(id) for id, name in ids.items()}, number.rpartition("-")[0], rows)


def copies(of: Original, number: int) -> list[Said]:
    return [_copy(of) for _ in range(number)]


async def insert(of: Original, copies: Sequence[Said], only: Collection[str] = (), but: Collection[str] = ()) -> None:
    """Writes the copies' rows, each database by itself: in all tables, or in some."""
    rows = [each for each in of.rows if each.table not in but and (not only or each.table in only)]
    urls = of.shop.stack.state["postgres"]
    async with asyncio.TaskGroup() as tasks:
        for database in {each.database for each in rows}:
            tasks.create_task(_insert(urls[database], [each for each in rows if each.database == database], copies))


async def _insert(url: str, rows: Sequence[Rows], copies: Sequence[Said]) -> None:
    connection = await asyncpg.connect(url)
    try:
        for each in rows:
            await connection.copy_to_table(each.table, source=_lines(each.template, copies), columns=each.columns, format="text")
    finally:
        await connection.close()


async def _lines(template: str, copies: Sequence[Said]) -> AsyncIterator[bytes]:
    for start in range(0, len(copies), 500):
        yield "".join(template % copy for copy in copies[start : start + 500]).encode()


async def _found(url: str, ids: Collection[str]) -> dict[str, tuple[Sequence[str], str]]:
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
            list(_NOT_THEIRS),
        )
        found = {}
        for table, names in columns:
            out = io.BytesIO()
            # A transaction long before those that a relay has passed: it takes the copies for published.
            selected = ", ".join({"xid": "'3'::xid8", "ordinal": f"'{_ORDINAL}'"}.get(name, name) for name in names)
            query = f"SELECT {selected} FROM {table} AS row WHERE row::text ~ $1"
            await connection.copy_from_query(query, "|".join(ids), output=out)
            if out.tell():
                found[table] = names, out.getvalue().decode()
        return found
    finally:
        await connection.close()


def _template(text: str, names: Mapping[str, str]) -> str:
    """Ids stand there as text and, within bytes, as the hexadecimal digits of the same text."""
    forms = {**names} | {value.encode().hex(): f"{name}_hex" for value, name in names.items()}
    pattern = re.compile("|".join(map(re.escape, sorted(forms, key=len, reverse=True))))
    return pattern.sub(lambda match: f"%({forms[match[0]]})s", text.replace("%", "%%"))


def _copy(of: Original) -> Said:
    ordinal, other = next(_ordinals), _chance.getrandbits(128)
    said = {name: _id(id, ordinal, other) for name, id in of.ids.items()}
    said |= {"number": f"{of.series}-{ordinal:06}", "ordinal": str(ordinal), "ordinal_in_json": f'"ordinal":{ordinal}'}
    return said | {f"{name}_hex": value.encode().hex() for name, value in said.items()}


def _id(id: UUID, number: int, other: int) -> str:
    """Another id for the same thing, the same wherever this copy names it. Ids that follow the time go on doing so."""
    text = f"{(id.int + (number << 80)) ^ (other >> 66) if id.version == 7 else id.int ^ other:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
