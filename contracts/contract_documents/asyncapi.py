"""The AsyncAPI 3.0 document: one channel per topic, one message per event and version."""

import json
from typing import Any

from pydantic import BaseModel

from billing_contracts.customers import CustomerProfile
from billing_contracts.envelope import CONTENT_TYPE, Envelope, EventData
from billing_contracts.registry import EVENTS, TOPICS, Topic
from billing_contracts.watermarks import TOPIC as WATERMARKS
from billing_contracts.watermarks import Watermark
from chassis.http.field_descriptions import paragraphs
from contract_documents.samples import Samples
from contract_documents.schemas import schema_of

_BINDING = "0.5.0"
_REFERENCE = "#/components/schemas/{model}"
_LISTS = ("cleanup.policy",)

ABOUT = (
    "Everything that happens in billing, as CloudEvents 1.0 in JSON on Kafka, one topic per service. Events are delivered at "
    "least once and in order for each aggregate: use `id` to recognise repetitions and `sequence` to find gaps. A version of an "
    "event only gains optional fields: ignore fields and types that you do not know."
)
HEADERS: dict[str, dict[str, Any]] = {
    "ce_type": {"type": "string", "description": "The envelope's `type`. A reader can skip a record without parsing its value."},
    "ce_id": {"type": "string", "format": "uuid", "description": "The envelope's `id`."},
    "content-type": {"const": CONTENT_TYPE, "description": "Media type of the record's value."},
    "traceparent": {
        "type": "string",
        "description": "W3C trace context of the request or timer that led to the event. Absent when there was none.",
        "examples": ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"],
    },
}
ERASED = "CustomerErased"
SERVERS = {
    "local": {
        "host": "127.0.0.1:20092",
        "protocol": "kafka",
        "description": "The demo on this machine (`make demo`), without TLS and login. Another port is used when this one is "
        "taken: `kafka.bootstrap_servers` in `.portal/state.json` has the address.",
    },
    "cluster": {
        "host": "{bootstrap_servers}",
        "protocol": "kafka-secure",
        "description": "Your own cluster. Ask its operator for the address, the certificate authority and a login that may read "
        "`billing.*` and use your consumer groups.",
        "variables": {"bootstrap_servers": {"description": "Address of the cluster: `kafka.example.com:9093`."}},
    },
}


def document(samples: Samples) -> dict[str, Any]:
    """The whole document, for YAML or JSON."""
    schemas: dict[str, Any] = {}
    models: list[type[BaseModel]] = [Envelope, *EVENTS.values(), Watermark]
    for model in models:
        schema = schema_of(model, samples.examples, _REFERENCE)
        schemas |= schema.pop("$defs", {})
        schemas[model.__name__] = schema
    messages = {event.__name__: _message(event, samples) for event in EVENTS.values()}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Billing events", "version": "1.1.0", "description": ABOUT},
        "defaultContentType": CONTENT_TYPE,
        "servers": SERVERS,
        "channels": {topic.name: _channel(topic) for topic in TOPICS.values()},
        "operations": {f"announce.{name}": _operation(name) for name in TOPICS},
        "components": {
            "messages": messages | {ERASED: _erased(samples), Watermark.__name__: _watermark(samples)},
            "schemas": _without_siblings(schemas),
        },
    }


def messages_on(topic: str) -> list[str]:
    if topic == WATERMARKS:
        return [Watermark.__name__]
    events = [event.__name__ for event in EVENTS.values() if event.topic() == topic]
    return [*events, ERASED] if topic == CustomerProfile.topic() else events


def summary(model: type[BaseModel]) -> str:
    """The first paragraph of the model's docstring."""
    return paragraphs(model.__doc__ or "").split("\n")[0]


def _channel(topic: Topic) -> dict[str, Any]:
    config = {name: _value(name, text) for name, text in topic.config.items()}
    return {
        "address": topic.name,
        "title": topic.name,
        "summary": topic.description,
        "description": f"{topic.description}\n\nKey of a record: {topic.key}.\n\nKept: {topic.retention}",
        "servers": [{"$ref": f"#/servers/{name}"} for name in SERVERS],
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages_on(topic.name)},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": config,
                "bindingVersion": _BINDING,
            }
        },
    }


def _value(name: str, text: str) -> Any:
    """A topic setting's value in the type of the AsyncAPI binding: list, number, boolean or text."""
    if name in _LISTS:
        return text.split(",")
    try:
        return json.loads(text)
    except ValueError:
        return text


def _operation(topic: str) -> dict[str, Any]:
    return {"action": "send", "summary": f"The owner publishes on {topic}.", "channel": {"$ref": f"#/channels/{topic}"}}


def _message(event: type[EventData], samples: Samples) -> dict[str, Any]:
    sample = samples.newest(event)
    specific = {
        "type": "object",
        "properties": {"type": {"const": event.TYPE}, "data": {"$ref": f"#/components/schemas/{event.__name__}"}},
    }
    headers = {**HEADERS, "ce_type": {**HEADERS["ce_type"], "const": event.TYPE}}
    return {
        "name": event.TYPE,
        "title": event.__name__,
        "summary": summary(event),
        "description": paragraphs(event.__doc__ or ""),
        "contentType": CONTENT_TYPE,
        "headers": {"type": "object", "properties": headers, "required": ["ce_type", "ce_id"]},
        "payload": {"allOf": [{"$ref": "#/components/schemas/Envelope"}, specific]},
        "bindings": _key(TOPICS[event.topic()], sample),
        "examples": [{"name": event.__name__, "headers": dict(sample.headers()), "payload": _json(sample)}],
    }


def _erased(samples: Samples) -> dict[str, Any]:
    return {
        "name": ERASED,
        "title": ERASED,
        "summary": "The customer was erased: delete everything that you store about them.",
        "description": "The customer was erased: delete everything that you store about them. The record has no value (a "
        "tombstone); its key names the customer.",
        "payload": {"type": "null"},
        "bindings": _key(TOPICS[CustomerProfile.topic()], samples.newest(CustomerProfile)),
    }


def _watermark(samples: Samples) -> dict[str, Any]:
    [watermark] = samples.whole(Watermark)
    key = {"type": "string", "description": f"{TOPICS[WATERMARKS].key}.", "examples": [watermark["service"]]}
    return {
        "name": Watermark.__name__,
        "title": Watermark.__name__,
        "summary": summary(Watermark),
        "description": paragraphs(Watermark.__doc__ or ""),
        "contentType": "application/json",
        "payload": {"$ref": f"#/components/schemas/{Watermark.__name__}"},
        "bindings": {"kafka": {"key": key, "bindingVersion": _BINDING}},
        "examples": [{"name": Watermark.__name__, "payload": watermark}],
    }


def _key(topic: Topic, sample: Envelope) -> dict[str, Any]:
    key = {"type": "string", "description": f"{topic.key}.", "examples": [sample.key().decode()]}
    return {"kafka": {"key": key, "bindingVersion": _BINDING}}


def _json(envelope: Envelope) -> dict[str, Any]:
    return envelope.model_dump(mode="json", exclude_none=True)


def _without_siblings(node: Any) -> Any:
    """AsyncAPI 3.0 uses JSON Schema draft 7, in which keywords beside `$ref` are ignored."""
    match node:
        case {"$ref": str(reference), **siblings} if siblings:
            return {**{name: _without_siblings(value) for name, value in siblings.items()}, "allOf": [{"$ref": reference}]}
        case dict():
            return {name: _without_siblings(value) for name, value in node.items()}
        case list():
            return [_without_siblings(value) for value in node]
        case _:
            return node
