"""Reads all data for the checks from each database, in one transaction per database."""

import asyncio
import json

import asyncpg

from portalctl.cards.search import find
from portalctl.local.databases import connect
from verify.card_leaks import leaking_rows
from verify.rows import Event, Snapshot

_CONNECT_SECONDS = 60
_CHASSIS_TABLES = ("offsets", "projection", "quarantine", "timers", "outbox", "idempotency", "blocked_streams")
_TABLES = {
    "subscriptions": ("open_sagas", "customers", "subscriptions"),
    "payments": ("attempt", "collection", "agreed_charge", "payment_method", "sandbox_charge", "sandbox_refund"),
    "invoicing": ("invoices", "series", "movements", "parked_issues"),
    "portal_gateway": ("customer_view", "accepted_command"),
}
_QUERIES = {
    "inbox": "SELECT consumer_group, event_id FROM inbox",
    "bill_to": "SELECT merchant_id, invoice_id, encode(sha256(sealed), 'hex') AS sha256 FROM bill_to",
}
_MORE = {"invoicing": ("bill_to",)}
_READ_FIRST = "portal_gateway"
"""Read first: the accepted commands that it stores were committed in other databases before."""


async def open_database(url: str, *, own: bool = False) -> asyncpg.Connection:
    connection = await connect(url, own=own, timeout=_CONNECT_SECONDS, server_settings={"application_name": "portalctl verify"})
    for kind in ("json", "jsonb"):
        await connection.set_type_codec(kind, encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
    return connection


async def take_all(connections: dict[str, asyncpg.Connection]) -> dict[str, Snapshot]:
    first = await take(_READ_FIRST, connections[_READ_FIRST])
    others = [name for name in connections if name != _READ_FIRST]
    taken = await asyncio.gather(*(take(name, connections[name]) for name in others))
    return {_READ_FIRST: first} | dict(zip(others, taken, strict=True))


async def take(database: str, connection: asyncpg.Connection) -> Snapshot:
    queries = {table: f"SELECT * FROM {table}" for table in (*_CHASSIS_TABLES, *_TABLES[database])}
    queries |= {name: _QUERIES[name] for name in ("inbox", *_MORE.get(database, ()))}
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        taken_at = await connection.fetchval("SELECT now()")
        events = [_event(row) for row in await connection.fetch(_EVENTS)]
        tables = {name: [dict(row) for row in await connection.fetch(query)] for name, query in queries.items()}
        leaks = [*await leaking_rows(connection), *[finding.row async for finding in find(connection, database)]]
        return Snapshot(taken_at, events, tables, leaks)


_EVENTS = """
SELECT epoch, xid::text AS xid, position, merchant_id, stream, version, event_id, name, schema, body::text AS body, topic, value
FROM events ORDER BY events.epoch, events.xid, events.position
"""


def _event(row: asyncpg.Record) -> Event:
    position = row["epoch"], int(row["xid"]), row["position"]
    return Event(position, *(row[field] for field in Event.__slots__ if field != "position"))
