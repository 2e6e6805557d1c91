"""The public events of wallets and payments. Pure."""

from collections.abc import Mapping
from typing import Any, assert_never

from billing_contracts import money, payments, shapes
from billing_contracts.envelope import EventData
from chassis.eventsourcing.aggregate import Announcement
from payments.domain.confirmation import Confirmation
from payments.domain.payment import events as of_payment
from payments.domain.payment.payment import Payment
from payments.domain.shapes import SANDBOX, FailureCode, Method, Money, RefundReason
from payments.domain.wallet import events as of_wallet
from payments.domain.wallet.wallet import Wallet


def announce_wallet(event: of_wallet.Event, wallet: Wallet) -> Announcement:
    return Announcement(wallet_data(event), event.at, wallet.customer_id)


def wallet_data(event: of_wallet.Event) -> EventData:
    match event:
        case of_wallet.DefaultChanged():
            return payments.PaymentMethodUpdated(
                payment_method=card(event.method),
                replaces=event.replaces,
                charged_invoices=event.charged_invoices,
                confirmation=confirmation(event.confirmation) if event.confirmation else None,
                provider=provider(event.method),
            )
        case of_wallet.PaymentConfirmed() | of_wallet.OneTimePaymentConfirmed():
            return payments.PaymentConfirmed(
                invoice_id=event.invoice_id,
                payment_method=card(event.method),
                confirmation=confirmation(event.confirmation),
                provider=provider(event.method),
            )
        case of_wallet.MethodRemoved():
            reason = "detached" if event.detached else None
            return payments.PaymentMethodRemoved(payment_method_id=event.method_id, reason=reason)
        case of_wallet.MethodAdded():
            return payments.PaymentMethodAdded(payment_method=card(event.method), provider=provider(event.method))
        case of_wallet.BackupChosen(method=chosen, consent=consent):
            agreed = payments.BackupConsent(text=consent.text, language=consent.language, at=consent.at) if consent else None
            return payments.PaymentMethodBackupChosen(payment_method=card(chosen) if chosen else None, consent=agreed)
        case of_wallet.MethodRefreshed():
            return payments.PaymentMethodRefreshed(payment_method=card(event.method))
        case _:
            assert_never(event)


def announce_payment(event: of_payment.Event, payment: Payment) -> Announcement:
    return Announcement(payment_data(event, payment.bill), event.at, payment.bill.customer_id)


def payment_data(event: of_payment.Event, bill: of_payment.Bill) -> payments.PaymentEvent:
    charge = event.charge
    common = payments.PaymentEvent(
        invoice_id=bill.invoice_id,
        subscription_id=bill.subscription_id,
        charge_id=charge.id,
        attempt=charge.number,
        amount=as_money(bill.amount),
        payment_method=card(charge.method) if charge.method else None,
        confirmation_id=charge.consent.id if charge.consent else None,
        backup=charge.backup,
    )
    fields = {name: getattr(common, name) for name in payments.PaymentEvent.model_fields}
    match event:
        case of_payment.AttemptStarted():
            return payments.PaymentStarted(**fields)
        case of_payment.AttemptSucceeded(reference=reference):
            agreed_at = charge.consent.at if charge.consent else None
            return payments.PaymentSucceeded(**fields, reference=reference, agreed_at=agreed_at)
        case of_payment.AttemptFailed(code=code, retryable=retryable, reference=reference, followed=followed):
            return payments.PaymentFailed(
                **fields,
                code=FIRST_CODES[code],
                detail=None if code.value == FIRST_CODES[code] else code.value,
                remedy=event.remedy,
                retryable=retryable,
                reference=reference,
                followed=followed,
                manual=charge.manual,
                needs_confirmation=event.needs_confirmation,
            )
        case of_payment.OutcomeUnknown(next_check_at=next_check_at):
            return payments.PaymentOutcomeUnknown(**fields, next_check_at=next_check_at)
        case of_payment.AuthenticationNeeded(until=until):
            return payments.PaymentAuthenticationRequired(**fields, until=until)
        case of_payment.RefundRequested(refund=refund):
            return payments.PaymentRefundRequested(**refund_fields(fields, refund))
        case of_payment.RefundFailed(refund=refund, code=code, reference=reference, made_before=made_before):
            of_refund = refund_fields(fields, refund)
            return payments.PaymentRefundFailed(**of_refund, code=code, reference=reference, made_before=made_before)
        case of_payment.Refunded(refund=refund):
            return payments.PaymentRefunded(**paid_back(fields, refund), reason="invoice_voided", reference=event.reference)
        case of_payment.DisputeOpened(dispute=dispute):
            fields = dispute_fields(fields, dispute)
            return payments.PaymentDisputed(**fields, inquiry=dispute.inquiry, respond_by=dispute.respond_by)
        case of_payment.DisputeClosed(dispute=dispute, outcome=outcome, returned=returned):
            return payments.PaymentDisputeClosed(**dispute_fields(fields, dispute), outcome=outcome.value, returned=returned)
        case _:
            assert_never(event)


def dispute_fields(fields: Mapping[str, Any], dispute: of_payment.Dispute) -> dict[str, Any]:
    """The fields of the attempt, with those of a dispute about it."""
    facts = {"dispute_id": dispute.id, "reason": dispute.reason, "reference": dispute.reference}
    return {**fields, "amount": as_money(dispute.amount), **facts}


def refund_fields(fields: Mapping[str, Any], refund: of_payment.Refund) -> Mapping[str, Any]:
    """The fields of the attempt, with those of one of its refunds."""
    return {**fields, "amount": as_money(refund.amount), "refund_id": refund.id, "reason": refund.reason.value}


def paid_back(fields: Mapping[str, Any], refund: of_payment.Refund | None) -> Mapping[str, Any]:
    """The fields of the attempt, with what the refund adds; an older event has no refund."""
    if refund is None:
        return fields
    detail = None if refund.reason is RefundReason.INVOICE_VOIDED else refund.reason.value
    return {**fields, "amount": as_money(refund.amount), "refund_id": refund.id, "detail": detail}


FIRST_CODES: Mapping[FailureCode, payments.FailureCode] = {
    FailureCode.CARD_DECLINED: "card_declined",
    FailureCode.INSUFFICIENT_FUNDS: "insufficient_funds",
    FailureCode.EXPIRED_CARD: "expired_card",
    FailureCode.INCORRECT_CVC: "incorrect_cvc",
    FailureCode.NO_PAYMENT_METHOD: "no_payment_method",
    FailureCode.PROCESSING_ERROR: "processing_error",
    FailureCode.AUTHENTICATION_REQUIRED: "card_declined",
    FailureCode.AUTHENTICATION_FAILED: "card_declined",
    FailureCode.AUTHENTICATION_ABANDONED: "card_declined",
    FailureCode.AMOUNT_NOT_CHARGEABLE: "processing_error",
}
"""The code that subscribers of the first version of PaymentFailed know. The field `detail` has the precise one."""


def confirmation(confirmation: Confirmation) -> payments.Confirmation:
    charges = tuple(
        payments.ConfirmedCharge(
            invoice_id=each.invoice_id,
            subscription_id=each.subscription_id,
            period=shapes.Period(start=each.period.start, end=each.period.end) if each.period else None,
            amount=as_money(each.amount),
        )
        for each in confirmation.charges
    )
    return payments.Confirmation(id=confirmation.id, at=confirmation.at, charges=charges)


def card(method: Method) -> shapes.Card:
    return shapes.Card(
        id=method.id, brand=method.brand.value, last4=method.last4, exp_month=method.exp_month, exp_year=method.exp_year
    )


def provider(method: Method) -> str | None:
    return None if method.provider == SANDBOX else method.provider


def as_money(amount: Money) -> money.Money:
    return money.Money(amount_minor=amount.amount_minor, currency=amount.currency)
