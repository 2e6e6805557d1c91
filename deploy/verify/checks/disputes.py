"""Disputes: their rows agree with their streams, and each is about the charge that paid."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from payments.domain.payment.events import AttemptSucceeded, DisputeClosed, DisputeOpened
from verify.recorded_state import RecordedState
from verify.rows import Key, Row


@dataclass(frozen=True)
class Dispute:
    """A dispute according to its stream."""

    invoice_id: UUID
    charge_id: UUID
    amount: tuple[int, str]
    inquiry: bool
    status: str = "open"
    returned: bool = False


def disputes_agree(recorded: RecordedState) -> Iterator[str]:
    disputes: dict[Key, Dispute] = {}
    for stream in recorded.streams("payments", "payment"):
        paid = {event.charge.id for event in stream.events if isinstance(event, AttemptSucceeded)}
        of_stream = _disputes_of(stream.id, stream.events)
        yield from (
            f"dispute {id} is about charge {each.charge_id} of invoice {stream.id}, which took no money"
            for id, each in of_stream.items()
            if each.charge_id not in paid
        )
        disputes |= {(stream.merchant_id, id): each for id, each in of_stream.items()}
    rows = {(row["merchant_id"], row["dispute_id"]): row for row in recorded.rows("payments", "dispute")}
    for key in disputes.keys() | rows.keys():
        ours, row = disputes.get(key), rows.get(key)
        if ours is None or row is None:
            yield f"dispute {key[1]} is {'in no stream' if ours is None else 'in no row'}"
        elif ours != _of_row(row):
            yield f"dispute {key[1]} of invoice {ours.invoice_id} is {row['status']} in its row, {ours.status} in its stream"


def _disputes_of(invoice_id: UUID, events: Any) -> Mapping[UUID, Dispute]:
    disputes: dict[UUID, Dispute] = {}
    for event in events:
        if isinstance(event, DisputeOpened | DisputeClosed):
            it = event.dispute
            facts = invoice_id, event.charge.id, (it.amount.amount_minor, it.amount.currency), it.inquiry
            end = (event.outcome.value, event.returned) if isinstance(event, DisputeClosed) else ()
            disputes[it.id] = Dispute(*facts, *end)
    return disputes


def _of_row(row: Row) -> Dispute:
    amount = row["amount_minor"], row["currency"]
    return Dispute(row["invoice_id"], row["charge_id"], amount, row["inquiry"], row["status"], row["returned"])
