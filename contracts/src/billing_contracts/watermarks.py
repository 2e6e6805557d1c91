"""Messages on `billing.watermarks`: how far each service has published. Compacted; the key is the service's name."""

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, Field

TOPIC = "billing.watermarks"

_Topic = Annotated[str, Field(pattern=r"^[a-zA-Z0-9._-]{1,249}$")]
_Partition = Annotated[int, Field(ge=0, lt=2**31)]
_Offset = Annotated[int, Field(ge=0, lt=2**63)]


class Watermark(BaseModel):
    """How far a service has published. Each service sends one every five seconds, as plain JSON without an envelope."""

    service: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
    """The publishing service, which is the record's key too."""
    instant: AwareDatetime
    """An instant of the wall clock. Every event that the service stored before it is on Kafka."""
    ends: dict[_Topic, dict[_Partition, _Offset]]
    """By topic and partition: the offset after the last record that the service had sent at `instant`. A subscriber
    with at least these committed offsets has handled everything up to `instant`.
    """
