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
        payments.PaymentConfirmed,
        payments.PaymentStarted,
        payments.PaymentSucceeded,
        payments.PaymentFailed,
        payments.PaymentOutcomeUnknown,
        payments.PaymentRefunded,
        invoicing.InvoiceIssued,
        invoicing.InvoicePaid,
        invoicing.InvoicePaymentFailed,
        invoicing.InvoiceVoided,
        invoicing.InvoiceMarkedUncollectible,
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
    name: str
    partitions: int = 6
    config: dict[str, str] = field(default_factory=lambda: {"cleanup.policy": "delete", "retention.ms": "-1"})
    """What the contract depends on, by the names of Kafka's settings."""


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
        Topic("billing.subscriptions", config=_EVERYWHERE | _EVENTS),
        Topic("billing.payments", config=_EVERYWHERE | _EVENTS),
        Topic("billing.invoicing", config=_EVERYWHERE | _EVENTS),
        Topic(
            "billing.customers",
            config=_EVERYWHERE
            | _STATES
            | {
                "segment.ms": str(_DAY_MS),
                "max.compaction.lag.ms": str(_DAY_MS),
                "delete.retention.ms": str(30 * _DAY_MS),
            },
        ),
        Topic("billing.watermarks", partitions=1, config=_EVERYWHERE | _STATES),
    )
}
"""Partition counts never change: a key would move and its order be lost."""
