"""Kafka records, as far as their reader needs them before the envelope is parsed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from pydantic import ValidationError

_ERRORS_SHOWN = 20
SUBJECT = re.compile(r"[a-z_]{1,40}-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""`<kind>-<uuid>`. A subject of another form names no aggregate, and may be text that PostgreSQL cannot store."""


class RawRecord(Protocol):
    """The attributes that are read of a client library's record, such as aiokafka's ConsumerRecord."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]:
        """A name that is not UTF-8 keeps its bytes as surrogate escapes."""


@dataclass(frozen=True, slots=True)
class Record:
    """A record that does not come from a client library: stored, or made by a test."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()


@dataclass(frozen=True, slots=True)
class Erased:
    """A tombstone on a compacted topic: the aggregate of the record's key is erased."""

    merchant_id: UUID
    aggregate: str
    topic: str

    @property
    def id(self) -> UUID:
        return aggregate_id(self.aggregate)


def aggregate_id(subject: str) -> UUID:
    """The id in an envelope's `subject`, `<kind>-<uuid>`. Raises ValueError when the subject has another form."""
    return UUID(subject.partition("-")[2])


def named_by(key: bytes | None) -> tuple[UUID | None, str | None]:
    """Merchant and aggregate of a record's key, `<merchant>/<kind>-<uuid>`; (None, None) for a key of another form."""
    try:
        merchant, _, aggregate = (key or b"").decode().partition("/")
        return (UUID(merchant), aggregate) if SUBJECT.fullmatch(aggregate) else (None, None)
    except ValueError:
        return None, None


def error_summary(error: Exception) -> str:
    """The kind of an error, and the fields of a validation error; never their values, which may be personal data."""
    if isinstance(error, ValidationError):
        errors = error.errors(include_url=False, include_context=False, include_input=False)
        return "; ".join(f"{'.'.join(map(str, each['loc'])) or 'value'}: {each['type']}" for each in errors[:_ERRORS_SHOWN])
    return type(error).__name__
