"""The AsyncAPI document is valid and complete, and matches the samples."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from billing_contracts.envelope import Envelope
from billing_contracts.records import named_by
from billing_contracts.registry import EVENTS, TOPICS
from contract_documents.asyncapi import document
from contract_documents.samples import read_samples

HERE = Path(__file__).parent
SAMPLES = sorted((HERE.parents[1] / "contracts" / "samples").glob("*.json"))

Described = dict[str, Any]


@pytest.fixture(scope="module")
def described() -> Described:
    return document(read_samples())


def message(described: Described, name: str) -> dict[str, Any]:
    definition: dict[str, Any] = described["components"]["messages"][name]
    return definition


def payloads(described: Described, name: str) -> Draft7Validator:
    return Draft7Validator({**message(described, name)["payload"], "components": described["components"]})


def test_the_description_is_valid_asyncapi(described: Described) -> None:
    schema = json.loads((HERE / "asyncapi" / "3.0.0.json").read_text())
    assert [error.message for error in Draft7Validator(schema).iter_errors(described)] == []


def test_every_reference_resolves(described: Described) -> None:
    for reference in references(described):
        node: Any = described
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]


def references(node: Any) -> list[str]:
    match node:
        case {"$ref": str(reference)}:
            return [reference]
        case dict():
            return [reference for value in node.values() for reference in references(value)]
        case list():
            return [reference for value in node for reference in references(value)]
        case _:
            return []


def test_every_event_is_on_its_topics_channel(described: Described) -> None:
    channels = described["channels"]
    for event in EVENTS.values():
        assert event.__name__ in channels[event.topic()]["messages"]


def test_every_topic_has_its_channel_with_key_retention_and_the_settings_that_are_applied(described: Described) -> None:
    assert set(described["channels"]) == set(TOPICS)
    for name, channel in described["channels"].items():
        applied = channel["bindings"]["kafka"]["topicConfiguration"]
        written = {key: ",".join(value) if isinstance(value, list) else str(value).lower() for key, value in applied.items()}
        assert written == {key: value.lower() for key, value in TOPICS[name].config.items()}
        assert TOPICS[name].description
        assert TOPICS[name].key in channel["description"]
        assert TOPICS[name].retention in channel["description"]
        assert channel["messages"]


def test_the_records_of_every_event_may_carry_a_trace(described: Described) -> None:
    for event in EVENTS.values():
        headers = message(described, event.__name__)["headers"]
        assert {"ce_id", "ce_type", "content-type", "traceparent"} == set(headers["properties"])
        assert "traceparent" not in headers["required"]


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_every_sample_is_a_valid_message(path: Path, described: Described) -> None:
    envelope = Envelope.model_validate_json(path.read_bytes())
    name = EVENTS[envelope.type].__name__
    assert [error.message for error in payloads(described, name).iter_errors(json.loads(path.read_text()))] == []
    headers = Draft7Validator(message(described, name)["headers"])
    assert [error.message for error in headers.iter_errors(envelope.headers())] == []


def test_a_message_without_a_required_field_or_of_another_type_is_not_valid(described: Described) -> None:
    payload = message(described, "InvoicePaid")["examples"][0]["payload"]
    short = {**payload, "data": {name: value for name, value in payload["data"].items() if name != "charge_id"}}
    assert payloads(described, "InvoicePaid").is_valid(payload)
    assert not payloads(described, "InvoicePaid").is_valid(short)
    assert not payloads(described, "InvoiceMarkedUncollectible").is_valid(payload)


def test_the_example_of_a_key_names_the_aggregate_of_the_example(described: Described) -> None:
    for event in EVENTS.values():
        definition = message(described, event.__name__)
        payload = definition["examples"][0]["payload"]
        (key,) = definition["bindings"]["kafka"]["key"]["examples"]
        merchant, aggregate = named_by(key.encode())
        assert (str(merchant), aggregate) == (payload["merchantid"], payload["subject"])
