"""Messages on `billing.watermarks`: how far each service has published. Compacted; the key is the service's name."""

from datetime import datetime

from pydantic import BaseModel

TOPIC = "billing.watermarks"


class Watermark(BaseModel):
    """Sent by each service every five seconds, as plain JSON without an envelope."""

    service: str
    instant: datetime
    """By the wall clock. Every event that the service committed before it is on Kafka."""
    ends: dict[str, dict[int, int]]
    """By topic and partition: the offset after the last record that the service had sent then."""
