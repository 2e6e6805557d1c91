"""I17: charges caused by a confirmation are in its list and do not exceed it.

The charges of a confirmation are derived from the streams: those that name it, and the first charge of each period that had
started at the confirmation, if the previous period was paid because of it. A charge to a backup card follows from the consent
with which that card was chosen.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from payments.domain.confirmation import Confirmation
from payments.domain.payment.events import AttemptFailed, AttemptStarted, AttemptSucceeded, Bill, Charge, Refunded
from payments.domain.wallet.events import BackupChosen, DefaultChanged, OneTimePaymentConfirmed, PaymentConfirmed
from verify.checks.invoices import invoices_of
from verify.recorded_state import RecordedState
from verify.rows import Key


@dataclass
class Attempt:
    """A charge that was sent to the provider."""

    bill: Bill
    charge: Charge
    at: datetime
    succeeded: bool = False
    refunded_minor: int = 0


@dataclass(frozen=True)
class InvoicePeriod:
    """The period of an invoice."""

    start: datetime
    previous: UUID | None
    """The invoice of the previous period."""


def within_the_confirmed_total(recorded: RecordedState) -> Iterator[str]:
    confirmations = confirmations_of(recorded)
    attempts, periods = attempts_of(recorded), periods_of(recorded)
    taken: dict[Key, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for (merchant_id, invoice_id), sent in attempts.items():
        for attempt in sent:
            behind = confirmation_behind(attempts, periods, (merchant_id, invoice_id), attempt)
            if behind is None:
                continue
            confirmation = confirmations.get((merchant_id, behind))
            if confirmation is None:
                yield f"charge {attempt.charge.id} of invoice {invoice_id} names confirmation {behind}, which does not exist"
                continue
            amount = attempt.bill.amount
            if not confirmation.allows(invoice_id, amount):
                what = f"{amount.amount_minor} {amount.currency}"
                yield f"charge {attempt.charge.id} of invoice {invoice_id} is {what}: confirmation {behind} does not list that"
            if attempt.succeeded:
                taken[merchant_id, behind][amount.currency] += amount.amount_minor - attempt.refunded_minor
    yield from backups_without_consent(recorded, attempts)
    for key, sums in taken.items():
        for currency, total in sums.items():
            confirmed = sum(each.amount.amount_minor for each in confirmations[key].charges if each.amount.currency == currency)
            if total > confirmed:
                yield f"confirmation {key[1]} is of {confirmed} {currency}, and {total} was taken because of it"


def backups_without_consent(recorded: RecordedState, attempts: Mapping[Key, list[Attempt]]) -> Iterator[str]:
    """Charges to a backup card that the customer had not chosen before."""
    chosen: dict[Key, list[BackupChosen]] = {
        (stream.merchant_id, stream.id): [event for event in stream.events if isinstance(event, BackupChosen)]
        for stream in recorded.streams("payments", "wallet")
    }
    for (merchant_id, invoice_id), sent in attempts.items():
        for attempt in sent:
            charged = attempt.charge.method
            consents = (
                event
                for event in chosen.get((merchant_id, attempt.bill.customer_id), ())
                if event.consent and event.method and charged and event.method.id == charged.id and event.at <= attempt.at
            )
            if attempt.charge.backup and not any(consents):
                yield f"charge {attempt.charge.id} of invoice {invoice_id} is made with a backup card without a consent"


def confirmations_of(recorded: RecordedState) -> Mapping[Key, Confirmation]:
    confirmations: dict[Key, Confirmation] = {}
    for stream in recorded.streams("payments", "wallet"):
        for event in stream.events:
            if isinstance(event, DefaultChanged | PaymentConfirmed | OneTimePaymentConfirmed) and event.confirmation:
                confirmations[stream.merchant_id, event.confirmation.id] = event.confirmation
    return confirmations


def attempts_of(recorded: RecordedState) -> Mapping[Key, list[Attempt]]:
    """The attempts by invoice, in order."""
    attempts: dict[Key, list[Attempt]] = {}
    for stream in recorded.streams("payments", "payment"):
        started: dict[UUID, Attempt] = {}
        for event in stream.events:
            match event:
                case AttemptStarted(bill, charge, at):
                    started[charge.id] = Attempt(bill, charge, at)
                case AttemptSucceeded(charge):
                    started[charge.id].succeeded = True
                case Refunded(charge, refund=refund):
                    it = started[charge.id]
                    it.refunded_minor += (refund.amount if refund else it.bill.amount).amount_minor
                case AttemptFailed():
                    pass
        attempts[stream.merchant_id, stream.id] = list(started.values())
    return attempts


def confirmation_behind(
    attempts: Mapping[Key, list[Attempt]], periods: Mapping[Key, InvoicePeriod], invoice: Key, attempt: Attempt
) -> UUID | None:
    """The id of the confirmation that caused a charge; None for renewals and retries."""
    if attempt.charge.consent:
        return attempt.charge.consent.id
    period = periods.get(invoice)
    if attempt.charge.number > 1 or period is None or period.previous is None:
        return None
    paid = next((each for each in attempts.get((invoice[0], period.previous), ()) if each.succeeded), None)
    consent = paid.charge.consent if paid else None
    return consent.id if consent and period.start <= consent.at else None


def periods_of(recorded: RecordedState) -> Mapping[Key, InvoicePeriod]:
    invoices = invoices_of(recorded)
    ending = {(each.merchant_id, each.issued.subscription_id, each.issued.period.end): each.id for each in invoices}
    return {
        (each.merchant_id, each.id): InvoicePeriod(
            each.issued.period.start, ending.get((each.merchant_id, each.issued.subscription_id, each.issued.period.start))
        )
        for each in invoices
    }
