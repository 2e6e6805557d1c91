"""I2: at most one successful charge per invoice, and the provider's books say the same as ours."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from payments.domain.payment.events import AttemptFailed, AttemptStarted, AttemptSucceeded, OutcomeUnknown, Refunded
from payments.domain.payment.payment import NOTHING_DUE
from verify.recorded_state import RecordedState
from verify.rows import Row

Key = tuple[UUID, UUID]
"""(merchant, charge)"""


@dataclass
class Charge:
    """An attempt as its stream tells it."""

    invoice_id: UUID
    number: int
    amount: tuple[int, str]
    status: str = "open"
    code: str | None = None
    reference: str | None = None
    refunded: bool = False


def charged_once(world: RecordedState) -> Iterator[str]:
    yield from one_success_per_invoice(world)
    told = charges_of(world)
    attempts = {(row["merchant_id"], row["charge_id"]): row for row in world.rows("payments", "attempt")}
    yield from attempts_agree(told, attempts)
    taken = {(row["merchant_id"], row["charge_id"]): row for row in world.rows("payments", "sandbox_charge")}
    yield from ledger_agrees(told, taken)
    given_back = {(row["merchant_id"], row["charge_id"]) for row in world.rows("payments", "sandbox_refund")}
    owed = {
        (row["merchant_id"], row["paid_charge"])
        for row in world.rows("payments", "collection")
        if row["state"] == "void" and row["refunded_at"] is None
    }
    yield from refunds_agree(told, given_back, owed)
    yield from collections_agree(
        told, {(row["merchant_id"], row["invoice_id"]): row for row in world.rows("payments", "collection")}
    )


def one_success_per_invoice(world: RecordedState) -> Iterator[str]:
    """In the store and on Kafka."""
    for story in world.stories("payments", "payment"):
        succeeded = sum(isinstance(event, AttemptSucceeded) for event in story.events)
        if succeeded > 1:
            yield f"invoice {story.id}: {succeeded} successful charges"
    announced = Counter(
        (envelope.merchantid, envelope.subject)
        for story in world.history.values()
        for _, envelope in story
        if envelope.type.startswith("billing.payments.PaymentSucceeded.")
    )
    yield from (
        f"{subject}: PaymentSucceeded was announced {times} times" for (_, subject), times in announced.items() if times > 1
    )


def charges_of(world: RecordedState) -> Mapping[Key, Charge]:
    found: dict[Key, Charge] = {}
    for story in world.stories("payments", "payment"):
        for event in story.events:
            key = story.merchant_id, event.charge.id
            if isinstance(event, AttemptStarted | AttemptFailed) and key not in found:
                amount = event.bill.amount.amount_minor, event.bill.amount.currency
                found[key] = Charge(story.id, event.charge.number, amount)
            _tell(found[key], event)
    return found


def _tell(charge: Charge, event: Any) -> None:
    match event:
        case AttemptSucceeded(reference=reference):
            charge.status, charge.reference = "succeeded", reference
        case AttemptFailed(code=code, reference=reference):
            charge.status, charge.code, charge.reference = "failed", code.value, reference
        case OutcomeUnknown():
            charge.status = "unknown"
        case Refunded():
            charge.refunded = True


def attempts_agree(told: Mapping[Key, Charge], rows: Mapping[Key, Row]) -> Iterator[str]:
    for key in told.keys() | rows.keys():
        charge, row = told.get(key), rows.get(key)
        if charge is None or row is None:
            yield f"charge {key[1]} is {'in no stream' if charge is None else 'in no row of attempt'}"
            continue
        kept = (
            row["invoice_id"],
            row["number"],
            (row["amount_minor"], row["currency"]),
            row["status"],
            row["code"],
            row["reference"],
        )
        if kept != (charge.invoice_id, charge.number, charge.amount, charge.status, charge.code, charge.reference):
            yield f"charge {key[1]} of invoice {charge.invoice_id} is {row['status']} in its row, {charge.status} in its stream"


def ledger_agrees(told: Mapping[Key, Charge], taken: Mapping[Key, Row]) -> Iterator[str]:
    """The provider may be ahead of us where we have not heard the outcome, nowhere else."""
    for key, row in taken.items():
        charge = told.get(key)
        if charge is None:
            yield f"the provider has charge {key[1]}, we do not"
        elif charge.status in ("succeeded", "failed"):
            outcome = "failed" if row["code"] else "succeeded"
            theirs = outcome, row["code"], row["reference"], (row["amount_minor"], row["currency"])
            if theirs != (charge.status, charge.code, charge.reference, charge.amount):
                yield f"charge {key[1]} of invoice {charge.invoice_id}: {outcome} at the provider, {charge.status} with us"
    for key, charge in told.items():
        asked = charge.reference is not None and charge.reference != NOTHING_DUE
        if asked and key not in taken:
            yield f"charge {key[1]} of invoice {charge.invoice_id}: {charge.status} with us, unknown to the provider"
    money: dict[tuple[UUID, UUID], int] = defaultdict(int)
    for key, row in taken.items():
        if key in told and row["code"] is None and not told[key].refunded:
            money[key[0], told[key].invoice_id] += 1
    yield from (
        f"invoice {invoice_id}: the provider took the money {times} times"
        for (_, invoice_id), times in money.items()
        if times > 1
    )


def refunds_agree(told: Mapping[Key, Charge], given_back: set[Key], owed: set[Key]) -> Iterator[str]:
    ours = {key for key, charge in told.items() if charge.refunded}
    for key in ours - given_back:
        yield f"charge {key[1]} is refunded with us, not at the provider"
    for key in given_back - ours - owed:
        yield f"charge {key[1]} is refunded at the provider, and we neither know nor wait for it"


def collections_agree(told: Mapping[Key, Charge], rows: Mapping[Key, Row]) -> Iterator[str]:
    paid = {(key[0], charge.invoice_id): (key[1], charge) for key, charge in told.items() if charge.status == "succeeded"}
    for key, row in rows.items():
        charge_id, charge = paid.get(key, (None, None))
        refunded = charge is not None and charge.refunded
        if row["paid_charge"] != charge_id or (row["refunded_at"] is not None) != refunded:
            yield f"the collection of invoice {key[1]} names another paid charge, or refund, than its stream"
