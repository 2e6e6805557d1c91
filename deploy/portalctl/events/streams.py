"""The private events of one aggregate, from the store of its owner."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from pydantic_core import from_json

from billing_contracts.records import SUBJECT
from chassis.key_encryption import Tampered
from invoicing.adapters.bill_to_encryption import KeyedBillToEncryption
from portalctl.events.tail import printable
from portalctl.local.errors import StackError
from verify.capture import open_database
from verify.sources import Sources
from verify.streams import AGGREGATES


class UnknownAggregate(StackError):
    """The message lists the kinds."""


@dataclass(frozen=True)
class ShownEvent:
    version: int
    recorded_at: datetime
    name: str
    schema: int
    event_id: UUID
    fields: Any
    """The decoded event as JSON values."""
    time: str | None
    """By the merchant's clock."""
    correlation_id: str | None
    causation_id: str | None
    undecodable: str | None = None
    """Why the fields are those of the stored JSON."""


@dataclass(frozen=True)
class ShownStream:
    merchant_id: UUID
    name: str
    customer_id: UUID | None
    erased_at: datetime | None
    """When the customer was erased."""
    buyer: Any
    """Of an invoice: the details, or why they cannot be read."""
    events: list[ShownEvent]

    def as_json(self) -> str:
        return json.dumps(asdict(self), default=str)

    def lines(self) -> Iterator[str]:
        owner = f", customer {self.customer_id}" if self.customer_id else ""
        yield f"{self.name} of merchant {self.merchant_id}{owner}, {len(self.events)} events"
        if self.erased_at:
            yield f"the customer was erased at {self.erased_at:%Y-%m-%d %H:%M:%S}Z"
        if self.buyer is not None:
            yield f"buyer: {printable(self.buyer if isinstance(self.buyer, str) else json.dumps(self.buyer, ensure_ascii=False))}"
        for event in self.events:
            at = f"{event.recorded_at:%Y-%m-%d %H:%M:%S}Z"
            clock = f", {event.time} by the merchant's clock" if event.time else ""
            yield f"{event.version}\t{event.name} (schema {event.schema})\trecorded {at}{clock}"
            cause = f", caused by {event.causation_id}" if event.causation_id else ""
            yield f"\tevent {event.event_id}, correlation {event.correlation_id or '-'}{cause}"
            if event.undecodable:
                yield f"\tcannot be decoded: {printable(event.undecodable)}"
            yield f"\t{printable(json.dumps(event.fields, ensure_ascii=False, default=str))}"


def database_of(aggregate: str) -> str:
    """The database with the aggregate's stream. Raises UnknownAggregate."""
    owners = {kind: database for database, kinds in AGGREGATES.items() for kind in kinds}
    kind = aggregate.partition("-")[0]
    if kind not in owners or not SUBJECT.fullmatch(aggregate):
        raise UnknownAggregate(
            f"{aggregate!r} is no aggregate; expected <kind>-<uuid> with a kind of {', '.join(sorted(owners))}"
        )
    return owners[kind]


async def show(sources: Sources, aggregate: str, merchant_id: UUID | None, keys: Sequence[bytes]) -> list[ShownStream]:
    """The stream of each merchant that has one of this name. Raises StackError if none has."""
    database = database_of(aggregate)
    connection = await _opened(sources, database)
    try:
        rows = await connection.fetch(
            """
            SELECT merchant_id, version, recorded_at, name, schema, event_id, body::text AS body, value FROM events
            WHERE stream = $1 AND ($2::uuid IS NULL OR merchant_id = $2) ORDER BY merchant_id, version
            """,
            aggregate,
            merchant_id,
        )
        merchants = dict.fromkeys(row["merchant_id"] for row in rows)
        if not merchants:
            raise StackError(
                f"{database.replace('_', '-')} has no stream {aggregate}{f' of merchant {merchant_id}' if merchant_id else ''}"
            )
        streams = []
        for merchant in merchants:
            own = [row for row in rows if row["merchant_id"] == merchant]
            customer = next((UUID(each) for each in map(_customer, reversed(own)) if each), None)
            buyer = None
            if aggregate.startswith("invoice-"):
                buyer = await _buyer(connection, merchant, UUID(aggregate.partition("-")[2]), keys)
            erased = await _erased_at(sources, merchant, customer)
            events = [_shown(database, aggregate, row) for row in own]
            streams.append(ShownStream(merchant, aggregate, customer, erased, buyer, events))
        return streams
    finally:
        await connection.close()


def _shown(database: str, aggregate: str, row: asyncpg.Record) -> ShownEvent:
    codec = AGGREGATES[database][aggregate.partition("-")[0]].codec
    why = None
    try:
        fields = json.loads(codec.encode(codec.decode(row["name"], row["schema"], row["body"]))[2])
    except (KeyError, ValueError) as error:
        fields, why = from_json(row["body"]), f"{type(error).__name__}: {error}"
    envelope = _envelope(row)
    return ShownEvent(
        row["version"],
        row["recorded_at"],
        row["name"],
        row["schema"],
        row["event_id"],
        fields,
        envelope.get("time"),
        envelope.get("correlationid"),
        envelope.get("causationid"),
        why,
    )


async def _buyer(connection: asyncpg.Connection, merchant_id: UUID, invoice_id: UUID, keys: Sequence[bytes]) -> Any:
    row = await connection.fetchrow(
        """
        SELECT invoice_id, customer_id, sealed, wrapped, wrapped_by
        FROM bill_to LEFT JOIN customer_keys USING (merchant_id, customer_id)
        WHERE merchant_id = $1 AND invoice_id = $2
        """,
        merchant_id,
        invoice_id,
    )
    if row is None or row["wrapped"] is None:
        return "erased"
    if not keys:
        return "encrypted (KEY_ENCRYPTION_KEY of invoicing shows it)"
    try:
        return asdict(KeyedBillToEncryption(keys).buyer(merchant_id, dict(row)))
    except Tampered:
        return "encrypted, and not with this KEY_ENCRYPTION_KEY"


async def _erased_at(sources: Sources, merchant_id: UUID, customer_id: UUID | None) -> datetime | None:
    if customer_id is None:
        return None
    connection = await _opened(sources, "subscriptions")
    try:
        query = "SELECT erased_at FROM customers WHERE merchant_id = $1 AND id = $2"
        erased: datetime | None = await connection.fetchval(query, merchant_id, customer_id)
        return erased
    finally:
        await connection.close()


async def _opened(sources: Sources, database: str) -> asyncpg.Connection:
    try:
        return await open_database(sources.databases[database], own=sources.own)
    except (OSError, asyncpg.PostgresError, ValueError) as error:
        raise StackError(f"the database {database} cannot be reached: {error or type(error).__name__}") from error


def _customer(row: asyncpg.Record) -> str | None:
    customer: str | None = _envelope(row).get("customerid")
    return customer


def _envelope(row: asyncpg.Record) -> Mapping[str, Any]:
    try:
        envelope = from_json(row["value"])
    except ValueError:
        return {}
    return envelope if isinstance(envelope, dict) else {}
