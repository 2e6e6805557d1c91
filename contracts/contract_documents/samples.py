"""Samples: one message of each event as first published, and one more for each later addition of fields."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from pydantic import BaseModel

from billing_contracts.envelope import Envelope, EventData
from billing_contracts.history import HistoryLine
from billing_contracts.registry import EVENTS, data_of
from billing_contracts.watermarks import Watermark
from contract_documents.files import SAMPLES
from contract_documents.models import Field, fields_of, models_in, values_in

_WITHOUT_ENVELOPE = (HistoryLine, Watermark)
_INSTANT, _DAY = "2023-05-14T15:00:00Z", "2023-05-14"


class NoExample(Exception):
    """No sample can be generated, because a field's value does not follow from its type."""


@dataclass(frozen=True)
class Samples:
    """`messages`: by event type, oldest first. `others`: samples of models without an envelope."""

    messages: dict[str, tuple[Envelope, ...]]
    others: tuple[BaseModel, ...]

    @cached_property
    def examples(self) -> dict[Field, Any]:
        """By field, the value in the newest sample that has one, in JSON."""
        values: dict[Field, Any] = {}
        for envelopes in self.messages.values():
            for envelope in reversed(envelopes):
                for model in (envelope, data_of(envelope)):
                    values = dict(values_in(model)) | values
        for other in self.others:
            values = dict(values_in(other)) | values
        return values

    def newest(self, event: type[EventData]) -> Envelope:
        return self.messages[event.TYPE][-1]

    def whole(self, model: type[BaseModel]) -> list[dict[str, Any]]:
        """Examples of the model, in JSON."""
        if issubclass(model, EventData):
            return [self.newest(model).data]
        return [each.model_dump(mode="json") for each in self.others if isinstance(each, model)]


def read_samples() -> Samples:
    messages: dict[str, list[Envelope]] = {}
    for type_, number in sorted(_type_and_number(path) for path in SAMPLES.glob("*.json")):
        messages.setdefault(type_, []).append(Envelope.model_validate_json((SAMPLES / f"{type_}.{number}.json").read_bytes()))
    in_order = {type_: tuple(messages[type_]) for type_ in EVENTS if type_ in messages}
    others = [
        model.model_validate(each)
        for model in _WITHOUT_ENVELOPE
        for each in json.loads((SAMPLES / "other" / f"{model.__name__}.json").read_bytes())
    ]
    return Samples(in_order, tuple(others))


def _type_and_number(path: Path) -> tuple[str, int]:
    type_, _, number = path.stem.rpartition(".")
    return type_, int(number)


def missing(samples: Samples) -> dict[str, str]:
    """New samples by file name: for events without a sample, and for events with a field that no sample contains.

    Existing samples never change, because they are published. Raises NoExample.
    """
    texts: dict[str, str] = {}
    shown = dict(samples.examples)
    for type_, event in EVENTS.items():
        hidden = [field for field in fields_of(event) if field not in shown]
        before = samples.messages.get(type_, ())
        if before and not hidden:
            continue
        latest = json.loads(before[-1].value()) if before else _envelope(samples, type_)
        message = Envelope.model_validate(latest | {"data": _filled(event, latest["data"], shown, event)})
        shown = dict(values_in(data_of(message))) | shown
        texts[f"{type_}.{len(before) + 1}.json"] = json.dumps(json.loads(message.value()), indent=2, ensure_ascii=False) + "\n"
    return texts


def _envelope(samples: Samples, type_: str) -> dict[str, Any]:
    """The envelope of the topic's first sample, with another type."""
    topic = type_.rpartition(".v")[0].rpartition(".")[0]
    like = next(each[0] for name, each in samples.messages.items() if name.startswith(f"{topic}."))
    envelope: dict[str, Any] = json.loads(like.value()) | {"id": str(uuid5(NAMESPACE_URL, type_)), "type": type_, "data": {}}
    return envelope


def _filled(model: type[BaseModel], data: dict[str, Any], shown: dict[Field, Any], event: type[EventData]) -> dict[str, Any]:
    """Data with a value for each required field and each field that no sample contains."""
    filled = dict(data)
    for name, field in model.model_fields.items():
        inner = models_in(field.annotation)
        value = filled.get(name)
        if value is None or value == []:
            if (model, name) in shown and not field.is_required():
                continue
            if (model, name) in shown:
                filled[name] = shown[model, name]
            elif inner:
                one = _filled(inner[0], {}, shown, event)
                filled[name] = [one] if "tuple" in str(field.annotation) else one
            else:
                filled[name] = _invented(model, name, event)
        elif inner:
            each = [_filled(inner[0], one, shown, event) for one in (value if isinstance(value, list) else [value])]
            filled[name] = each if isinstance(value, list) else each[0]
    return filled


def _invented(model: type[BaseModel], name: str, event: type[EventData]) -> Any:
    """A value of the field's type. Raises NoExample for text without examples."""
    whole = model.model_json_schema(mode="serialization")
    schema = whole["properties"][name]
    examples = schema.get("examples")
    while "examples" not in schema and ("anyOf" in schema or "$ref" in schema):
        schema = schema["anyOf"][0] if "anyOf" in schema else whole["$defs"][schema["$ref"].rpartition("/")[2]]
    match schema:
        case _ if examples:
            return examples[0]
        case {"const": value} | {"enum": [value, *_]} | {"examples": [value, *_]}:
            return value
        case {"type": "array", "items": {"format": "uuid"}}:
            return [str(uuid5(NAMESPACE_URL, f"{model.__name__}.{name}"))]
        case {"format": "uuid"}:
            return str(uuid5(NAMESPACE_URL, f"{model.__name__}.{name}"))
        case {"format": "date-time"}:
            return _INSTANT
        case {"format": "date"}:
            return _DAY
        case {"type": "boolean"}:
            return not schema.get("default", False)
        case {"type": "integer"}:
            return max(1, schema.get("minimum", 1))
        case _:
            raise NoExample(f"{event.TYPE}: `{name}` of {model.__name__} needs an example: give it Field(examples=[…])")
