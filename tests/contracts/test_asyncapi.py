"""The description of the event side is valid AsyncAPI 3.0, complete, and the committed file says the same."""

import json
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft7Validator

from billing_contracts.asyncapi import document
from billing_contracts.registry import EVENTS

HERE = Path(__file__).parent


def test_the_description_is_valid_asyncapi() -> None:
    schema = json.loads((HERE / "asyncapi" / "3.0.0.json").read_text())
    assert [error.message for error in Draft7Validator(schema).iter_errors(document())] == []


def test_every_reference_leads_somewhere() -> None:
    described = document()
    for reference in references(described):
        found: Any = described
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]


def references(node: Any) -> list[str]:
    match node:
        case {"$ref": str(reference)}:
            return [reference]
        case dict():
            return [found for value in node.values() for found in references(value)]
        case list():
            return [found for value in node for found in references(value)]
        case _:
            return []


def test_every_event_stands_on_its_topics_channel() -> None:
    channels = document()["channels"]
    for event in EVENTS.values():
        assert event.__name__ in channels[event.topic()]["messages"]


def test_the_committed_description_is_the_generated_one() -> None:
    committed = yaml.safe_load((HERE.parents[1] / "contracts" / "asyncapi.yaml").read_text())
    assert committed == document()
