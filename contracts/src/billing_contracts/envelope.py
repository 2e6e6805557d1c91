"""The envelope of every message: CloudEvents 1.0, structured JSON in the value of a Kafka record.

Headers repeat what routing needs: a reader can skip a record without parsing its value.
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
    """The CloudEvents 1.0 envelope of an event: who, what and when. `data` holds the fields of the event's own type."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    specversion: Literal["1.0"] = "1.0"
    """Version of the CloudEvents specification."""
    id: UUID
    """Id of the event. A record may be delivered more than once; the id is the same each time. Use it to remove duplicates."""
    source: str
    """The publishing service, as `/billing/<service>`."""
    type: str
    """Type and version of the event: `billing.<service>.<EventName>.v<N>`. It decides what `data` holds."""
    subject: str
    """The aggregate that the event belongs to, as `<kind>-<uuid>`: a subscription, an invoice, a customer's wallet."""
    time: Instant
    """When it happened, by the merchant's clock, which a sandbox may move. Use it for billing dates."""
    recordedtime: Instant
    """When the service stored it, by the wall clock. Use it to measure lag and freshness."""
    sequence: Sequence
    """Position of the event in its aggregate, from 1 without gaps; in JSON ten digits with leading zeros."""
    merchantid: UUID
    """The merchant. Every id in the event belongs to this merchant."""
    customerid: UUID | None = None
    """The customer whom the event concerns. Absent for events about a merchant or a plan."""
    correlationid: UUID
    """Shared by everything that one request or timer led to, in all services."""
    causationid: UUID | None = None
    """Id of the event or command that led directly to this event."""
    datacontenttype: Literal["application/json"] = "application/json"
    """Media type of `data`."""
    data: dict[str, Any]
    """The fields of the event's own type."""

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
    """The envelope's attributes, validated as Envelope validates them, with ids left as text.

    Takes half as long as parsing an Envelope. Raises pydantic.ValidationError, also for an id in another notation than lower
    case with hyphens.
    """
    attributes: dict[str, Any] = _ATTRIBUTES.validate_json(value)
    return attributes


def topic_of(event_type: str) -> str:
    """`billing.payments` of `billing.payments.PaymentSucceeded.v1`."""
    return ".".join(event_type.split(".")[:2])
