"""The rules of collecting one invoice: it is charged at most once, by one attempt at a time.

An attempt with an unknown outcome is still open: it may have succeeded. The next attempt starts only after the provider has
reported the outcome.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never
from uuid import UUID, uuid5

from payments.domain.confirmation import Consent
from payments.domain.payment.commands import (
    Collect,
    Command,
    PayNow,
    RecordAuthenticationNeeded,
    RecordDispute,
    RecordFailure,
    RecordNoAnswer,
    RecordRefund,
    RecordRefundFailed,
    RecordSuccess,
    RequestRefund,
    TryAgain,
)
from payments.domain.payment.disputes import NO_DISPUTES, Disputes, evolve_disputes, record_dispute
from payments.domain.payment.events import (
    AttemptFailed,
    AttemptStarted,
    AttemptSucceeded,
    AuthenticationNeeded,
    Bill,
    Charge,
    DisputeClosed,
    DisputeOpened,
    Event,
    OutcomeUnknown,
    Refunded,
    RefundFailed,
    RefundRequested,
)
from payments.domain.payment.refunds import (
    NO_REFUNDS,
    Refunds,
    evolve_refunds,
    record_refund,
    record_refund_failed,
    request_refund,
)
from payments.domain.payment.refusals import ChargeAlreadyEnded, ChargeRunning, NoSuchPayment, NothingOwed
from payments.domain.shapes import FailureCode, Method, Remedy

NOTHING_DUE = "nothing-due"
"""The reference of a payment that needed no charge."""


@dataclass(frozen=True, slots=True)
class Payment:
    bill: Bill
    attempts: int = 0
    open: Charge | None = None
    """The charge without an outcome, if there is one."""
    unknown: bool = False
    """Whether the provider did not answer for the open charge."""
    authenticate_until: datetime | None = None
    """How long the open charge waits for the customer, by the wall clock. None if it does not wait."""
    last: Charge | None = None
    """The charge of the latest attempt."""
    paid: Charge | None = None
    refunds: Refunds = NO_REFUNDS
    disputes: Disputes = NO_DISPUTES
    failed: frozenset[UUID] = frozenset()
    """The charges that took no money."""
    backup_used: bool = False
    """Whether the backup card has been charged. It is charged once for an invoice."""


def decide(command: Command, it: Payment | None) -> list[Event]:
    match command:
        case Collect():
            return collect(command, it)
        case TryAgain():
            return try_again(command, existing(it))
        case PayNow():
            return pay_now(command, existing(it))
        case RecordAuthenticationNeeded():
            return record_authentication_needed(command, existing(it))
        case RecordSuccess():
            return record_success(command, existing(it))
        case RecordFailure():
            return record_failure(command, existing(it))
        case RecordNoAnswer():
            return record_no_answer(command, existing(it))
        case RequestRefund():
            it = existing(it)
            return request_refund(command, it.paid, it.bill.amount, it.refunds)
        case RecordRefund():
            it = existing(it)
            return record_refund(command, it.paid, it.refunds)
        case RecordRefundFailed():
            it = existing(it)
            return record_refund_failed(command, it.paid, it.refunds)
        case RecordDispute():
            it = existing(it)
            return record_dispute(command, it.paid, it.disputes)


def collect(command: Collect, it: Payment | None) -> list[Event]:
    if it is not None:
        return []  # a repetition: the invoice is being collected already
    bill = Bill(command.invoice_id, command.subscription_id, command.customer_id, command.amount)
    if command.amount.amount_minor <= 0:
        charge = next_charge(Payment(bill), command.method, command.consent)
        return [AttemptStarted(bill, charge, command.at), AttemptSucceeded(charge, NOTHING_DUE, command.at)]
    if command.withheld:
        code, nothing = FailureCode.PROCESSING_ERROR, next_charge(Payment(bill), None, None)
        return [AttemptFailed(bill, nothing, code, False, None, command.at, needs_confirmation=True)]
    return attempt(Payment(bill), command.method, command.at, command.consent)


def try_again(command: TryAgain, it: Payment) -> list[Event]:
    if it.paid or it.open:
        return []  # the outcome of the open attempt decides what follows
    return attempt(it, command.method, command.at, command.consent, last=command.last)


def pay_now(command: PayNow, it: Payment) -> list[Event]:
    if it.paid:
        raise NothingOwed
    if it.open:
        raise ChargeRunning
    return attempt(it, command.method, command.at, command.consent, manual=True, on_session=command.on_session)


def record_authentication_needed(command: RecordAuthenticationNeeded, it: Payment) -> list[Event]:
    """A charge without the customer present does not wait for them."""
    if command.charge_id in it.failed or (it.paid and it.paid.id == command.charge_id):
        return []  # the outcome was recorded while the provider was called
    charge = open_charge(it, command.charge_id)
    return [] if it.authenticate_until or not charge.on_session else [AuthenticationNeeded(charge, command.until, command.at)]


def record_success(command: RecordSuccess, it: Payment) -> list[Event]:
    if it.paid and it.paid.id == command.charge_id:
        return []
    return [AttemptSucceeded(open_charge(it, command.charge_id), command.reference, command.at)]


def record_failure(command: RecordFailure, it: Payment) -> list[Event]:
    if command.charge_id in it.failed:
        return []
    charge = open_charge(it, command.charge_id)
    remedy = None if command.final else command.remedy or command.code.remedy
    if charge.backup and remedy is Remedy.WAIT:
        remedy = Remedy.ANOTHER_CARD  # retries are for the default card, which has failed for good
    retryable = remedy is Remedy.WAIT
    failed = AttemptFailed(it.bill, charge, command.code, retryable, command.reference, command.at, remedy=remedy)
    used = charge.method.id if charge.method else None
    if command.final:
        return [failed]
    if command.agreed is not None and command.agreed.id != used:
        following = attempt(evolve(it, failed), command.agreed, command.at, command.consent)
        return [replace(failed, followed=True), *following]
    if command.backup is not None and command.backup.id != used and calls_for_backup(it, charge, remedy):
        return [replace(failed, followed=True), *attempt(evolve(it, failed), command.backup, command.at, backup=True)]
    if command.code is FailureCode.AUTHENTICATION_REQUIRED:
        return [failed, AuthenticationNeeded(charge, None, command.at)]
    return [failed]


def calls_for_backup(it: Payment, charge: Charge, remedy: Remedy | None) -> bool:
    """Whether the backup card is charged next: the default cannot pay, or has failed at the last retry.

    A charge that the customer or the merchant confirmed for one card, or that the customer answered their bank for, is never
    moved to another one.
    """
    if it.backup_used or charge.manual or charge.on_session or charge.consent is not None:
        return False
    return remedy is Remedy.ANOTHER_CARD or (charge.last and remedy is Remedy.WAIT)


def record_no_answer(command: RecordNoAnswer, it: Payment) -> list[Event]:
    """A charge that waits for the customer stays as it is: the provider has reported why there is no outcome."""
    charge = open_charge(it, command.charge_id)
    return [] if it.unknown or it.authenticate_until else [OutcomeUnknown(charge, command.next_check_at, command.at)]


def attempt(
    it: Payment,
    method: Method | None,
    at: datetime,
    consent: Consent | None = None,
    *,
    manual: bool = False,
    on_session: bool = False,
    last: bool = False,
    backup: bool = False,
) -> list[Event]:
    """The next attempt. Without a card it fails at once."""
    charge = replace(next_charge(it, method, consent, manual, on_session), last=last, backup=backup)
    if method is None:
        code = FailureCode.NO_PAYMENT_METHOD
        return [AttemptFailed(it.bill, charge, code, code.retryable, None, at, remedy=code.remedy)]
    return [AttemptStarted(it.bill, charge, at)]


def next_charge(
    it: Payment, method: Method | None, consent: Consent | None, manual: bool = False, on_session: bool = False
) -> Charge:
    """Derives the id from the invoice and the attempt's number, so that a repeated decision charges once."""
    number = it.attempts + 1
    return Charge(uuid5(it.bill.invoice_id, f"charge-{number}"), number, method, consent, manual, on_session)


def open_charge(it: Payment, charge_id: UUID) -> Charge:
    if it.open is None or it.open.id != charge_id:
        raise ChargeAlreadyEnded
    return it.open


def existing(it: Payment | None) -> Payment:
    if it is None:
        raise NoSuchPayment
    return it


def evolve(it: Payment | None, event: Event) -> Payment:
    match event:
        case AttemptStarted():
            it = it or Payment(event.bill)
            used = it.backup_used or event.charge.backup
            return replace(it, attempts=event.charge.number, open=event.charge, last=event.charge, backup_used=used)
        case AttemptFailed():
            it = it or Payment(event.bill)
            failed = it.failed | {event.charge.id}
            return replace(ended(it), attempts=event.charge.number, failed=failed, last=event.charge)
    assert it is not None, "a payment begins with an attempt"
    match event:
        case AttemptSucceeded():
            return replace(ended(it), paid=event.charge)
        case OutcomeUnknown():
            return replace(it, unknown=True)
        case AuthenticationNeeded():
            return it if event.until is None else replace(it, unknown=False, authenticate_until=event.until)
        case RefundRequested() | Refunded() | RefundFailed():
            return replace(it, refunds=evolve_refunds(it.refunds, event, it.bill.amount))
        case DisputeOpened() | DisputeClosed():
            return replace(it, disputes=evolve_disputes(it.disputes, event))
        case _:
            assert_never(event)


def ended(it: Payment) -> Payment:
    return replace(it, open=None, unknown=False, authenticate_until=None)
