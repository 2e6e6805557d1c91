"""The public events of the specification's example, Ana."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid5

from billing_contracts import customers, invoicing, payments, shapes, subscriptions
from billing_contracts.envelope import Envelope, EventData
from billing_contracts.money import Money
from portal_gateway.application.customer_view import Source, Sources, compose
from portal_gateway.application.projections import FOLDS
from portal_gateway.domain.view import CustomerView

MERCHANT = UUID("0190a000-0000-7000-8000-000000000001")
ANA = UUID("0190a000-0000-7000-8000-0000000000a1")
SUBSCRIPTION = UUID("0190a000-0000-7000-8000-0000000000b1")

PRICE = Money(amount_minor=2999, currency="USD")
PREMIUM = shapes.Plan(
    id=UUID("0190a000-0000-7000-8000-0000000000c1"),
    name="Premium Mensual",
    description="Suscripción mensual renovable",
    price=PRICE,
    interval=shapes.Interval(unit="month"),
)
VISA = shapes.Card(id=uuid5(ANA, "visa"), brand="visa", last4="4242", exp_month=12, exp_year=2025)
MASTERCARD = shapes.Card(id=uuid5(ANA, "mastercard"), brand="mastercard", last4="4444", exp_month=1, exp_year=2030)


def day(month: int, of: int = 14) -> datetime:
    return datetime(2023, month, of, 9, tzinfo=UTC)


def period(month: int) -> shapes.Period:
    return shapes.Period(start=day(month), end=day(month + 1))


def invoice_id(month: int) -> UUID:
    return uuid5(SUBSCRIPTION, f"2023-{month}")


def started() -> EventData:
    active = subscriptions.Status.INCOMPLETE
    return subscriptions.SubscriptionStarted(status=active, plan=PREMIUM, started_at=day(4), period=period(4))


def renewal_due(month: int) -> EventData:
    return subscriptions.SubscriptionRenewalDue(
        status=subscriptions.Status.ACTIVE,
        plan=PREMIUM,
        period=period(month),
        period_number=month - 3,
        customer_revision=1,
    )


def renewed(month: int) -> EventData:
    return subscriptions.SubscriptionRenewed(
        status=subscriptions.Status.ACTIVE, period=period(month), invoice_id=invoice_id(month)
    )


def past_due(month: int, attempts: int = 1) -> EventData:
    return subscriptions.SubscriptionPastDue(
        status=subscriptions.Status.PAST_DUE,
        period=period(month),
        invoice_id=invoice_id(month),
        amount=PRICE,
        reason="card_declined",
        failed_attempts=attempts,
        next_attempt_at=day(month, of=15),
        access_until=day(month, of=21),
    )


def cancellation_scheduled(month: int) -> EventData:
    return subscriptions.SubscriptionCancellationScheduled(
        status=subscriptions.Status.ACTIVE,
        mode="at_period_end",
        effective_at=day(month),
        feedback=subscriptions.Feedback.UNUSED,
    )


def cancelled(month: int, open_invoices: Any = "void") -> EventData:
    return subscriptions.SubscriptionCancelled(
        status=subscriptions.Status.CANCELED, effective_at=day(month), cause="customer", open_invoices=open_invoices
    )


def issued(month: int) -> EventData:
    return invoicing.InvoiceIssued(
        number=f"TS-{month:06d}",
        issued_on=date(2023, month, 14),
        subscription_id=SUBSCRIPTION,
        plan=PREMIUM,
        period=period(month),
        period_number=month - 3,
        lines=(),
        net_total=PRICE,
        tax_total=Money(amount_minor=0, currency="USD"),
        total=PRICE,
        seller=subscriptions.LegalIdentity(name="TechSolutions Inc.", address="1 Main St"),
    )


def paid(month: int) -> EventData:
    return invoicing.InvoicePaid(
        subscription_id=SUBSCRIPTION,
        period=period(month),
        amount=PRICE,
        paid_at=day(month),
        charge_id=uuid5(ANA, f"charge {month}"),
        payment_method=VISA,
    )


def payment_failed(month: int, attempt: int) -> EventData:
    return invoicing.InvoicePaymentFailed(
        subscription_id=SUBSCRIPTION,
        period=period(month),
        amount=PRICE,
        charge_id=uuid5(ANA, f"charge {month}"),
        attempt=attempt,
        code="card_declined",
        retryable=True,
        payment_method=VISA,
    )


def charge(kind: type[payments.PaymentEvent], month: int, attempt: int = 1, **more: Any) -> EventData:
    return kind(
        invoice_id=invoice_id(month),
        subscription_id=SUBSCRIPTION,
        charge_id=uuid5(ANA, f"charge {month} {attempt}"),
        attempt=attempt,
        **{"amount": PRICE, "payment_method": VISA, **more},
    )


def profile(name: str = "Ana García") -> EventData:
    return customers.CustomerProfile(
        name=name, email="ana@example.com", locale="es-MX", country="MX", tax_id="GAAA800101", address="Calle 1"
    )


def subject_of(event: EventData) -> str:
    match event:
        case subscriptions.SubscriptionEvent():
            return f"subscription-{SUBSCRIPTION}"
        case payments.PaymentMethodUpdated() | payments.PaymentMethodRemoved() | payments.PaymentConfirmed():
            return f"wallet-{ANA}"
        case payments.PaymentMethodAdded() | payments.PaymentMethodBackupChosen() | payments.PaymentMethodRefreshed():
            return f"wallet-{ANA}"
        case payments.PaymentEvent():
            return f"payment-{event.invoice_id}"
        case invoicing.InvoiceIssued() | invoicing.InvoicePaid() | invoicing.InvoicePaymentFailed():
            return f"invoice-{invoice_id(event.period.start.month)}"
        case customers.CustomerProfile():
            return f"customer-{ANA}"
    raise AssertionError(f"no subject for {event}")


@dataclass
class Published:
    """The documents of the published events."""

    documents: dict[str, Source] = field(default_factory=dict)
    sequences: Counter[str] = field(default_factory=Counter)

    def publish(self, *events: EventData, subject: str | None = None) -> "Published":
        for event in events:
            about = subject or subject_of(event)
            self.sequences[about] += 1
            sent = envelope(event, about, self.sequences[about])
            types, fold = FOLDS[about.partition("-")[0]]
            assert sent.type in types
            before = self.documents.get(about)
            if (doc := fold(dict(before.doc) if before else None, sent)) is not None:
                self.documents[about] = Source(about, sent.sequence, doc)
        return self

    def view(self) -> CustomerView:
        return compose(ANA, self.sources())

    def sources(self) -> Sources:
        invoices = sorted(self._of("invoice"), key=lambda it: str(it.doc["number"]), reverse=True)
        return Sources(
            customer=self.documents.get(f"customer-{ANA}"),
            wallet=self.documents.get(f"wallet-{ANA}"),
            subscriptions=self._of("subscription"),
            invoices=invoices,
            payments={it.aggregate.removeprefix("payment-"): it for it in self._of("payment")},
            owed={it.aggregate.removeprefix("invoice-"): it for it in invoices},
            invoice_count=len(invoices),
            invoice_years=sorted({int(it.doc["issued_on"][:4]) for it in invoices}),
        )

    def _of(self, kind: str) -> list[Source]:
        return [source for about, source in self.documents.items() if about.startswith(f"{kind}-")]


def envelope(event: EventData, about: str, sequence: int, merchant: UUID = MERCHANT, customer: UUID | None = ANA) -> Envelope:
    """The envelope as it arrives from Kafka, parsed from JSON."""
    sent = Envelope(
        id=uuid5(merchant, f"{about} {sequence}"),
        source=f"/{event.topic().replace('.', '/')}",
        type=event.TYPE,
        subject=about,
        time=day(5, of=20),
        recordedtime=datetime(2026, 11, 1, tzinfo=UTC),
        sequence=sequence,
        merchantid=merchant,
        customerid=customer,
        correlationid=uuid5(merchant, "click"),
        data=event.model_dump(mode="json", exclude_none=True),
    )
    return Envelope.model_validate_json(sent.value())
