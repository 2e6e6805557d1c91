"""Events of which a restored database has only the public message, read from the topic.

A row with the name LOST keeps the event's place in the stream and its message, so that the sequence of public events stays
complete. It does not change the state, because the private event is unknown. Its schema number states whether an operator has
released the stream.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

from billing_contracts.envelope import Envelope
from chassis.eventsourcing.event_store import StoredEvent

LOST = "LostEvent"
"""The stored name. No aggregate has an event of this name."""
UNDER_REVIEW = 1
RELEASED = 2
CONSTRAINT = "stream_blocked"
"""The name in the error of the trigger `refuse_blocked_stream`."""

Adopt: TypeAlias = Callable[[Any, Envelope, Any], Any]
"""(public data, envelope, state before the event) -> the private event, or None if it does not follow in this case."""


class StreamBlocked(Exception):
    """The stream is under review after a restore. Nothing is appended to it until an operator releases it."""


@dataclass(frozen=True, slots=True)
class LostHistory:
    """What is known of a stream's lost events."""

    under_review: bool = False
    causes: frozenset[UUID] = frozenset()
    """Ids of the events that led to the lost events. A reaction to one of them must not decide again."""
    customer_id: UUID | None = None

    def add(self, event: StoredEvent) -> "LostHistory":
        body = json.loads(event.body)
        cause, customer = body.get("causation_id"), body.get("customer_id")
        return LostHistory(
            self.under_review or event.schema == UNDER_REVIEW,
            self.causes | {UUID(cause)} if cause else self.causes,
            UUID(customer) if customer else self.customer_id,
        )


NOTHING_LOST = LostHistory()


def body_of(causation_id: UUID | None, customer_id: UUID | None) -> str:
    """The stored body of a lost event."""
    ids = {"causation_id": causation_id, "customer_id": customer_id}
    return json.dumps({name: str(id) for name, id in ids.items() if id})
