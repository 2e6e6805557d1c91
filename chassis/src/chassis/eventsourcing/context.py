"""Who asks, and what it follows from: carried from a click through every event that it causes."""

from dataclasses import dataclass
from uuid import UUID, uuid4


@dataclass(frozen=True, slots=True)
class Context:
    merchant_id: UUID
    actor: str
    """`customer:<uuid>`, `merchant:<key id>`, `service:<name>`, `operator`, `timer` or `event:<type>`"""
    correlation_id: UUID
    """Of the first cause: one click, followed everywhere."""
    causation_id: UUID | None = None
    """The event that led to this, when one did."""

    @classmethod
    def beginning(cls, merchant_id: UUID, actor: str) -> "Context":
        """A context with which something new begins."""
        return cls(merchant_id, actor, correlation_id=uuid4())
