"""Every public event by its type, and every topic with how it is kept."""

from dataclasses import dataclass, field

from billing_contracts import customers, invoicing, payments, subscriptions
from billing_contracts.envelope import Envelope, EventData

_DAY_MS = 24 * 60 * 60 * 1000

EVENTS: dict[str, type[EventData]] = {
    event.TYPE: event
    for event in (
        subscriptions.MerchantConfigured,
        subscriptions.PlanPublished,
        subscriptions.SubscriptionStarted,
        subscriptions.SubscriptionRenewalDue,
        subscriptions.SubscriptionRenewed,
        subscriptions.SubscriptionPastDue,
        subscriptions.SubscriptionRetryDue,
        subscriptions.SubscriptionRecovered,
        subscriptions.SubscriptionUnpaid,
        subscriptions.SubscriptionCancellationScheduled,
        subscriptions.SubscriptionCancellationWithdrawn,
        subscriptions.SubscriptionCancelled,
        payments.PaymentMethodUpdated,
        payments.PaymentMethodRemoved,
        payments.PaymentMethodAdded,
        payments.PaymentMethodBackupChosen,
        payments.PaymentMethodRefreshed,
        payments.PaymentConfirmed,
        payments.PaymentStarted,
        payments.PaymentSucceeded,
        payments.PaymentFailed,
        payments.PaymentOutcomeUnknown,
        payments.PaymentAuthenticationRequired,
        payments.PaymentRefunded,
        payments.PaymentRefundRequested,
        payments.PaymentRefundFailed,
        payments.PaymentDisputed,
        payments.PaymentDisputeClosed,
        invoicing.InvoiceIssued,
        invoicing.InvoicePaid,
        invoicing.InvoicePaymentFailed,
        invoicing.InvoiceVoided,
        invoicing.InvoiceMarkedUncollectible,
        invoicing.CreditNoteIssued,
        customers.CustomerProfile,
    )
}


def data_of(envelope: Envelope) -> EventData:
    """The envelope's data as the class that its type names.

    Raises KeyError for a type that is not known here (skip it and count it), pydantic.ValidationError for data that
    is not what the type promises.
    """
    return EVENTS[envelope.type].model_validate(envelope.data)


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as `portalctl topics apply` creates it; the last three fields are for the documentation."""

    name: str
    partitions: int = 6
    config: dict[str, str] = field(default_factory=lambda: {"cleanup.policy": "delete", "retention.ms": "-1"})
    """What the contract depends on, by the names of Kafka's settings."""
    description: str = ""
    key: str = "`<merchant id>/<subject>`, the subject being the envelope's"
    retention: str = "Every record, forever. A subscriber may start from the first record at any time."


_EVERYWHERE = {
    "retention.bytes": "-1",
    "compression.type": "producer",
    "message.timestamp.type": "CreateTime",
    "max.message.bytes": "1048588",
    "unclean.leader.election.enable": "false",
}
"""No record is deleted for its size, changed by the broker, refused below a mebibyte, or lost with a leader."""
_EVENTS = {"cleanup.policy": "delete", "retention.ms": "-1"}
_STATES = {"cleanup.policy": "compact"}


TOPICS: dict[str, Topic] = {
    topic.name: topic
    for topic in (
        Topic(
            "billing.subscriptions",
            config=_EVERYWHERE | _EVENTS,
            description="Merchants with their settings, plans, and everything that happens to a subscription.",
        ),
        Topic(
            "billing.payments",
            config=_EVERYWHERE | _EVENTS,
            description="Customers' payment methods, and every attempt to collect an invoice.",
        ),
        Topic(
            "billing.invoicing",
            config=_EVERYWHERE | _EVENTS,
            description="Invoices: issued, paid, voided.",
        ),
        Topic(
            "billing.customers",
            description="The current profile of each customer: the only topic with personal data. A record without a value (a "
            "tombstone) means that the customer was erased: delete what you store about them.",
            key="`<merchant id>/customer-<customer id>`",
            retention="The latest profile of each customer; older ones are removed within about a day. Tombstones stay for 30 "
            "days: a subscriber that was stopped for longer must rebuild what it stores.",
            config=_EVERYWHERE
            | _STATES
            | {
                "segment.ms": str(_DAY_MS),
                "max.compaction.lag.ms": str(_DAY_MS),
                "delete.retention.ms": str(30 * _DAY_MS),
            },
        ),
        Topic(
            "billing.watermarks",
            partitions=1,
            config=_EVERYWHERE | _STATES,
            description="How far each service has published. A subscriber compares it with its own offsets to know until when it "
            "has handled everything. Messages are plain JSON without an envelope.",
            key="`<service>`",
            retention="The latest record of each service.",
        ),
    )
}
"""Partition counts never change: a key would move and its order be lost."""
