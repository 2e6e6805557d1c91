"""The event side described as AsyncAPI 3.0: one channel per topic, one message per event and version."""

from typing import Any

from billing_contracts.envelope import CONTENT_TYPE, Envelope
from billing_contracts.registry import EVENTS, TOPICS

_REFERENCE = "#/components/schemas/{model}"


def document() -> dict[str, Any]:
    """The whole description, ready to be written as YAML or JSON."""
    schemas: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    envelope = Envelope.model_json_schema(mode="serialization")
    for type_, event in EVENTS.items():
        schema = event.model_json_schema(mode="serialization", ref_template=_REFERENCE)
        schemas |= schema.pop("$defs", {})
        schemas[event.__name__] = schema
        messages[event.__name__] = {
            "name": type_,
            "title": event.__name__,
            "summary": (event.__doc__ or "").strip().split("\n")[0],
            "contentType": CONTENT_TYPE,
            "headers": {
                "type": "object",
                "properties": {"ce_type": {"const": type_}, "ce_id": {"type": "string", "format": "uuid"}},
                "required": ["ce_type", "ce_id"],
            },
            "payload": _payload(envelope, type_, event.__name__),
        }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Billing events",
            "version": "1.0.0",
            "description": "What the billing services announce. Versions only gain optional fields; ignore what you do not know.",
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": {name: _channel(name) for name in TOPICS if _events(name)},
        "operations": {
            f"announce.{name}": {"action": "send", "channel": {"$ref": f"#/channels/{name}"}} for name in TOPICS if _events(name)
        },
        "components": {"messages": messages, "schemas": schemas},
    }


def _events(topic: str) -> list[str]:
    return [event.__name__ for event in EVENTS.values() if event.topic() == topic]


def _channel(topic: str) -> dict[str, Any]:
    declared = TOPICS[topic]
    return {
        "address": topic,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in _events(topic)},
        "bindings": {"kafka": {"topic": topic, "partitions": declared.partitions, "bindingVersion": "0.5.0"}},
    }


def _payload(envelope: dict[str, Any], type_: str, model: str) -> dict[str, Any]:
    properties = {**envelope["properties"], "type": {"const": type_}, "data": {"$ref": f"#/components/schemas/{model}"}}
    return {"type": "object", "properties": properties, "required": envelope["required"]}
