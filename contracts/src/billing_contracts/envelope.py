"""The envelope of every message: CloudEvents 1.0, structured JSON in the value of a Kafka record.

Headers repeat what routing needs, so that nobody has to parse a value to skip it.
"""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, GetPydanticSchema, PlainSerializer
from pydantic_core import SchemaValidator, core_schema

CONTENT_TYPE = "application/cloudevents+json"


Instant = Annotated[datetime, GetPydanticSchema(lambda _, __: core_schema.datetime_schema(tz_constraint=0))]
"""An aware UTC datetime; RFC 3339 in JSON."""

Sequence = Annotated[int, Field(ge=1), PlainSerializer(lambda n: f"{n:010d}", return_type=str)]
"""A stream's version: contiguous from 1; a string zero-padded to ten digits in JSON, so that it sorts as text."""


class EventData(BaseModel):
    """The fields of one public event. A subclass names its `TYPE`: `billing.<service>.<EventName>.v<N>`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    TYPE: ClassVar[str]

    @classmethod
    def topic(cls) -> str:
        """The Kafka topic that carries this event: `billing.<service>`."""
        return topic_of(cls.TYPE)


class Envelope(BaseModel):
    """One message. `data` is left as it came: a reader takes the class it knows from the registry."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    specversion: Literal["1.0"] = "1.0"
    id: UUID
    """Of the event; the key for removing duplicates everywhere."""
    source: str
    """`/billing/<service>`"""
    type: str
    subject: str
    """The aggregate: `<kind>-<uuid>`"""
    time: Instant
    """When it happened, by the merchant's clock."""
    recordedtime: Instant
    """When it was stored, by the wall clock: lag and freshness use this one."""
    sequence: Sequence
    merchantid: UUID
    customerid: UUID | None = None
    correlationid: UUID
    causationid: UUID | None = None
    datacontenttype: Literal["application/json"] = "application/json"
    data: dict[str, Any]

    def key(self) -> bytes:
        """The record's key: order holds per merchant and aggregate."""
        return record_key(self.merchantid, self.subject)

    def value(self) -> bytes:
        """The record's value, UTF-8 JSON without what is unset."""
        return self.model_dump_json(exclude_none=True).encode()

    def headers(self) -> dict[str, str]:
        """The record's headers, but for the trace context, which belongs to the sender."""
        return {"ce_id": str(self.id), "ce_type": self.type, "content-type": CONTENT_TYPE}


def record_key(merchant_id: UUID | str, subject: str) -> bytes:
    return f"{merchant_id}/{subject}".encode()


def _attributes() -> SchemaValidator:
    id = core_schema.str_schema(pattern="^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
    text, instant = core_schema.str_schema(), core_schema.datetime_schema(tz_constraint=0)
    needed = {
        "id": id,
        "source": text,
        "type": text,
        "subject": text,
        "time": instant,
        "recordedtime": instant,
        "sequence": core_schema.int_schema(ge=1),
        "merchantid": id,
        "correlationid": id,
        "data": core_schema.typed_dict_schema({}),
    }
    optional = {
        "specversion": core_schema.literal_schema(["1.0"]),
        "customerid": core_schema.nullable_schema(id),
        "causationid": core_schema.nullable_schema(id),
        "datacontenttype": core_schema.literal_schema(["application/json"]),
    }
    fields = {name: core_schema.typed_dict_field(schema) for name, schema in needed.items()}
    fields |= {name: core_schema.typed_dict_field(schema, required=False) for name, schema in optional.items()}
    return SchemaValidator(core_schema.typed_dict_schema(fields))


_ATTRIBUTES = _attributes()


def attributes(value: bytes) -> dict[str, Any]:
    """What a record's value says beside its data, checked as an Envelope is, but with ids as the text that they are.

    For whoever has to tell quickly what an event is about: it takes half as long. Raises pydantic.ValidationError, also for
    the rare Envelope that writes an id in another way than everybody.
    """
    found: dict[str, Any] = _ATTRIBUTES.validate_json(value)
    return found


def topic_of(event_type: str) -> str:
    """`billing.payments` of `billing.payments.PaymentSucceeded.v1`."""
    return ".".join(event_type.split(".")[:2])
