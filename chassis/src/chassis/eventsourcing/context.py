"""The actor, and the correlation and causation ids, of a command and its events."""

from dataclasses import dataclass
from uuid import UUID, uuid4


@dataclass(frozen=True, slots=True)
class Context:
    merchant_id: UUID
    actor: str
    """`customer:<uuid>`, `merchant:<key id>`, `service:<name>`, `operator`, `timer` or `event:<type>`"""
    correlation_id: UUID
    """Shared by everything that follows from one first cause, such as a click."""
    causation_id: UUID | None = None
    """The event that directly caused the command, if any."""

    @classmethod
    def beginning(cls, merchant_id: UUID, actor: str) -> "Context":
        """A context with a new correlation id."""
        return cls(merchant_id, actor, correlation_id=uuid4())
