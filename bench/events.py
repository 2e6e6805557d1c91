"""Generated events of the contracts: renewals of subscriptions."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Final
from uuid import UUID, uuid5

from billing_contracts.envelope import Envelope
from chassis.decoding import Record

MERCHANT: Final = UUID(int=7)
TOPIC: Final = "billing.subscriptions"
TYPE: Final = "billing.subscriptions.SubscriptionRenewed.v1"
NOON: Final = datetime(2023, 5, 20, 12, tzinfo=UTC)
_IDS = count()


def renewals(streams: int, each: int) -> Iterator[Envelope]:
    """`each` events of every stream, interleaved as on a topic. Every call generates new ids."""
    run = next(_IDS)
    subjects = [uuid5(MERCHANT, f"{run} {number}") for number in range(streams)]
    for sequence in range(1, each + 1):
        period = {
            "start": (NOON + timedelta(days=30 * sequence)).isoformat(),
            "end": (NOON + timedelta(days=30 * (sequence + 1))).isoformat(),
        }
        for subject in subjects:
            id = uuid5(subject, str(sequence))
            yield Envelope(
                id=id,
                source="/billing/subscriptions",
                type=TYPE,
                subject=f"subscription-{subject}",
                time=NOON,
                recordedtime=NOON,
                sequence=sequence,
                merchantid=MERCHANT,
                customerid=subject,
                correlationid=id,
                data={"subscription_id": str(subject), "customer_id": str(subject), "current_period": period},
            )


def record(envelope: Envelope, offset: int = 0) -> Record:
    return Record(TOPIC, 0, offset, envelope.key(), envelope.value())
