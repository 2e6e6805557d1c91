"""A read model, one document per aggregate: how an event changes it, and which events may."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from billing_contracts.envelope import Envelope

Document = dict[str, Any]


@dataclass(frozen=True)
class Projection:
    name: str
    types: frozenset[str]
    """The event types (`TYPE`) that it folds. For events of a stream: all of the stream's types, since versions are contiguous."""
    fold: Callable[[Document | None, Envelope], Document | None]
    """The aggregate's document after the event; None while there is nothing to show. Pure; never changes what it is given."""
    state: bool = False
    """Whether each message carries the whole document (compacted topics): a higher sequence replaces, gaps are no harm."""
