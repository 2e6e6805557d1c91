"""The private form of each adopted type follows from its public event: what was published is what is adopted."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from billing_contracts.envelope import Envelope
from billing_contracts.registry import data_of
from chassis.eventsourcing.aggregate import Aggregate
from invoicing.application.aggregates import INVOICE
from invoicing.domain.credit import CreditLine
from invoicing.domain.invoice.events import Credited
from invoicing.domain.totals import Totals
from payments.application.aggregates import PAYMENT, WALLET
from payments.domain.confirmation import Confirmation, ConfirmedCharge, Consent
from payments.domain.confirmation import Period as ChargedPeriod
from payments.domain.payment import events as of_payment
from payments.domain.shapes import Brand, DisputeOutcome, FailureCode, Method, RefundReason
from payments.domain.shapes import Money as Charged
from payments.domain.wallet import events as of_wallet
from payments.domain.wallet.backup import BackupConsent
from portalctl.recovery.adoption import ADOPTED
from subscriptions.application.aggregates import PLAN, SUBSCRIPTION
from subscriptions.domain.dunning import Policies, begin
from subscriptions.domain.period import Interval, Period
from subscriptions.domain.plan.events import Published
from subscriptions.domain.plan.terms import Money, Plan, Tax
from subscriptions.domain.subscription import events as of_subscription
from support.invoicing.examples import FAILED, ISSUED, PAID, VOIDED

NOON = datetime(2024, 1, 10, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=3)
ANA, INVOICE_ID, SUBSCRIPTION_ID = UUID(int=1), UUID(int=2), UUID(int=3)
MONTH = Period(NOON, datetime(2024, 2, 10, 12, tzinfo=UTC))
MONTHLY = Plan(UUID(int=4), "Monthly", "Every month", Money(2999, "USD"), Interval("month", 1), "ab" * 32, Tax("IVA", 1600, True))
STARTED = of_subscription.Started(ANA, MONTHLY, 2, "America/Mexico_City", MONTH, NOON)
DUE = of_subscription.RenewalDue(MONTH, 1, 4, NOON)
FAILED_ONCE = of_subscription.FellPastDue(
    INVOICE_ID, Money(2999, "USD"), "card_declined", 1, LATER, begin(Policies(), NOON), NOON + timedelta(hours=1)
)
ENDING = of_subscription.CancellationScheduled(MONTH.end, "customer", None, "void", LATER)
VISA = Method(UUID(int=7), Brand.VISA, "4242", 12, 2027)
CONSENT = Consent(UUID(int=8), NOON)
CONFIRMATION = Confirmation(
    CONSENT.id,
    NOON,
    (
        ConfirmedCharge(INVOICE_ID, SUBSCRIPTION_ID, Charged(2999, "USD"), ChargedPeriod(MONTH.start, MONTH.end)),
        ConfirmedCharge(UUID(int=9), SUBSCRIPTION_ID, Charged(2999, "USD"), None),
    ),
    VISA.id,
)
BILL = of_payment.Bill(INVOICE_ID, SUBSCRIPTION_ID, ANA, Charged(2999, "USD"))
CHARGE = of_payment.Charge(UUID(int=10), 1, VISA, CONSENT, True)
ATTEMPT = of_payment.AttemptStarted(BILL, CHARGE, NOON)
TAKEN = of_payment.AttemptSucceeded(CHARGE, "ref-1", LATER)
UNCONFIRMED = of_payment.AttemptFailed(BILL, CHARGE, FailureCode.AUTHENTICATION_REQUIRED, False, "ref-4", LATER)
REFUND = of_payment.Refund(UUID(int=12), Charged(1000, "USD"), RefundReason.CREDIT_NOTE)
REQUESTED = of_payment.RefundRequested(CHARGE, REFUND, LATER)
REPAYMENT = of_payment.Refunded(CHARGE, "ref-3", LATER, REFUND)
DISPUTE = of_payment.Dispute(UUID(int=13), Charged(2999, "USD"), "fraudulent", "dp_1", False, LATER)
INQUIRED = of_payment.DisputeOpened(CHARGE, replace(DISPUTE, inquiry=True), LATER)
DISPUTED = of_payment.DisputeOpened(CHARGE, DISPUTE, LATER)
LESS = replace(DISPUTE, amount=Charged(1000, "USD"))
TAKEN_OFF = CreditLine(1, "Premium", "", ISSUED.period, -862, -138, -1000)
CREDITED = Credited(
    UUID(int=12), "TS-NC-000001", "TS-NC", 1, LATER.date(), "goodwill", (TAKEN_OFF,), Totals(-862, -138, -1000), LATER
)
USED = of_wallet.DefaultChanged(ANA, VISA, None, (), NOON)
MASTERCARD = Method(UUID(int=12), Brand.MASTERCARD, "4444", 11, 2028)
ADDED = of_wallet.MethodAdded(ANA, MASTERCARD, NOON)

AT_STRIPE = Method(UUID(int=13), Brand.VISA, "1881", 3, 2029, provider="stripe")
STRIPE_ADDED = of_wallet.MethodAdded(ANA, AT_STRIPE, NOON)

ONCE = replace(VISA, id=UUID(int=99))
CONFIRMED_ONCE = replace(CONFIRMATION, method_id=ONCE.id)

CASES: list[tuple[Aggregate[Any, Any, Any], list[Any]]] = [
    (PLAN, [Published(MONTHLY, NOON)]),
    (SUBSCRIPTION, [STARTED]),
    (SUBSCRIPTION, [STARTED, DUE]),
    (SUBSCRIPTION, [STARTED, DUE, of_subscription.Renewed(INVOICE_ID, LATER)]),
    (SUBSCRIPTION, [STARTED, DUE, FAILED_ONCE, of_subscription.RetryDue(INVOICE_ID, 1, LATER)]),
    (SUBSCRIPTION, [STARTED, DUE, FAILED_ONCE, of_subscription.RetryDue(INVOICE_ID, 2, LATER, last=True)]),
    (SUBSCRIPTION, [STARTED, DUE, FAILED_ONCE, of_subscription.Recovered(INVOICE_ID, LATER)]),
    (SUBSCRIPTION, [STARTED, DUE, FAILED_ONCE, of_subscription.WentUnpaid(INVOICE_ID, LATER)]),
    (SUBSCRIPTION, [STARTED, DUE, ENDING, of_subscription.CancellationWithdrawn(LATER)]),
    (WALLET, [USED]),
    (WALLET, [USED, of_wallet.DefaultChanged(ANA, VISA, UUID(int=11), (INVOICE_ID,), LATER, CONFIRMATION)]),
    (WALLET, [USED, of_wallet.PaymentConfirmed(INVOICE_ID, VISA, CONFIRMATION, LATER)]),
    (WALLET, [of_wallet.OneTimePaymentConfirmed(ANA, INVOICE_ID, VISA, CONFIRMATION, LATER)]),
    (WALLET, [USED, of_wallet.OneTimePaymentConfirmed(ANA, INVOICE_ID, ONCE, CONFIRMED_ONCE, LATER)]),
    (WALLET, [USED, of_wallet.MethodRemoved(VISA.id, LATER)]),
    (WALLET, [USED, of_wallet.MethodRemoved(VISA.id, LATER, detached=True)]),
    (WALLET, [USED, ADDED]),
    (WALLET, [USED, ADDED, of_wallet.BackupChosen(MASTERCARD, BackupConsent("backup-1", "es", NOON), LATER)]),
    (WALLET, [USED, ADDED, of_wallet.BackupChosen(None, None, LATER)]),
    (WALLET, [USED, of_wallet.MethodRefreshed(replace(VISA, exp_year=2031), LATER)]),
    (WALLET, [USED, STRIPE_ADDED]),
    (WALLET, [of_wallet.DefaultChanged(ANA, AT_STRIPE, None, (), NOON)]),
    (WALLET, [USED, STRIPE_ADDED, of_wallet.MethodRefreshed(replace(AT_STRIPE, exp_year=2031), LATER)]),
    (WALLET, [USED, STRIPE_ADDED, of_wallet.BackupChosen(AT_STRIPE, BackupConsent("backup-1", "es", NOON), LATER)]),
    (WALLET, [USED, of_wallet.OneTimePaymentConfirmed(ANA, INVOICE_ID, replace(ONCE, provider="stripe"), CONFIRMED_ONCE, LATER)]),
    (PAYMENT, [ATTEMPT, TAKEN]),
    (PAYMENT, [ATTEMPT, of_payment.AttemptFailed(BILL, CHARGE, FailureCode.CARD_DECLINED, True, "ref-2", LATER)]),
    (PAYMENT, [ATTEMPT, of_payment.OutcomeUnknown(CHARGE, LATER, NOON)]),
    (PAYMENT, [ATTEMPT, of_payment.AuthenticationNeeded(CHARGE, LATER, NOON)]),
    (PAYMENT, [ATTEMPT, UNCONFIRMED, of_payment.AuthenticationNeeded(CHARGE, None, LATER)]),
    (PAYMENT, [ATTEMPT, TAKEN, of_payment.Refunded(CHARGE, "ref-3", LATER)]),
    (PAYMENT, [ATTEMPT, TAKEN, REQUESTED]),
    (PAYMENT, [ATTEMPT, TAKEN, REQUESTED, of_payment.Refunded(CHARGE, "ref-3", LATER, REQUESTED.refund)]),
    (PAYMENT, [ATTEMPT, TAKEN, REQUESTED, of_payment.RefundFailed(CHARGE, REQUESTED.refund, "refused", None, LATER)]),
    (PAYMENT, [ATTEMPT, TAKEN, REQUESTED, REPAYMENT, of_payment.RefundFailed(CHARGE, REFUND, "returned", "ref-3", LATER, True)]),
    (PAYMENT, [ATTEMPT, TAKEN, INQUIRED]),
    (PAYMENT, [ATTEMPT, TAKEN, INQUIRED, DISPUTED]),
    (PAYMENT, [ATTEMPT, TAKEN, DISPUTED, of_payment.DisputeClosed(CHARGE, LESS, DisputeOutcome.LOST, True, LATER)]),
    (PAYMENT, [ATTEMPT, TAKEN, DISPUTED, of_payment.DisputeClosed(CHARGE, DISPUTE, DisputeOutcome.PREVENTED, False, LATER)]),
    (INVOICE, [ISSUED, PAID]),
    (INVOICE, [ISSUED, FAILED]),
    (INVOICE, [ISSUED, VOIDED]),
    (INVOICE, [ISSUED, PAID, CREDITED]),
]


def published(aggregate: Aggregate[Any, Any, Any], history: list[Any]) -> Envelope:
    """The public event of the last private one."""
    announcement = aggregate.announce(history[-1], aggregate.decider.fold(history))
    return Envelope(
        id=UUID(int=20),
        source="/" + announcement.data.topic().replace(".", "/"),
        type=announcement.data.TYPE,
        subject=f"{aggregate.kind}-{UUID(int=21)}",
        time=announcement.time,
        recordedtime=NOON,
        sequence=len(history),
        merchantid=UUID(int=22),
        customerid=announcement.customer_id,
        correlationid=UUID(int=23),
        data=announcement.data.model_dump(mode="json"),
    )


@pytest.mark.parametrize(("aggregate", "history"), CASES)
def test_the_adopted_event_is_the_one_that_was_published(aggregate: Aggregate[Any, Any, Any], history: list[Any]) -> None:
    envelope = Envelope.model_validate_json(published(aggregate, history).value())
    before = aggregate.decider.fold(history[:-1])
    assert ADOPTED[envelope.type](data_of(envelope), envelope, before) == history[-1]


def test_every_adopted_type_has_a_case() -> None:
    assert {published(*case).type for case in CASES} == ADOPTED.keys()


@pytest.mark.parametrize("state", [None, PAYMENT.decider.fold([ATTEMPT, TAKEN])])
def test_the_outcome_of_an_unknown_attempt_is_not_adopted(state: Any) -> None:
    envelope = published(PAYMENT, [ATTEMPT, TAKEN])
    assert ADOPTED[envelope.type](data_of(envelope), envelope, state) is None
