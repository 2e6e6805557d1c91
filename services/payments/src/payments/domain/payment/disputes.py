"""The rules of disputes. They are reported by the provider, in any order and repeatedly, and cause no attempt to collect."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID

from payments.domain.payment.commands import RecordDispute
from payments.domain.payment.events import Charge, Dispute, DisputeClosed, DisputeOpened, Event
from payments.domain.payment.refusals import NothingTaken


@dataclass(frozen=True, slots=True)
class Disputes:
    """The disputes about the charge that paid, by id."""

    opened: Mapping[UUID, Dispute] = field(default_factory=dict)
    """As they were last announced, closed ones included."""
    closed: frozenset[UUID] = frozenset()


NO_DISPUTES = Disputes()


def record_dispute(command: RecordDispute, paid: Charge | None, disputes: Disputes) -> list[Event]:
    """A closed dispute stays as it was closed. One that is closed when it is first reported is opened and closed."""
    if paid is None or paid.id != command.charge_id:
        raise NothingTaken
    dispute = command.dispute
    if dispute.id in disputes.closed:
        return []
    events: list[Event] = []
    known = disputes.opened.get(dispute.id)
    if known is None or (known.inquiry and not dispute.inquiry):
        events.append(DisputeOpened(paid, dispute, command.at))
        known = dispute
    if command.outcome is not None:
        # The amount is the one that was announced, or the one that the bank decided on if it is another.
        decided = replace(known, amount=dispute.amount)
        events.append(DisputeClosed(paid, decided, command.outcome, command.returned, command.at))
    return events


def evolve_disputes(disputes: Disputes, event: DisputeOpened | DisputeClosed) -> Disputes:
    opened = {**disputes.opened, event.dispute.id: event.dispute}
    closed = disputes.closed | {event.dispute.id} if isinstance(event, DisputeClosed) else disputes.closed
    return Disputes(opened, closed)
