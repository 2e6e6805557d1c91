"""A customer's profile, and the public events of its changes."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4

from billing_contracts.customers import CustomerProfile
from billing_contracts.envelope import Envelope, record_key
from chassis.eventsourcing.context import Context
from chassis.eventsourcing.event_store import Statement
from chassis.outbox.states import outbox_statement

TOPIC = CustomerProfile.topic()


@dataclass(frozen=True, slots=True)
class Profile:
    name: str
    email: str
    locale: str | None = None
    country: str | None = None
    tax_id: str | None = None
    address: str | None = None
    purchase_order: str | None = None


@dataclass(frozen=True, slots=True)
class Customer:
    id: UUID
    revision: int
    """Number of the profile's version, from 1."""
    profile: Profile


def announcement(context: Context, customer: Customer, at: datetime) -> Statement:
    """The whole profile on the compacted topic; `at` is by the merchant's clock."""
    envelope = Envelope(
        id=uuid4(),
        source="/billing/customers",
        type=CustomerProfile.TYPE,
        subject=f"customer-{customer.id}",
        time=at,
        recordedtime=datetime.now(UTC),
        sequence=customer.revision,
        merchantid=context.merchant_id,
        customerid=customer.id,
        correlationid=context.correlation_id,
        data=asdict(customer.profile),
    )
    return outbox_statement(TOPIC, envelope.key(), envelope.value(), envelope.headers())


def erasure(merchant_id: UUID, customer_id: UUID) -> Statement:
    """The tombstone that tells every service to forget the customer."""
    return outbox_statement(TOPIC, record_key(merchant_id, f"customer-{customer_id}"), None, {})
