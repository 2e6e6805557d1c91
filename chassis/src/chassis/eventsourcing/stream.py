"""The name of a stream of events."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True, order=True)
class Stream:
    """The events of one aggregate of one merchant."""

    merchant_id: UUID
    kind: str
    id: UUID

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.id}"
