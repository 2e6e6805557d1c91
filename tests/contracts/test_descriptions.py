"""Every field has a description, a unit and an example; every event and topic has a summary."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from billing_contracts.envelope import Envelope
from billing_contracts.registry import EVENTS, TOPICS
from billing_contracts.watermarks import Watermark
from chassis.http.field_descriptions import field_descriptions
from contract_documents.generated import PUBLISHED
from contract_documents.models import fields_of
from contract_documents.samples import read_samples
from contract_documents.schemas import schema_of, unit_of

SAMPLES = read_samples()
ALL: list[type[BaseModel]] = [*PUBLISHED.values(), Envelope, Watermark]
MODELS = {model.__name__: model for model in ALL}
PLAIN_NUMBERS = {"attempt", "count", "month", "year", "number", "quantity", "revision", "attempts"}
"""Suffixes of numeric fields without a unit."""


def undescribed(schema: dict[str, Any]) -> list[str]:
    """One sentence per missing description, example or unit."""
    sentences: list[str] = []
    for model in [schema, *(each for each in schema.get("$defs", {}).values() if "properties" in each)]:
        title = model["title"]
        if not model.get("description", "").strip():
            sentences.append(f"{title} has no description: write a docstring below its class line")
        for name, field in model.get("properties", {}).items():
            if not field.get("description", "").strip():
                sentences.append(f"{title}.{name} has no description: write a docstring below the field")
            if not ("examples" in field or leads_to_a_model(field, schema)):
                sentences.append(f"{title}.{name} has no example: `make contracts` writes a sample with one")
            if is_number(field) and not field.get("x-unit") and name.rpartition("_")[2] not in PLAIN_NUMBERS:
                sentences.append(f"{title}.{name} has no unit: end its name with one of those in contract_documents/schemas.py")
    return sentences


def leads_to_a_model(field: dict[str, Any], schema: dict[str, Any]) -> bool:
    match field:
        case {"$ref": str(reference)}:
            return "properties" in schema["$defs"][reference.rpartition("/")[2]]
        case {"items": dict(inner)} | {"anyOf": [dict(inner), *_]}:
            return leads_to_a_model(inner, schema)
        case _:
            return False


def is_number(field: dict[str, Any]) -> bool:
    match field:
        case {"type": "integer" | "number"}:
            return True
        case {"items": dict(inner)} | {"anyOf": [dict(inner), *_]}:
            return is_number(inner)
        case _:
            return False


@pytest.mark.parametrize("name", MODELS)
def test_every_field_has_a_description_an_example_and_a_unit(name: str) -> None:
    if sentences := undescribed(schema_of(MODELS[name], SAMPLES.examples)):
        pytest.fail("\n".join(sentences), pytrace=False)


@pytest.mark.parametrize("topic", TOPICS)
def test_every_topic_is_described(topic: str) -> None:
    assert all(text.strip() for text in (TOPICS[topic].description, TOPICS[topic].key, TOPICS[topic].retention))


class Bare(BaseModel):
    note: str | None = None
    weight: int = 0


def test_a_missing_description_is_named() -> None:
    assert undescribed(schema_of(Bare, {})) == [
        "Bare has no description: write a docstring below its class line",
        "Bare.note has no description: write a docstring below the field",
        "Bare.note has no example: `make contracts` writes a sample with one",
        "Bare.weight has no description: write a docstring below the field",
        "Bare.weight has no example: `make contracts` writes a sample with one",
        "Bare.weight has no unit: end its name with one of those in contract_documents/schemas.py",
    ]


class Documented(BaseModel):
    """A model."""

    first: str
    """One sentence
    on two lines.

    - an item
      on two lines
    - another
    """
    second_days: int
    """Inherited."""


class Inheriting(Documented):
    """Another."""

    first: str
    """Replaced."""


def test_a_description_is_the_docstring_below_the_field() -> None:
    assert field_descriptions(Documented)["first"] == "One sentence on two lines.\n\n- an item on two lines\n- another"
    assert field_descriptions(Inheriting) == {"first": "Replaced.", "second_days": "Inherited."}


def test_a_unit_follows_from_the_suffix_of_a_name() -> None:
    schema = schema_of(Documented, {(Documented, "second_days"): 3})
    assert schema["properties"]["second_days"] | {"title": ""} == {
        "description": "Inherited.",
        "examples": [3],
        "title": "",
        "type": "integer",
        "x-unit": "days",
    }
    assert unit_of("rate_basis_points") == "hundredths of a percent"
    assert unit_of("started_at") is None


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.stem)
def test_the_example_of_a_schema_is_valid(path: Any) -> None:
    schema = json.loads(path.read_text())
    assert schema["examples"]
    assert [error.message for each in schema["examples"] for error in Draft202012Validator(schema).iter_errors(each)] == []


def test_every_field_is_in_a_sample() -> None:
    shown = SAMPLES.examples
    assert [field for event in EVENTS.values() for field in fields_of(event) if field not in shown] == []
