"""A projected document, and the steps that change it."""

from collections.abc import Callable, Mapping

from billing_contracts.envelope import Envelope, EventData
from chassis.projections.projection import Document

Step = Callable[[Document, Document, Envelope], Document]
"""(document so far, the event's data, its envelope) -> document"""


def fold_from(
    first: type[EventData], steps: Mapping[str, Step], document: Document | None, envelope: Envelope
) -> Document | None:
    """Apply the event's step; without a document, only the event `first` makes one."""
    if document is None and envelope.type != first.TYPE:
        return None
    return steps[envelope.type](document or {}, envelope.data, envelope)
