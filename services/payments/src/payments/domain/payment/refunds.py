"""The rules of refunds: requested and made refunds together never exceed what the charge took."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID

from payments.domain.payment.commands import RecordRefund, RecordRefundFailed, RequestRefund
from payments.domain.payment.events import Charge, Event, Refund, Refunded, RefundFailed, RefundRequested
from payments.domain.payment.refusals import NoSuchRefund, NothingTaken, RefundExceedsPayment
from payments.domain.shapes import Money, RefundReason


@dataclass(frozen=True, slots=True)
class Refunds:
    """The refunds of the charge that paid, by id."""

    requested: Mapping[UUID, Refund] = field(default_factory=dict)
    """Those without an outcome."""
    repayments: Mapping[UUID, Refund] = field(default_factory=dict)
    failed: frozenset[UUID] = frozenset()

    def known(self, refund_id: UUID) -> bool:
        return refund_id in self.requested or refund_id in self.repayments or refund_id in self.failed

    @property
    def repaid_minor(self) -> int:
        return sum(each.amount.amount_minor for each in self.repayments.values())

    @property
    def promised_minor(self) -> int:
        """What was made or requested."""
        return self.repaid_minor + sum(each.amount.amount_minor for each in self.requested.values())


NO_REFUNDS = Refunds()


def request_refund(command: RequestRefund, paid: Charge | None, taken: Money, refunds: Refunds) -> list[Event]:
    if paid is None:
        raise NothingTaken
    if refunds.known(command.refund_id):
        return []
    left = Money(taken.amount_minor - refunds.promised_minor, taken.currency)
    if command.amount is None and left.amount_minor == 0:
        return []
    amount = command.amount or left
    if amount.currency != taken.currency or not 0 < amount.amount_minor <= left.amount_minor:
        raise RefundExceedsPayment
    return [RefundRequested(paid, Refund(command.refund_id, amount, command.reason), command.at)]


def record_refund(command: RecordRefund, paid: Charge | None, refunds: Refunds) -> list[Event]:
    if command.refund_id in refunds.repayments:
        return []
    charge, refund = requested(command.refund_id, paid, refunds)
    return [Refunded(charge, command.reference, command.at, refund)]


def record_refund_failed(command: RecordRefundFailed, paid: Charge | None, refunds: Refunds) -> list[Event]:
    """A bank may return a refund days after the provider has made it."""
    if command.refund_id in refunds.failed:
        return []
    if paid and (repaid := refunds.repayments.get(command.refund_id)):
        return [RefundFailed(paid, repaid, command.code, command.reference, command.at, made_before=True)]
    charge, refund = requested(command.refund_id, paid, refunds)
    return [RefundFailed(charge, refund, command.code, command.reference, command.at)]


def requested(refund_id: UUID, paid: Charge | None, refunds: Refunds) -> tuple[Charge, Refund]:
    if paid is None or refund_id not in refunds.requested:
        raise NoSuchRefund
    return paid, refunds.requested[refund_id]


def evolve_refunds(refunds: Refunds, event: RefundRequested | Refunded | RefundFailed, taken: Money) -> Refunds:
    match event:
        case RefundRequested(refund=refund):
            return replace(refunds, requested={**refunds.requested, refund.id: refund})
        case Refunded():
            refund = refund_of(event, taken)
            others = without(refunds.requested, refund.id)
            return replace(refunds, requested=others, repayments={**refunds.repayments, refund.id: refund})
        case RefundFailed(refund=refund):
            others, repayments = without(refunds.requested, refund.id), without(refunds.repayments, refund.id)
            return replace(refunds, requested=others, repayments=repayments, failed=refunds.failed | {refund.id})


def refund_of(event: Refunded, taken: Money) -> Refund:
    """The refund of the event. That of an older event has the id of its charge."""
    return event.refund or Refund(event.charge.id, taken, RefundReason.INVOICE_VOIDED)


def without(refunds: Mapping[UUID, Refund], refund_id: UUID) -> Mapping[UUID, Refund]:
    return {id: each for id, each in refunds.items() if id != refund_id}
