"""The metric of disputes, for alerts: the time in which evidence can be sent is short."""

from prometheus_client import Counter

from payments.domain.payment.events import DisputeClosed, DisputeOpened
from payments.domain.shapes import DisputeOutcome

OPENED = "opened"
DISPUTES = Counter("payment_disputes", "Disputes about charges, when they open and by their outcome", ["event"])
for _event in (OPENED, *DisputeOutcome):
    DISPUTES.labels(_event)  # exported as 0 from the start


def count(event: DisputeOpened | DisputeClosed) -> None:
    DISPUTES.labels(event.outcome if isinstance(event, DisputeClosed) else OPENED).inc()
