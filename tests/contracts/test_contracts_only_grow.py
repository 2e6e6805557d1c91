"""Published contracts stay readable: schemas and samples are committed, and changes only add optional fields."""

import json
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import BaseModel, create_model

from billing_contracts.envelope import Envelope
from billing_contracts.evolution import breaks, refusals
from billing_contracts.registry import EVENTS, TOPICS, data_of
from contract_documents.generated import PUBLISHED, breaking

CONTRACTS = Path(__file__).parents[2] / "contracts"
SAMPLES = sorted((CONTRACTS / "samples").glob("*.json"))


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.stem)
def test_published_schemas_only_gain_optional_fields(path: Path) -> None:
    if differences := breaking(path):
        pytest.fail("\n".join(differences), pytrace=False)


def test_every_schema_belongs_to_an_event_that_still_exists() -> None:
    assert {path.stem for path in (CONTRACTS / "schemas").glob("*.json")} == set(EVENTS)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_every_published_sample_still_parses(path: Path) -> None:
    envelope = Envelope.model_validate_json(path.read_bytes())
    data = data_of(envelope)
    assert json.loads(envelope.value()) == json.loads(path.read_text())
    assert with_fields_of(json.loads(data.model_dump_json()), envelope.data) == envelope.data


def with_fields_of(now: Any, before: Any) -> Any:
    """`now` without the fields that `before` does not have, at any depth: shapes inside an event may gain fields too."""
    if isinstance(now, dict) and isinstance(before, dict):
        return {name: with_fields_of(value, before[name]) for name, value in now.items() if name in before}
    if isinstance(now, list) and isinstance(before, list) and len(now) == len(before):
        return [with_fields_of(*pair) for pair in zip(now, before, strict=True)]
    return now


def test_every_event_has_a_sample_and_a_declared_topic() -> None:
    assert {path.name.removesuffix(".json").rsplit(".", 1)[0] for path in SAMPLES} == set(EVENTS)
    assert {event.topic() for event in EVENTS.values()} <= set(TOPICS)


class Old(BaseModel):
    number: str
    note: str | None = None


def changed(**fields: Any) -> dict[str, Any]:
    new: type[BaseModel] = create_model("New", **fields)
    return new.model_json_schema(mode="serialization")


NOTE = (str | None, None)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"note": NOTE}, "data.number was removed"),
        ({"number": (str, ...), "note": NOTE, "total": (int, ...)}, "data.total is new and required"),
        ({"number": (int, ...), "note": NOTE}, "data.number: type changed from string to integer"),
        ({"number": (str, ...), "note": (int | None, None)}, "data.note: alternative 0 is gone or changed"),
    ],
)
def test_a_breaking_change_is_named(fields: dict[str, Any], sentence: str) -> None:
    assert sentence in breaks(Old.model_json_schema(mode="serialization"), changed(**fields))


def test_a_new_required_field_is_refused_with_an_alternative() -> None:
    old, new = Old.model_json_schema(mode="serialization"), changed(number=(str, ...), note=NOTE, total=(int, ...))
    assert refusals("billing.invoicing.InvoiceIssued.v1", old, new) == [
        "billing.invoicing.InvoiceIssued.v1: data.total is new and required, which breaks its readers: keep published fields as "
        "they are and give new ones a default, or publish billing.invoicing.InvoiceIssued.v2 beside it."
    ]
    assert refusals("history-line", old, new) == [
        "history-line: data.total is new and required, which breaks its readers: keep published fields as they are and give new "
        "ones a default."
    ]


def test_a_new_value_of_an_enumeration_is_refused() -> None:
    old = changed(code=(Literal["declined", "expired"], ...), tried=(list[Literal["visa", "amex"]], []))
    new = changed(code=(Literal["declined", "expired", "stolen"], ...), tried=(list[Literal["visa", "amex", "jcb"]], []))
    assert breaks(old, new) == ["data.code: the enumeration gained stolen", "data.tried[]: the enumeration gained jcb"]
    assert breaks(new, old) == [
        "data.code: a value was removed from the enumeration",
        "data.tried[]: a value was removed from the enumeration",
    ]


def test_a_new_optional_field_breaks_nothing() -> None:
    added = changed(number=(str, ...), note=NOTE, tags=(list[str], []))
    assert breaks(Old.model_json_schema(mode="serialization"), added) == []


def test_a_reader_ignores_fields_it_does_not_know() -> None:
    sample = json.loads(SAMPLES[0].read_text())
    sample["futureattribute"] = 1
    sample["data"]["future_field"] = {"anything": True}
    assert data_of(Envelope.model_validate(sample))
