from datetime import UTC, datetime
from uuid import UUID

from unit.subscriptions.examples import FAILED, INVOICE, JUNE, PAID, day
from unit.subscriptions.test_merchant import PROFILE

from billing_contracts.envelope import Envelope, EventData
from billing_contracts.invoicing import InvoicePaid, InvoicePaymentFailed, InvoiceVoided
from billing_contracts.money import Money as PublicMoney
from billing_contracts.shapes import Period as PublicPeriod
from chassis.decoding import Received
from subscriptions.application import reactions
from subscriptions.application.publication import merchant_document
from subscriptions.domain.dunning import Policies, WhenRetriesEnd
from subscriptions.domain.merchant.merchant import Merchant
from subscriptions.domain.subscription.commands import RecordWaived

PERIOD = PublicPeriod(start=JUNE.start, end=JUNE.end)
AMOUNT = PublicMoney(amount_minor=2999, currency="USD")


def received(data: EventData) -> Received[EventData]:
    envelope = Envelope(
        id=UUID(int=1),
        source="/billing/invoicing",
        type=data.TYPE,
        subject=f"invoice-{INVOICE}",
        time=day(6),
        recordedtime=datetime.now(UTC),
        sequence=2,
        merchantid=UUID(int=2),
        correlationid=UUID(int=3),
        data={},
    )
    return Received(envelope, data, data.topic(), 0, 0)


def test_a_paid_invoice_pays_its_period_when_it_was_paid_by_the_merchants_clock() -> None:
    data = InvoicePaid(subscription_id=UUID(int=4), period=PERIOD, amount=AMOUNT, paid_at=day(6), charge_id=UUID(int=5))
    assert reactions.paid(received(data)) == PAID  # type: ignore[arg-type]


def test_a_failed_charge_is_judged_by_the_merchants_policies() -> None:
    data = InvoicePaymentFailed(
        subscription_id=UUID(int=4),
        period=PERIOD,
        amount=AMOUNT,
        charge_id=UUID(int=5),
        attempt=1,
        code="insufficient_funds",
        retryable=True,
    )
    assert reactions.failed(received(data), Policies()) == FAILED  # type: ignore[arg-type]


def test_policies_are_read_from_the_merchants_document() -> None:
    mine = Policies("immediately", "keep", (2, 4), WhenRetriesEnd.UNPAID)
    it = Merchant(PROFILE.__class__(PROFILE.name, PROFILE.legal, "es", "UTC", PROFILE.branding, mine), "TS", True, ())
    assert reactions.policies(merchant_document(UUID(int=1), it)) == mine


def test_only_an_invoice_voided_by_the_merchant_is_waived() -> None:
    by_merchant = InvoiceVoided(subscription_id=UUID(int=4), reason="merchant")
    by_end = InvoiceVoided(subscription_id=UUID(int=4), reason="subscription_cancelled")
    assert reactions.waived(received(by_merchant)) == RecordWaived(INVOICE, day(6))  # type: ignore[arg-type]
    assert reactions.waived(received(by_end)) is None  # type: ignore[arg-type]
