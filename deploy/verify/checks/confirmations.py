"""I17: what is charged because of a confirmation is what was confirmed, and no more.

Which charges follow from a confirmation is derived here from the streams: those that name it, and the first charge of each
period that had begun when it was given, where the period before was paid because of it.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from payments.domain.confirmation import Confirmation
from payments.domain.payment.events import AttemptFailed, AttemptStarted, AttemptSucceeded, Bill, Charge, Refunded
from payments.domain.wallet.events import DefaultChanged, PaymentConfirmed
from verify.checks.invoices import invoices_of
from verify.recorded_state import RecordedState

Key = tuple[UUID, UUID]
"""(merchant, invoice), or (merchant, confirmation)"""


@dataclass
class Attempt:
    """A charge that was begun: asked of the provider."""

    bill: Bill
    charge: Charge
    succeeded: bool = False
    refunded: bool = False


@dataclass(frozen=True)
class Place:
    """Of an invoice among those of its subscription."""

    start: datetime
    """Of its period."""
    before: UUID | None
    """The invoice of the period before."""


def within_what_was_confirmed(world: RecordedState) -> Iterator[str]:
    confirmations = confirmations_of(world)
    attempts, places = attempts_of(world), places_of(world)
    taken: dict[Key, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for (merchant_id, invoice_id), tried in attempts.items():
        for attempt in tried:
            behind = confirmation_behind(attempts, places, (merchant_id, invoice_id), attempt)
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
            if attempt.succeeded and not attempt.refunded:
                taken[merchant_id, behind][amount.currency] += amount.amount_minor
    for key, sums in taken.items():
        for currency, total in sums.items():
            confirmed = sum(it.amount.amount_minor for it in confirmations[key].charges if it.amount.currency == currency)
            if total > confirmed:
                yield f"confirmation {key[1]} is of {confirmed} {currency}, and {total} was taken because of it"


def confirmations_of(world: RecordedState) -> Mapping[Key, Confirmation]:
    found: dict[Key, Confirmation] = {}
    for story in world.stories("payments", "wallet"):
        for event in story.events:
            if isinstance(event, DefaultChanged | PaymentConfirmed) and event.confirmation:
                found[story.merchant_id, event.confirmation.id] = event.confirmation
    return found


def attempts_of(world: RecordedState) -> Mapping[Key, list[Attempt]]:
    """By invoice, in their order."""
    found: dict[Key, list[Attempt]] = {}
    for story in world.stories("payments", "payment"):
        begun: dict[UUID, Attempt] = {}
        for event in story.events:
            match event:
                case AttemptStarted(bill, charge):
                    begun[charge.id] = Attempt(bill, charge)
                case AttemptSucceeded(charge):
                    begun[charge.id].succeeded = True
                case Refunded(charge):
                    begun[charge.id].refunded = True
                case AttemptFailed():
                    pass
        found[story.merchant_id, story.id] = list(begun.values())
    return found


def confirmation_behind(
    attempts: Mapping[Key, list[Attempt]], places: Mapping[Key, Place], invoice: Key, attempt: Attempt
) -> UUID | None:
    """The id of the confirmation that a charge follows from; None for renewals and retries."""
    if attempt.charge.consent:
        return attempt.charge.consent.id
    place = places.get(invoice)
    if attempt.charge.number > 1 or place is None or place.before is None:
        return None
    paid = next((it for it in attempts.get((invoice[0], place.before), ()) if it.succeeded), None)
    consent = paid.charge.consent if paid else None
    return consent.id if consent and place.start <= consent.at else None


def places_of(world: RecordedState) -> Mapping[Key, Place]:
    invoices = invoices_of(world)
    ending = {(it.merchant_id, it.issued.subscription_id, it.issued.period.end): it.id for it in invoices}
    return {
        (it.merchant_id, it.id): Place(
            it.issued.period.start, ending.get((it.merchant_id, it.issued.subscription_id, it.issued.period.start))
        )
        for it in invoices
    }
