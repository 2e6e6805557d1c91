"""I10: what is shown is what the events say, folded anew."""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from billing_contracts.envelope import Envelope
from chassis.consumers import Projection
from portal_gateway.application.customer_view import INVOICES_ON_THE_PAGE, Source, Sources, compose
from subscriptions.application.publication import merchant_document
from verify.consumers import READERS, Reader
from verify.quarantined import Quarantined
from verify.recorded_state import RecordedState
from verify.rows import Record, Row

Who = tuple[UUID, UUID]
"""(merchant, customer)"""


def folded_as_told(world: RecordedState) -> Iterator[str]:
    excuses = Quarantined(world)
    for reader in READERS:
        for projection in reader.consumer.projections:
            check = states_as_told if projection.state else documents_as_folded
            yield from check(world, reader, projection, excuses)
    yield from merchants_as_owned(world)
    yield from invoices_as_settled(world)
    yield from methods_as_kept(world)
    yield from views_as_composed(world.rows("portal_gateway", "projection"), world.rows("portal_gateway", "customer_view"))


def documents_as_folded(world: RecordedState, reader: Reader, projection: Projection, excuses: Quarantined) -> Iterator[str]:
    """Each document is the fold of its aggregate's events up to the version that it shows."""
    incomplete = excuses.incomplete(reader.consumer.group)
    for row in _rows(world, reader, projection):
        name = row["merchant_id"], row["aggregate"]
        told = [envelope for _, envelope in world.history.get(name, ()) if envelope.sequence <= row["sequence"]]
        if name in incomplete:
            continue
        if not told or told[-1].sequence != row["sequence"]:
            yield f"{_called(reader, projection)} shows {row['aggregate']} at version {row['sequence']}, of which no topic tells"
            continue
        try:
            doc = _fold(projection, told)
        except Exception as error:
            yield f"{_called(reader, projection)} of {row['aggregate']} cannot be folded: {type(error).__name__}: {error}"
            continue
        whose = next((envelope.customerid for envelope in reversed(told) if envelope.customerid), None)
        if (row["event_id"], row["customer_id"]) != (told[-1].id, whose) or row["doc"] != doc:
            yield f"{_called(reader, projection)} of {row['aggregate']} is not the fold of its {row['sequence']} events"


def states_as_told(world: RecordedState, reader: Reader, projection: Projection, excuses: Quarantined) -> Iterator[str]:
    """Each document is its aggregate's last message, or one that came since the cut; after a tombstone there is none.

    Messages that the group quarantined are none of its.
    """
    messages: dict[bytes | None, list[Record]] = defaultdict(list)
    aside = excuses.quarantined(reader.consumer.group)
    for record in world.records:
        if record.envelope is not None and aside.get(record.envelope.id, "handled") != "handled":
            continue
        if record.topic in reader.consumer.topics and projection.erased_by(record.topic):
            messages[record.key].append(record)
    rows = {f"{row['merchant_id']}/{row['aggregate']}".encode(): row for row in _rows(world, reader, projection)}
    for key in messages.keys() | rows.keys():
        story, row = messages.get(key, []), rows.get(key or b"")
        last_settled = max((place for place, record in enumerate(story) if record.settled), default=-1)
        possible = story[max(last_settled, 0) :]
        allowed: list[Any] = [_state(projection, record) for record in possible if record.envelope or record.value is None]
        if last_settled < 0:
            allowed.append(None)
        if allowed and (row and (row["sequence"], row["doc"])) not in allowed:
            who = (key or b"").decode(errors="replace").partition("/")[2]
            yield f"{_called(reader, projection)} of {who} is not what its topic says last"


def merchants_as_owned(world: RecordedState) -> Iterator[str]:
    """The owner's own document, which is written with the stream."""
    rows = {
        (row["merchant_id"], row["aggregate"]): row
        for row in world.rows("subscriptions", "projection")
        if row["name"] == "merchant"
    }
    for story in world.stories("subscriptions", "merchant"):
        row = rows.get((story.merchant_id, story.stream))
        expected = story.version, json.loads(json.dumps(merchant_document(story.id, story.state)))
        if row is None or (row["sequence"], row["doc"]) != expected:
            yield f"subscriptions' merchant of {story.stream} is not the fold of its {story.version} events"


def invoices_as_settled(world: RecordedState) -> Iterator[str]:
    rows = {(row["merchant_id"], row["id"]): row for row in world.rows("invoicing", "invoices")}
    for story in world.stories("invoicing", "invoice"):
        row = rows.get((story.merchant_id, story.id))
        if row and (row["version"], row["status"]) != (story.version, story.state.status.value):
            yield f"invoice {story.id} is {row['status']} in its row, {story.state.status.value} in its stream"


def methods_as_kept(world: RecordedState) -> Iterator[str]:
    rows = world.rows("payments", "payment_method")
    defaults = {(row["merchant_id"], row["customer_id"]): row["id"] for row in rows if row["is_default"]}
    for story in world.stories("payments", "wallet"):
        default = story.state.default.id if story.state.default else None
        if defaults.get((story.merchant_id, story.id)) != default:
            yield f"the default payment method of customer {story.id} is another in its row than in its stream"


def views_as_composed(projected: Any, views: Any) -> Iterator[str]:
    """Each customer's view, composed anew from the documents beside it."""
    documents: dict[Who, list[Row]] = defaultdict(list)
    for row in projected:
        if row["customer_id"] is not None:
            documents[row["merchant_id"], row["customer_id"]].append(row)
    kept = {(row["merchant_id"], row["customer_id"]): row["doc"] for row in views}
    for who in documents.keys() | kept.keys():
        try:
            expected = json.loads(json.dumps(compose(who[1], sources_of(documents.get(who, [])))))
        except Exception as error:
            yield f"the view of customer {who[1]} cannot be composed: {type(error).__name__}: {error}"
            continue
        if who not in kept:
            yield f"customer {who[1]} has documents and no view"
        elif kept[who] != expected:
            parts = ", ".join(sorted(part for part in expected if (kept[who] or {}).get(part) != expected[part]))
            yield f"the view of customer {who[1]} is not composed of its documents: {parts}"


def sources_of(documents: Sequence[Row]) -> Sources:
    of: dict[str, list[Row]] = defaultdict(list)
    for row in documents:
        if row["doc"] is not None:
            of[row["name"]].append(row)
    invoices = sorted(of["invoice"], key=lambda row: (row["doc"]["issued_on"], row["doc"]["number"]), reverse=True)
    return Sources(
        customer=next(map(_source, of["customer"]), None),
        wallet=next(map(_source, of["wallet"]), None),
        subscriptions=[_source(row) for row in of["subscription"]],
        invoices=[_source(row) for row in invoices[:INVOICES_ON_THE_PAGE]],
        payments={row["aggregate"].removeprefix("payment-"): _source(row) for row in of["payment"]},
        owed={row["aggregate"].removeprefix("invoice-"): _source(row) for row in invoices},
        invoice_count=len(invoices),
        invoice_years=sorted({int(row["doc"]["issued_on"][:4]) for row in invoices}),
    )


def _source(row: Row) -> Source:
    return Source(row["aggregate"], row["sequence"], row["doc"])


def _rows(world: RecordedState, reader: Reader, projection: Projection) -> list[Row]:
    return [row for row in world.rows(reader.database, "projection") if row["name"] == projection.name]


def _fold(projection: Projection, told: list[Envelope]) -> Any:
    doc: dict[str, Any] | None = None
    for envelope in told:
        if envelope.type in projection.types:
            doc = projection.fold(doc, envelope)
    return json.loads(json.dumps(doc))


def _state(projection: Projection, record: Record) -> Any:
    envelope = record.envelope
    return None if envelope is None else (envelope.sequence, json.loads(json.dumps(projection.fold(None, envelope))))


def _called(reader: Reader, projection: Projection) -> str:
    return f"{reader.database}'s {projection.name}"
