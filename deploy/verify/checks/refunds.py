"""Refunds: together at most what was taken, once at the provider, and one for each credit note."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from uuid import UUID

from billing_contracts.invoicing import CreditNoteIssued
from payments.domain.payment.events import RefundRequested
from payments.domain.shapes import SANDBOX, RefundReason
from verify.checks.charges import Charge, charges_of
from verify.quarantined import Quarantined
from verify.recorded_state import RecordedState
from verify.rows import Key

_CONSUMER = "payments.collection"


def refunds_agree(recorded: RecordedState) -> Iterator[str]:
    charges = charges_of(recorded)
    for key, charge in charges.items():
        promised = sum(charge.repayments.values()) + sum(charge.requested.values())
        if promised > (charge.amount[0] if charge.status == "succeeded" else 0):
            yield f"charge {key[1]} of invoice {charge.invoice_id} took {charge.amount[0]}: {promised} is refunded or requested"
    yield from provider_agrees(recorded, charges)
    yield from rows_agree(recorded, charges)
    yield from credit_notes_are_refunded(recorded)


def provider_agrees(recorded: RecordedState, charges: Mapping[Key, Charge]) -> Iterator[str]:
    """The provider may be ahead only for refunds that are requested, or owed for a voided invoice."""
    owed = {
        (row["merchant_id"], row["paid_charge"])
        for row in recorded.rows("payments", "collection")
        if row["state"] == "void" and row["refunded_at"] is None
    }
    booked: dict[Key, int] = {}
    of_charge: dict[Key, int] = defaultdict(int)
    for row in recorded.rows("payments", "sandbox_refund"):
        charge_key = row["merchant_id"], row["charge_id"]
        charge, refund_id = charges.get(charge_key), row.get("refund_id") or row["charge_id"]
        if row.get("outcome", "made") != "made":
            continue
        minor = row.get("amount_minor") or (charge.amount[0] if charge else 0)
        booked[row["merchant_id"], refund_id] = minor
        of_charge[charge_key] += minor
        ours = (charge.repayments.get(refund_id) or charge.requested.get(refund_id)) if charge else None
        if ours is None and charge_key not in owed:
            yield f"charge {charge_key[1]} is refunded at the provider, and payments neither records nor expects it"
        elif ours is not None and ours != minor:
            yield f"refund {refund_id} of charge {charge_key[1]} is {ours} in payments, {minor} at the provider"
    for key, charge in charges.items():
        if of_charge[key] > charge.amount[0]:
            yield f"charge {key[1]} took {charge.amount[0]}, and {of_charge[key]} is refunded at the provider"
        for refund_id in charge.repayments if charge.provider == SANDBOX else ():
            if (key[0], refund_id) not in booked:
                yield f"charge {key[1]} is refunded in payments, not at the provider"


def rows_agree(recorded: RecordedState, charges: Mapping[Key, Charge]) -> Iterator[str]:
    """Refunds of earlier releases have no row."""
    known = requests_of(recorded)
    ours = {
        (key[0], refund_id): (status, minor)
        for key, charge in charges.items()
        for status, refunds in (("requested", charge.requested), ("made", charge.repayments))
        for refund_id, minor in refunds.items()
        if refund_id in known
    }
    rows = {
        (row["merchant_id"], row["refund_id"]): (row["status"], row["amount_minor"])
        for row in recorded.rows("payments", "refund")
        if row["status"] != "failed"
    }
    for key in ours.keys() | rows.keys():
        if ours.get(key) != rows.get(key):
            stored, expected = (of.get(key, ("absent", 0))[0] for of in (rows, ours))
            yield f"refund {key[1]} is {stored} in its row, {expected} in its stream"


def requests_of(recorded: RecordedState) -> Mapping[UUID, RefundRequested]:
    return {
        event.refund.id: event
        for stream in recorded.streams("payments", "payment")
        for event in stream.events
        if isinstance(event, RefundRequested)
    }


def credit_notes_are_refunded(recorded: RecordedState) -> Iterator[str]:
    """Each credit note has one refund of its amount, and each of these refunds a credit note."""
    requests = requests_of(recorded)
    discarded = Quarantined(recorded).discarded(_CONSUMER)
    notes: set[UUID] = set()
    for (_, subject), messages in recorded.published.items():
        for record, envelope in messages:
            if envelope.type != CreditNoteIssued.TYPE:
                continue
            note = CreditNoteIssued.model_validate(envelope.data)
            notes.add(note.credit_note_id)
            request = requests.get(note.credit_note_id)
            amount = request.refund.amount if request else None
            owed = -note.total.amount_minor, note.total.currency
            if amount is None:
                if record.settled and envelope.id not in discarded:
                    yield f"{note.number} of {subject} ({note.credit_note_id}) has no refund"
            elif (amount.amount_minor, amount.currency) != owed:
                yield f"{note.number} of {subject} is of {owed[0]}, its refund of {amount.amount_minor}"
    for id, request in requests.items():
        if request.refund.reason is RefundReason.CREDIT_NOTE and id not in notes:
            yield f"refund {id} of charge {request.charge.id} has no credit note"
