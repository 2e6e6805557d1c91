"""Private events that follow from their public ones, by public type: the inverse of the publication, where it has one.

A restored store takes these events over from the topic. The start of an attempt is not here: its public event does not contain
when the customer confirmed the charge. The outcome of an attempt that the store knows follows from both.
"""

from collections.abc import Mapping
from dataclasses import replace

from billing_contracts import payments as public
from billing_contracts import shapes
from billing_contracts.envelope import Envelope
from chassis.eventsourcing.lost_events import Adopt
from payments.domain.confirmation import Confirmation, ConfirmedCharge, Period
from payments.domain.payment.events import (
    AttemptFailed,
    AttemptSucceeded,
    AuthenticationNeeded,
    Dispute,
    DisputeClosed,
    DisputeOpened,
    OutcomeUnknown,
    Refund,
    Refunded,
    RefundFailed,
    RefundRequested,
)
from payments.domain.payment.payment import Payment
from payments.domain.shapes import SANDBOX, Brand, DisputeOutcome, FailureCode, Method, Money, RefundReason, Remedy
from payments.domain.wallet.backup import BackupConsent
from payments.domain.wallet.events import (
    BackupChosen,
    DefaultChanged,
    MethodAdded,
    MethodRefreshed,
    MethodRemoved,
    OneTimePaymentConfirmed,
    PaymentConfirmed,
)
from payments.domain.wallet.wallet import Wallet


def _default_changed(data: public.PaymentMethodUpdated, envelope: Envelope, _: object) -> DefaultChanged | None:
    if envelope.customerid is None:
        return None
    method = _method(data.payment_method, data.provider)
    confirmed = _confirmation(data.confirmation, method) if data.confirmation else None
    return DefaultChanged(envelope.customerid, method, data.replaces, data.charged_invoices, envelope.time, confirmed)


def _confirmed(
    data: public.PaymentConfirmed, envelope: Envelope, it: Wallet | None
) -> PaymentConfirmed | OneTimePaymentConfirmed | None:
    """A card that the wallet does not have was used for this payment only."""
    method = _method(data.payment_method, data.provider)
    confirmed = data.invoice_id, method, _confirmation(data.confirmation, method), envelope.time
    if it and it.method(method.id):
        return PaymentConfirmed(*confirmed)
    return OneTimePaymentConfirmed(envelope.customerid, *confirmed) if envelope.customerid else None


def _removed(data: public.PaymentMethodRemoved, envelope: Envelope, _: object) -> MethodRemoved:
    return MethodRemoved(data.payment_method_id, envelope.time, data.reason == "detached")


def _added(data: public.PaymentMethodAdded, envelope: Envelope, _: object) -> MethodAdded | None:
    method = _method(data.payment_method, data.provider)
    return MethodAdded(envelope.customerid, method, envelope.time) if envelope.customerid else None


def _backup_chosen(data: public.PaymentMethodBackupChosen, envelope: Envelope, it: Wallet | None) -> BackupChosen:
    consent = BackupConsent(data.consent.text, data.consent.language, data.consent.at) if data.consent else None
    return BackupChosen(_on_file(data.payment_method, it) if data.payment_method else None, consent, envelope.time)


def _refreshed(data: public.PaymentMethodRefreshed, envelope: Envelope, it: Wallet | None) -> MethodRefreshed:
    return MethodRefreshed(_on_file(data.payment_method, it), envelope.time)


def _succeeded(data: public.PaymentSucceeded, envelope: Envelope, it: Payment | None) -> AttemptSucceeded | None:
    if it is None or it.open is None or it.open.id != data.charge_id:
        return None
    return AttemptSucceeded(it.open, data.reference, envelope.time)


def _failed(data: public.PaymentFailed, envelope: Envelope, it: Payment | None) -> AttemptFailed | None:
    if it is None or it.open is None or it.open.id != data.charge_id:
        return None
    facts = _code(data), data.retryable, data.reference, envelope.time
    return AttemptFailed(
        it.bill,
        it.open,
        *facts,
        followed=data.followed,
        needs_confirmation=data.needs_confirmation,
        remedy=Remedy(data.remedy) if data.remedy else None,
    )


def _unknown(data: public.PaymentOutcomeUnknown, envelope: Envelope, it: Payment | None) -> OutcomeUnknown | None:
    if it is None or it.open is None or it.open.id != data.charge_id:
        return None
    return OutcomeUnknown(it.open, data.next_check_at, envelope.time)


def _authentication(
    data: public.PaymentAuthenticationRequired, envelope: Envelope, it: Payment | None
) -> AuthenticationNeeded | None:
    if it is None or it.last is None or it.last.id != data.charge_id:
        return None
    return AuthenticationNeeded(it.last, data.until, envelope.time)


def _refunded(data: public.PaymentRefunded, envelope: Envelope, it: Payment | None) -> Refunded | None:
    if it is None or it.paid is None or it.paid.id != data.charge_id or data.reference is None:
        return None
    if data.refund_id is None:
        return Refunded(it.paid, data.reference, envelope.time)
    refund = it.refunds.requested.get(data.refund_id)
    return Refunded(it.paid, data.reference, envelope.time, refund) if refund else None


def _refund_requested(data: public.PaymentRefundRequested, envelope: Envelope, it: Payment | None) -> RefundRequested | None:
    if it is None or it.paid is None or it.paid.id != data.charge_id:
        return None
    amount = Money(data.amount.amount_minor, data.amount.currency)
    return RefundRequested(it.paid, Refund(data.refund_id, amount, RefundReason(data.reason)), envelope.time)


def _refund_failed(data: public.PaymentRefundFailed, envelope: Envelope, it: Payment | None) -> RefundFailed | None:
    if it is None or it.paid is None:
        return None
    refund = (it.refunds.repayments if data.made_before else it.refunds.requested).get(data.refund_id)
    if refund is None:
        return None
    return RefundFailed(it.paid, refund, data.code, data.reference, envelope.time, data.made_before)


def _disputed(data: public.PaymentDisputed, envelope: Envelope, it: Payment | None) -> DisputeOpened | None:
    if it is None or it.paid is None or it.paid.id != data.charge_id:
        return None
    amount = Money(data.amount.amount_minor, data.amount.currency)
    dispute = Dispute(data.dispute_id, amount, data.reason, data.reference, data.inquiry, data.respond_by)
    return DisputeOpened(it.paid, dispute, envelope.time)


def _dispute_closed(data: public.PaymentDisputeClosed, envelope: Envelope, it: Payment | None) -> DisputeClosed | None:
    """An outcome that only a newer release knows is not adopted: the service reads it from the provider again."""
    dispute = it.disputes.opened.get(data.dispute_id) if it else None
    if it is None or it.paid is None or dispute is None or data.outcome not in set(DisputeOutcome):
        return None
    decided = replace(dispute, amount=Money(data.amount.amount_minor, data.amount.currency))
    return DisputeClosed(it.paid, decided, DisputeOutcome(data.outcome), data.returned, envelope.time)


ADOPTED: Mapping[str, Adopt] = {
    public.PaymentMethodUpdated.TYPE: _default_changed,
    public.PaymentConfirmed.TYPE: _confirmed,
    public.PaymentMethodRemoved.TYPE: _removed,
    public.PaymentMethodAdded.TYPE: _added,
    public.PaymentMethodBackupChosen.TYPE: _backup_chosen,
    public.PaymentMethodRefreshed.TYPE: _refreshed,
    public.PaymentSucceeded.TYPE: _succeeded,
    public.PaymentFailed.TYPE: _failed,
    public.PaymentOutcomeUnknown.TYPE: _unknown,
    public.PaymentAuthenticationRequired.TYPE: _authentication,
    public.PaymentRefunded.TYPE: _refunded,
    public.PaymentRefundRequested.TYPE: _refund_requested,
    public.PaymentRefundFailed.TYPE: _refund_failed,
    public.PaymentDisputed.TYPE: _disputed,
    public.PaymentDisputeClosed.TYPE: _dispute_closed,
}


def _method(card: shapes.Card, provider: str | None = None) -> Method:
    face = Method(card.id, Brand(card.brand), card.last4, card.exp_month, card.exp_year)
    return replace(face, provider=provider or SANDBOX)


def _on_file(card: shapes.Card, it: Wallet | None) -> Method:
    """A card that the wallet has, with what its event does not repeat."""
    known = it.method(card.id) if it else None
    return replace(_method(card), provider=known.provider, fingerprint=known.fingerprint) if known else _method(card)


def _code(data: public.PaymentFailed) -> FailureCode:
    """`detail` is one of this service's own codes, but may come from a newer release."""
    return FailureCode(data.detail if data.detail in set(FailureCode) else data.code)


def _confirmation(confirmed: public.Confirmation, method: Method) -> Confirmation:
    charges = tuple(
        ConfirmedCharge(
            each.invoice_id,
            each.subscription_id,
            Money(each.amount.amount_minor, each.amount.currency),
            Period(each.period.start, each.period.end) if each.period else None,
        )
        for each in confirmed.charges
    )
    return Confirmation(confirmed.id, confirmed.at, charges, method.id)
