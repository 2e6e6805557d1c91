"""The rules of an invoice: it is issued once, then paid or voided, and never changed. Credit notes take a paid one back.

`decide` returns the events of a command or raises a refusal; `evolve` folds an event into the state that later decisions
and public events need.
"""

from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import assert_never
from uuid import UUID

from invoicing.domain.credit import credit_lines, credited_after
from invoicing.domain.invoice.commands import Command, Credit, Issue, RecordFailure, RecordPayment, Void
from invoicing.domain.invoice.events import Credited, Event, Issued, Paid, PaymentFailed, Voided
from invoicing.domain.invoice.refusals import (
    AlreadyIssued,
    AlreadyPaid,
    AlreadyVoid,
    AmountDiffers,
    CreditExceedsInvoice,
    DoesNotAddUp,
    NoSuchInvoice,
    NothingToCredit,
    NothingToInvoice,
    NotPaid,
)
from invoicing.domain.plan import Period, Tax
from invoicing.domain.totals import Line, Totals, fits, line_of, totals_of


class Status(StrEnum):
    OPEN = "open"
    PAID = "paid"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class Invoice:
    customer_id: UUID
    subscription_id: UUID
    period: Period
    currency: str
    total: int
    status: Status = Status.OPEN
    paid_by: UUID | None = None
    """The charge that paid it."""
    last_failed: UUID | None = None
    """The charge that failed last."""
    number: str = ""
    issued_on: date = date.min
    lines: tuple[Line, ...] = ()
    tax: Tax | None = None
    credited: tuple[int, ...] = ()
    """What credit notes have taken off each line, with tax, positive."""

    @property
    def left(self) -> int:
        """The total, less what credit notes have taken off."""
        return self.total - sum(self.credited)


def decide(command: Command, it: Invoice | None) -> list[Event]:
    match command:
        case Issue():
            return issue(command, it)
        case RecordPayment():
            return record_payment(command, existing(it))
        case RecordFailure():
            return record_failure(command, existing(it))
        case Void():
            return void(command, existing(it))
        case Credit():
            return credit(command, existing(it))


def issue(command: Issue, it: Invoice | None) -> list[Event]:
    if it is not None:
        raise AlreadyIssued
    if command.quantity < 1 or command.plan.price_minor < 0:
        raise NothingToInvoice
    line = line_of(command.plan, command.quantity, command.period, command.amounts)
    if not fits(line, command.tax):
        raise DoesNotAddUp
    lines = (line,)
    return [
        Issued(
            command.series_number.number,
            command.series_number.series,
            command.series_number.ordinal,
            command.series_number.issued_on,
            command.customer_id,
            command.subscription_id,
            command.plan,
            command.period,
            command.period_number,
            lines,
            command.tax,
            totals_of(lines),
            command.seller,
            command.letterhead,
            command.bill_to_sha256,
            command.at,
            command.period_zone,
        )
    ]


def record_payment(command: RecordPayment, it: Invoice) -> list[Event]:
    if it.paid_by == command.charge_id:
        return []
    not_settled(it)
    if (command.amount, command.currency) != (it.total, it.currency):
        raise AmountDiffers
    return [Paid(command.charge_id, command.amount, command.card, command.at, command.agreed_at)]


def record_failure(command: RecordFailure, it: Invoice) -> list[Event]:
    if it.last_failed == command.charge_id:
        return []
    not_settled(it)
    return [
        PaymentFailed(
            command.charge_id,
            command.attempt,
            command.amount,
            command.code,
            command.retryable,
            command.card,
            command.at,
            command.followed,
            command.manual,
            command.needs_confirmation,
        )
    ]


def void(command: Void, it: Invoice) -> list[Event]:
    """A cancellation that was decided before the payment was known voids the invoice; the payment is refunded."""
    if it.status is Status.VOID:
        return []
    if command.reason != "subscription_cancelled":
        not_settled(it)
    return [Voided(command.reason, command.at)]


def credit(command: Credit, it: Invoice) -> list[Event]:
    if it.status is Status.OPEN:
        raise NotPaid
    not_void(it)
    if it.left == 0:
        raise NothingToCredit
    amount = it.left if command.amount is None else command.amount
    if command.currency not in (None, it.currency) or not 0 < amount <= it.left:
        raise CreditExceedsInvoice
    lines = credit_lines(it.lines, it.tax, it.credited, amount, command.contained)
    totals = Totals(sum(line.net for line in lines), sum(line.tax for line in lines), -amount)
    number = command.series_number
    return [
        Credited(
            command.credit_note_id,
            number.number,
            number.series,
            number.ordinal,
            number.issued_on,
            command.reason,
            lines,
            totals,
            command.at,
        )
    ]


def existing(it: Invoice | None) -> Invoice:
    if it is None:
        raise NoSuchInvoice
    return it


def not_settled(it: Invoice) -> None:
    if it.status is Status.PAID:
        raise AlreadyPaid
    not_void(it)


def not_void(it: Invoice) -> None:
    if it.status is Status.VOID:
        raise AlreadyVoid


def evolve(it: Invoice | None, event: Event) -> Invoice:
    if isinstance(event, Issued):
        return Invoice(
            event.customer_id,
            event.subscription_id,
            event.period,
            event.currency,
            event.totals.total,
            number=event.number,
            issued_on=event.issued_on,
            lines=event.lines,
            tax=event.tax,
            credited=(0,) * len(event.lines),
        )
    assert it is not None, "a stream begins with Issued"
    match event:
        case Paid():
            return replace(it, status=Status.PAID, paid_by=event.charge_id)
        case PaymentFailed():
            return replace(it, last_failed=event.charge_id)
        case Voided():
            return replace(it, status=Status.VOID)
        case Credited():
            return replace(it, credited=credited_after(it.credited, event.lines))
        case _:
            assert_never(event)
