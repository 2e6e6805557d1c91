"""Reads all data for the checks from each database into the spool, in one transaction per database."""

import asyncio
import json

import asyncpg

from portalctl.cards.search import find
from portalctl.local.databases import connect
from verify.card_leaks import leaking_rows
from verify.rows import Event
from verify.spool import Spool

_CONNECT_SECONDS = 60
_CHASSIS_TABLES = ("projection", "timers", "outbox", "idempotency", "blocked_streams")
_TABLES = {
    "subscriptions": ("open_sagas", "customers"),
    "payments": (
        *("attempt", "collection", "agreed_charge", "payment_method", "refund", "dispute"),
        *("sandbox_charge", "sandbox_refund", "stripe_intent"),
    ),
    "invoicing": ("invoices", "credit_notes", "series", "movements", "parked_issues"),
    "portal_gateway": ("customer_view", "accepted_command"),
}
_QUERIES = {
    "quarantine": "SELECT consumer_group, topic, partition, record_offset, state FROM quarantine",
    "inbox": "SELECT consumer_group, event_id FROM inbox",
    "bill_to": "SELECT merchant_id, invoice_id, encode(sha256(sealed), 'hex') AS sha256 FROM bill_to",
    "merchants": "SELECT merchant_id FROM projection WHERE name = 'merchant' AND doc IS NOT NULL",
}
_QUERIES_OF_ALL = ("quarantine", "inbox")
_MORE = {"invoicing": ("bill_to", "merchants")}
_PREFETCH = 500
_READ_FIRST = "portal_gateway"
"""Read first: the accepted commands that it stores were committed in other databases before."""


async def open_database(url: str, *, own: bool = False) -> asyncpg.Connection:
    connection = await connect(url, own=own, timeout=_CONNECT_SECONDS, server_settings={"application_name": "portalctl verify"})
    for kind in ("json", "jsonb"):
        await connection.set_type_codec(kind, encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
    return connection


async def take_all(connections: dict[str, asyncpg.Connection], spool: Spool) -> None:
    await take(_READ_FIRST, connections[_READ_FIRST], spool)
    others = [name for name in connections if name != _READ_FIRST]
    await asyncio.gather(*(take(name, connections[name], spool) for name in others))


async def take(database: str, connection: asyncpg.Connection, spool: Spool) -> None:
    """Read one database at one instant, row by row."""
    queries = {table: f"SELECT * FROM {table}" for table in (*_CHASSIS_TABLES, *_TABLES[database])}
    queries |= {name: _QUERIES[name] for name in (*_QUERIES_OF_ALL, *_MORE.get(database, ()))}
    # Roles of services may have a limit, and a large database takes minutes.
    await connection.execute("SET transaction_timeout = 0")
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        spool.taken_at[database] = await connection.fetchval("SELECT now()")
        async for row in connection.cursor(_EVENTS, prefetch=_PREFETCH):
            spool.add_event(database, _event(row))
        for name, query in queries.items():
            async for row in connection.cursor(query, prefetch=_PREFETCH):
                spool.add_row(database, name, dict(row))
        spool.leaks[database] += await leaking_rows(connection)
        spool.leaks[database] += [finding.row async for finding in find(connection, database)]


_EVENTS = """
SELECT epoch, xid::text AS xid, position, merchant_id, stream, version, event_id, name, schema, body::text AS body, topic, value
FROM events ORDER BY events.epoch, events.xid, events.position
"""


def _event(row: asyncpg.Record) -> Event:
    position = row["epoch"], int(row["xid"]), row["position"]
    return Event(position, *(row[field] for field in Event.__slots__ if field != "position"))
