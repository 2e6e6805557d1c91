"""Messages on `billing.watermarks`: how far each service has published. Compacted; the key is the service's name."""

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, Field

TOPIC = "billing.watermarks"

_Topic = Annotated[str, Field(pattern=r"^[a-zA-Z0-9._-]{1,249}$")]
_Partition = Annotated[int, Field(ge=0, lt=2**31)]
_Offset = Annotated[int, Field(ge=0, lt=2**63)]


class Watermark(BaseModel):
    """Sent by each service every five seconds, as plain JSON without an envelope."""

    service: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
    instant: AwareDatetime
    """By the wall clock. Every event that the service committed before it is on Kafka."""
    ends: dict[_Topic, dict[_Partition, _Offset]]
    """By topic and partition: the offset after the last record that the service had sent then."""
