"""Records of billing's topics for tests of subscribers: published samples, with an identity of the test's own."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from billing_contracts.envelope import Envelope, EventData, record_key, topic_of
from billing_contracts.records import Record

CONTRACTS = Path(__file__).parents[2] / "contracts"
SAMPLES = CONTRACTS / "samples"


def sample(event: type[EventData], number: int = 1) -> dict[str, Any]:
    """The published message as JSON."""
    message: dict[str, Any] = json.loads((SAMPLES / f"{event.TYPE}.{number}.json").read_text())
    return message


def message(event: type[EventData], data: Mapping[str, Any] | None = None, **attributes: Any) -> Envelope:
    """The sample under another id, with these attributes and fields of its data."""
    base = sample(event)
    changed = {name: str(value) if isinstance(value, UUID) else value for name, value in attributes.items()}
    return Envelope.model_validate({**base, "id": str(uuid4()), **changed, "data": {**base["data"], **(data or {})}})


def record(envelope: Envelope, offset: int = 0, partition: int = 0, topic: str | None = None) -> Record:
    headers = [(name, value.encode()) for name, value in envelope.headers().items()]
    return Record(topic or topic_of(envelope.type), partition, offset, envelope.key(), envelope.value(), headers)


def tombstone(merchant_id: UUID, customer_id: UUID, offset: int = 0, topic: str = "billing.customers") -> Record:
    return Record(topic, 0, offset, record_key(merchant_id, f"customer-{customer_id}"), None)
