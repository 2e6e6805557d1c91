"""I10: every read model equals a new fold of the events."""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from billing_contracts.envelope import Envelope
from chassis.consumers import Projection
from payments.domain.wallet.wallet import Wallet
from portal_gateway.application.customer_view import INVOICES_ON_THE_PAGE, Source, Sources, compose
from subscriptions.application.publication import merchant_document
from verify.consumers import SERVICE_CONSUMERS, ServiceConsumer
from verify.quarantined import Quarantined
from verify.recorded_state import RecordedState
from verify.rows import Record, Row, same_json

Who = tuple[UUID, UUID]
"""(merchant, customer)"""


def projections_match(recorded: RecordedState) -> Iterator[str]:
    quarantine = Quarantined(recorded)
    for service in SERVICE_CONSUMERS:
        for projection in service.consumer.projections:
            check = states_match if projection.state else documents_match
            yield from check(recorded, service, projection, quarantine)
    yield from merchants_match(recorded)
    yield from invoices_match(recorded)
    yield from payment_methods_match(recorded)
    yield from views_match(recorded.rows("portal_gateway", "projection"), recorded.rows("portal_gateway", "customer_view"))


def documents_match(
    recorded: RecordedState, service: ServiceConsumer, projection: Projection, quarantine: Quarantined
) -> Iterator[str]:
    """Each document is the fold of its aggregate's events up to the document's version."""
    incomplete = quarantine.incomplete(service.consumer.group)
    for row in _rows(recorded, service, projection):
        name = row["merchant_id"], row["aggregate"]
        published = [envelope for _, envelope in recorded.published.get(name, ()) if envelope.sequence <= row["sequence"]]
        if name in incomplete:
            continue
        if not published or published[-1].sequence != row["sequence"]:
            yield f"{_called(service, projection)} shows {row['aggregate']} at version {row['sequence']}, which is on no topic"
            continue
        try:
            doc = _fold(projection, published)
        except Exception as error:
            yield f"{_called(service, projection)} of {row['aggregate']} cannot be folded: {type(error).__name__}: {error}"
            continue
        customer_id = next((envelope.customerid for envelope in reversed(published) if envelope.customerid), None)
        if (row["event_id"], row["customer_id"]) != (published[-1].id, customer_id) or row["doc"] != doc:
            yield f"{_called(service, projection)} of {row['aggregate']} is not the fold of its {row['sequence']} events"


def states_match(
    recorded: RecordedState, service: ServiceConsumer, projection: Projection, quarantine: Quarantined
) -> Iterator[str]:
    """Each document is its aggregate's last message, or one since the cut; after a tombstone it does not exist.

    Messages that the group quarantined do not count.
    """
    messages: dict[bytes | None, list[Record]] = defaultdict(list)
    states = quarantine.quarantined(service.consumer.group)
    for record in recorded.records:
        if record.envelope is not None and states.get(record.envelope.id, "handled") != "handled":
            continue
        if record.topic in service.consumer.topics and projection.erased_by(record.topic):
            messages[record.key].append(record)
    rows = {f"{row['merchant_id']}/{row['aggregate']}".encode(): row for row in _rows(recorded, service, projection)}
    for key in messages.keys() | rows.keys():
        sent, row = messages.get(key, []), rows.get(key or b"")
        last_settled = max((place for place, record in enumerate(sent) if record.settled), default=-1)
        possible = sent[max(last_settled, 0) :]
        allowed: list[Any] = [_state(projection, record) for record in possible if record.envelope or record.value is None]
        if last_settled < 0:
            allowed.append(None)
        if allowed and (row and (row["sequence"], row["doc"])) not in allowed:
            aggregate = (key or b"").decode(errors="replace").partition("/")[2]
            yield f"{_called(service, projection)} of {aggregate} is not the last message of its topic"


def merchants_match(recorded: RecordedState) -> Iterator[str]:
    """The owner's document, which is written with the stream."""
    rows = {
        (row["merchant_id"], row["aggregate"]): row
        for row in recorded.rows("subscriptions", "projection")
        if row["name"] == "merchant"
    }
    for stream in recorded.streams("subscriptions", "merchant"):
        row = rows.get((stream.merchant_id, stream.name))
        expected = json.loads(json.dumps(merchant_document(stream.id, stream.state)))
        if row is None or row["sequence"] != stream.version or not same_json(row["doc"], expected):
            yield f"subscriptions' merchant of {stream.name} is not the fold of its {stream.version} events"


def invoices_match(recorded: RecordedState) -> Iterator[str]:
    rows = {(row["merchant_id"], row["id"]): row for row in recorded.rows("invoicing", "invoices")}
    for stream in recorded.streams("invoicing", "invoice"):
        row = rows.get((stream.merchant_id, stream.id))
        if row and (row["version"], row["status"]) != (stream.version, stream.state.status.value):
            yield f"invoice {stream.id} is {row['status']} in its row, {stream.state.status.value} in its stream"


def payment_methods_match(recorded: RecordedState) -> Iterator[str]:
    rows = recorded.rows("payments", "payment_method")
    cards: dict[Who, set[tuple[Any, ...]]] = defaultdict(set)
    for row in rows:
        if row["removed_at"] is None:
            face = row["id"], row["brand"], row["last4"], row["exp_month"], row["exp_year"], row["fingerprint"]
            cards[row["merchant_id"], row["customer_id"]].add((*face, row["is_default"], row["is_backup"]))
    for stream in recorded.streams("payments", "wallet"):
        wallet: Wallet = stream.state
        backup, expected = wallet.backup.method_id if wallet.backup else None, set()
        for it in wallet.methods:
            face = it.id, it.brand.value, it.last4, it.exp_month, it.exp_year, it.fingerprint
            expected.add((*face, it.id == wallet.default_id, it.id == backup))
        if cards[stream.merchant_id, stream.id] != expected:
            yield f"the payment methods of customer {stream.id} differ in their rows from their stream"


def views_match(projected: Any, views: Any) -> Iterator[str]:
    """Each customer's view equals a new composition of the documents beside it."""
    documents: dict[Who, list[Row]] = defaultdict(list)
    for row in projected:
        if row["customer_id"] is not None:
            documents[row["merchant_id"], row["customer_id"]].append(row)
    stored = {(row["merchant_id"], row["customer_id"]): row["doc"] for row in views}
    for who in documents.keys() | stored.keys():
        try:
            expected = json.loads(json.dumps(compose(who[1], sources_of(documents.get(who, [])))))
        except Exception as error:
            yield f"the view of customer {who[1]} cannot be composed: {type(error).__name__}: {error}"
            continue
        if who not in stored:
            yield f"customer {who[1]} has documents and no view"
        elif stored[who] != expected:
            parts = ", ".join(sorted(part for part in expected if (stored[who] or {}).get(part) != expected[part]))
            yield f"the view of customer {who[1]} is not composed of its documents: {parts}"


def sources_of(documents: Sequence[Row]) -> Sources:
    by_kind: dict[str, list[Row]] = defaultdict(list)
    for row in documents:
        if row["doc"] is not None:
            by_kind[row["name"]].append(row)
    invoices = sorted(by_kind["invoice"], key=lambda row: (row["doc"]["issued_on"], row["doc"]["number"]), reverse=True)
    return Sources(
        customer=next(map(_source, by_kind["customer"]), None),
        wallet=next(map(_source, by_kind["wallet"]), None),
        subscriptions=[_source(row) for row in by_kind["subscription"]],
        invoices=[_source(row) for row in invoices[:INVOICES_ON_THE_PAGE]],
        payments={row["aggregate"].removeprefix("payment-"): _source(row) for row in by_kind["payment"]},
        owed={row["aggregate"].removeprefix("invoice-"): _source(row) for row in invoices},
        invoice_count=len(invoices),
        invoice_years=sorted({int(row["doc"]["issued_on"][:4]) for row in invoices}),
    )


def _source(row: Row) -> Source:
    return Source(row["aggregate"], row["sequence"], row["doc"])


def _rows(recorded: RecordedState, service: ServiceConsumer, projection: Projection) -> list[Row]:
    return [row for row in recorded.rows(service.database, "projection") if row["name"] == projection.name]


def _fold(projection: Projection, published: list[Envelope]) -> Any:
    doc: dict[str, Any] | None = None
    for envelope in published:
        if envelope.type in projection.types:
            doc = projection.fold(doc, envelope)
    return json.loads(json.dumps(doc))


def _state(projection: Projection, record: Record) -> Any:
    envelope = record.envelope
    return None if envelope is None else (envelope.sequence, json.loads(json.dumps(projection.fold(None, envelope))))


def _called(service: ServiceConsumer, projection: Projection) -> str:
    return f"{service.database}'s {projection.name}"
