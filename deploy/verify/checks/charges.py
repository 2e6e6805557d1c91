"""I2: at most one successful charge per invoice, and the provider's ledger agrees with payments.

The sandbox's ledger is in the database. Of Stripe's books the database has the payment intents of this service's charges;
`verify --provider` reads the books themselves.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from payments.domain.payment.events import (
    AttemptFailed,
    AttemptStarted,
    AttemptSucceeded,
    AuthenticationNeeded,
    OutcomeUnknown,
    Refunded,
    RefundFailed,
    RefundRequested,
)
from payments.domain.payment.payment import NOTHING_DUE
from payments.domain.shapes import SANDBOX, STRIPE
from verify.recorded_state import RecordedState
from verify.rows import Key, Row


@dataclass
class Charge:
    """An attempt according to its stream."""

    invoice_id: UUID
    number: int
    amount: tuple[int, str]
    provider: str = SANDBOX
    """The provider of the card. A charge without a card has the default."""
    status: str = "open"
    code: str | None = None
    reference: str | None = None
    requested: dict[UUID, int] = field(default_factory=dict)
    """Refunds without an outcome, in minor units, by id."""
    repayments: dict[UUID, int] = field(default_factory=dict)

    @property
    def refunded(self) -> bool:
        """Whether the whole amount went back."""
        return self.status == "succeeded" and bool(self.repayments) and sum(self.repayments.values()) == self.amount[0]

    @property
    def requested_at_provider(self) -> bool:
        """Whether its outcome is the provider's."""
        return self.reference is not None and self.reference != NOTHING_DUE


def charged_once(recorded: RecordedState) -> Iterator[str]:
    yield from one_success_per_invoice(recorded)
    charges = charges_of(recorded)
    attempts = {(row["merchant_id"], row["charge_id"]): row for row in recorded.rows("payments", "attempt")}
    yield from attempts_agree(charges, attempts)
    taken = {(row["merchant_id"], row["charge_id"]): row for row in recorded.rows("payments", "sandbox_charge")}
    yield from ledger_agrees(charges, taken)
    intents = {(row["merchant_id"], row["charge_id"]): row for row in recorded.rows("payments", "stripe_intent")}
    yield from intents_agree(charges, intents)
    yield from collections_agree(
        charges, {(row["merchant_id"], row["invoice_id"]): row for row in recorded.rows("payments", "collection")}
    )


def one_success_per_invoice(recorded: RecordedState) -> Iterator[str]:
    """In the event store and on Kafka."""
    for stream in recorded.streams("payments", "payment"):
        succeeded = sum(isinstance(event, AttemptSucceeded) for event in stream.events)
        if succeeded > 1:
            yield f"invoice {stream.id}: {succeeded} successful charges"
    published = Counter(
        (envelope.merchantid, envelope.subject)
        for messages in recorded.published.values()
        for _, envelope in messages
        if envelope.type.startswith("billing.payments.PaymentSucceeded.")
    )
    yield from (
        f"{subject}: PaymentSucceeded was published {times} times" for (_, subject), times in published.items() if times > 1
    )


def charges_of(recorded: RecordedState) -> Mapping[Key, Charge]:
    charges: dict[Key, Charge] = {}
    for stream in recorded.streams("payments", "payment"):
        for event in stream.events:
            key = stream.merchant_id, event.charge.id
            if isinstance(event, AttemptStarted | AttemptFailed) and key not in charges:
                amount = event.bill.amount.amount_minor, event.bill.amount.currency
                provider = event.charge.method.provider if event.charge.method else SANDBOX
                charges[key] = Charge(stream.id, event.charge.number, amount, provider)
            _apply(charges[key], event)
    return charges


def _apply(charge: Charge, event: Any) -> None:
    match event:
        case AttemptSucceeded(reference=reference):
            charge.status, charge.reference = "succeeded", reference
        case AttemptFailed(code=code, reference=reference):
            charge.status, charge.code, charge.reference = "failed", code.value, reference
        case OutcomeUnknown():
            charge.status = "unknown"
        case AuthenticationNeeded(until=datetime()):
            charge.status = "open"
        case RefundRequested(refund=refund):
            charge.requested[refund.id] = refund.amount.amount_minor
        case Refunded(refund=refund):
            refund_id = refund.id if refund else event.charge.id
            charge.requested.pop(refund_id, None)
            charge.repayments[refund_id] = refund.amount.amount_minor if refund else charge.amount[0]
        case RefundFailed(refund=refund):
            charge.requested.pop(refund.id, None)
            charge.repayments.pop(refund.id, None)


def attempts_agree(charges: Mapping[Key, Charge], rows: Mapping[Key, Row]) -> Iterator[str]:
    for key in charges.keys() | rows.keys():
        charge, row = charges.get(key), rows.get(key)
        if charge is None or row is None:
            yield f"charge {key[1]} is {'in no stream' if charge is None else 'in no row of attempt'}"
            continue
        stored = (
            row["invoice_id"],
            row["number"],
            (row["amount_minor"], row["currency"]),
            row["status"],
            row["code"],
            row["reference"],
        )
        if stored != (charge.invoice_id, charge.number, charge.amount, charge.status, charge.code, charge.reference):
            yield f"charge {key[1]} of invoice {charge.invoice_id} is {row['status']} in its row, {charge.status} in its stream"


def ledger_agrees(charges: Mapping[Key, Charge], taken: Mapping[Key, Row]) -> Iterator[str]:
    """The provider may be ahead only for charges without a known outcome."""
    for key, row in taken.items():
        charge = charges.get(key)
        if charge is None:
            yield f"the provider has charge {key[1]}, payments has not"
        elif charge.status in ("succeeded", "failed"):
            outcome = "failed" if row["code"] else "succeeded"
            theirs = outcome, row["code"], row["reference"], (row["amount_minor"], row["currency"])
            if theirs != (charge.status, charge.code, charge.reference, charge.amount):
                yield f"charge {key[1]} of invoice {charge.invoice_id}: {outcome} at the provider, {charge.status} in payments"
    for key, charge in charges.items():
        if charge.provider == SANDBOX and charge.requested_at_provider and key not in taken:
            yield f"charge {key[1]} of invoice {charge.invoice_id}: {charge.status} in payments, unknown to the provider"
    money: dict[tuple[UUID, UUID], int] = defaultdict(int)
    for key, row in taken.items():
        if key in charges and row["code"] is None and not charges[key].refunded:
            money[key[0], charges[key].invoice_id] += 1
    yield from (
        f"invoice {invoice_id}: the provider took the money {times} times"
        for (_, invoice_id), times in money.items()
        if times > 1
    )


def intents_agree(charges: Mapping[Key, Charge], intents: Mapping[Key, Row]) -> Iterator[str]:
    """A charge at Stripe has one stored intent, which its outcome names. A charge that ended without one names none."""
    for key in intents:
        if key not in charges or charges[key].provider != STRIPE:
            yield f"charge {key[1]} has a payment intent, and payments has no such charge at Stripe"
    for key, charge in charges.items():
        if charge.provider != STRIPE or charge.status not in ("succeeded", "failed") or charge.reference == NOTHING_DUE:
            continue
        stored = intents[key]["reference"] if key in intents else None
        if charge.reference != stored:
            what = f"charge {key[1]} of invoice {charge.invoice_id} {charge.status}"
            yield f"{what} with {charge.reference or 'no payment intent'}, and {stored or 'none'} is stored"


def collections_agree(charges: Mapping[Key, Charge], rows: Mapping[Key, Row]) -> Iterator[str]:
    paid = {(key[0], charge.invoice_id): (key[1], charge) for key, charge in charges.items() if charge.status == "succeeded"}
    for key, row in rows.items():
        charge_id, charge = paid.get(key, (None, None))
        refunded = charge is not None and charge.refunded
        if row["paid_charge"] != charge_id or (row["refunded_at"] is not None) != refunded:
            yield f"the collection of invoice {key[1]} names another paid charge, or refund, than its stream"
