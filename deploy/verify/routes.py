"""What an event, record or row belongs to: its customer if it names one, and the aggregates, events and charges in it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any
from uuid import UUID

from pydantic_core import from_json

from billing_contracts.envelope import record_key
from verify.rows import Event, Record, Row

_OWNERS = ("customer", "wallet")
SHARED = ("quarantine", "merchants")
"""Tables with few and small rows, which concern every customer."""
OF_RECORDS = ("inbox",)
"""Tables with rows that belong to an event, which may only be on a topic."""
_SAME_ID = {"payment": "invoice"}
"""A payment has the id of its invoice."""


@dataclass(frozen=True, slots=True)
class Node:
    digest: bytes
    is_owner: bool = False
    """A customer: the digest alone decides the bucket."""
    binding: bool = True
    """False for a reference that does not decide where its target belongs."""

    @property
    def hash(self) -> int:
        return int.from_bytes(self.digest[:6], "big")


def of_event(event: Event) -> list[Node]:
    attributes = _attributes(event.value)
    nodes = [_event(event.event_id), _aggregate(event.merchant_id, event.stream)]
    if customer := attributes.get("customerid"):
        nodes.append(_customer(event.merchant_id, customer))
    if event.stream.startswith("payment-"):
        nodes += _charges(event)
    if (named := attributes.get("id")) != str(event.event_id):
        nodes.append(_text(f"event {named}"))
    return nodes


def of_record(record: Record) -> list[Node]:
    nodes = [] if record.key is None else [_keyed(record.key)]
    attributes = _attributes(record.value)
    merchant, subject = attributes.get("merchantid"), attributes.get("subject")
    if isinstance(merchant, str) and isinstance(subject, str) and record_key(merchant, subject) != record.key:
        nodes.append(_aggregate(merchant, subject))
    if id := attributes.get("id"):
        nodes.append(_text(f"event {id}"))
    if merchant and (customer := attributes.get("customerid")):
        nodes.append(_customer(merchant, customer))
    return nodes or [_text(f"record {record.place}")]


def of_row(table: str, row: Row) -> list[Node]:
    """Not for the tables of SHARED."""
    return list(_ROWS[table](row))


def _plain(*names: str) -> Callable[[Row], Iterator[Node]]:
    """The nodes that the columns name. The customer is first if the table has one."""

    def nodes(row: Row) -> Iterator[Node]:
        for name in names:
            kind, column = _COLUMNS.get(name, (name, "id"))
            if (id := row.get(column)) is not None:
                yield _aggregate(row["merchant_id"], f"{kind}-{id}")

    return nodes


def _projection(row: Row) -> Iterator[Node]:
    yield _aggregate(row["merchant_id"], row["aggregate"])
    yield from _plain("customer_id")(row)


def _movement(row: Row) -> Iterator[Node]:
    yield from _plain("customer_id", "invoice_id")(row)
    yield _event(row["source"], binding=False)


def _answer(row: Row) -> Iterator[Node]:
    """The aggregates that a stored answer names, or else the key itself."""
    nodes = [_aggregate(row["merchant_id"], name) for name in _aggregates_in(row["answer"])]
    if row["route"] == "POST /v1/customers" and isinstance(row["answer"], dict) and "id" in row["answer"]:
        nodes.append(_customer(row["merchant_id"], row["answer"]["id"]))
    yield from nodes or [_text(f"answer {row['merchant_id']} {row['subject']} {row['route']} {row['key']}")]


def _aggregates_in(answer: Any) -> Iterator[str]:
    if isinstance(answer, dict) and isinstance(name := answer.get("aggregate"), str):
        yield name
    for each in answer.values() if isinstance(answer, dict) else answer if isinstance(answer, list) else ():
        yield from _aggregates_in(each)


_COLUMNS = {
    "customer_id": ("customer", "customer_id"),
    "subscription_id": ("subscription", "subscription_id"),
    "invoice_id": ("invoice", "invoice_id"),
    "charge_id": ("charge", "charge_id"),
    "paid_charge": ("charge", "paid_charge"),
}
_ROWS: Mapping[str, Callable[[Row], Iterator[Node]]] = {
    "accepted_command": _projection,
    "agreed_charge": _plain("customer_id", "invoice_id"),
    "attempt": _plain("customer_id", "invoice_id", "charge_id"),
    "bill_to": _plain("invoice_id"),
    "blocked_streams": lambda row: iter([_aggregate(row["merchant_id"], row["stream"])]),
    "collection": _plain("customer_id", "invoice_id", "subscription_id", "paid_charge"),
    "credit_notes": _plain("customer_id", "invoice_id"),
    "customer_view": _plain("customer_id"),
    "customers": _plain("customer"),
    "dispute": _plain("customer_id", "invoice_id", "charge_id"),
    "idempotency": _answer,
    "inbox": lambda row: iter([_event(row["event_id"], binding=False)]),
    "invoices": _plain("customer_id", "invoice", "subscription_id"),
    "movements": _movement,
    "open_sagas": _plain("subscription_id"),
    "outbox": lambda row: iter([_keyed(row["key"])]),
    "parked_issues": _plain("customer_id", "invoice_id", "subscription_id"),
    "payment_method": _plain("customer_id"),
    "projection": _projection,
    "refund": _plain("customer_id", "invoice_id", "charge_id"),
    "sandbox_charge": _plain("customer_id", "charge_id"),
    "sandbox_refund": _plain("charge_id"),
    "series": lambda row: iter([_text(f"series {row['merchant_id']} {row['name']}")]),
    "stripe_intent": _plain("charge_id"),
    "timers": lambda row: iter([_aggregate(row["merchant_id"], f"{row['kind']}-{row['id']}")]),
}


def _charges(event: Event) -> Iterator[Node]:
    match _parsed(event.body):
        case {"charge": {"id": str() as id}}:
            yield _aggregate(event.merchant_id, f"charge-{id}")


def _attributes(value: bytes | None) -> Mapping[str, Any]:
    parsed = None if value is None else _parsed(value)
    return parsed if isinstance(parsed, dict) else {}


def _parsed(content: bytes | str) -> Any:
    try:
        return from_json(content)
    except ValueError:
        return None


def _customer(merchant_id: UUID | str, id: object) -> Node:
    return _aggregate(merchant_id, f"customer-{id}")


def _aggregate(merchant_id: UUID | str, aggregate: str) -> Node:
    kind, _, id = aggregate.partition("-")
    if kind in _OWNERS:
        return _text(f"{merchant_id}/customer-{id}", is_owner=True)
    return _text(f"{merchant_id}/{_SAME_ID.get(kind, kind)}-{id}")


def _keyed(key: bytes) -> Node:
    merchant_id, _, aggregate = key.decode(errors="backslashreplace").partition("/")
    return _aggregate(merchant_id, aggregate)


def _event(id: UUID, binding: bool = True) -> Node:
    return _text(f"event {id}", binding=binding)


def _text(text: str, is_owner: bool = False, binding: bool = True) -> Node:
    return Node(blake2b(text.encode("utf-8", "replace"), digest_size=12).digest(), is_owner, binding)
