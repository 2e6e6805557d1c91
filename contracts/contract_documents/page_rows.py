"""The fields of a schema as rows of a table."""

import json
from dataclasses import dataclass
from typing import Any

_FORMATS = {"uuid": "UUID", "date-time": "instant, UTC", "date": "date"}
_SHORT = 70
"""Longer objects have no example in the table; the sample below it shows them."""


@dataclass(frozen=True)
class Row:
    """One field. `link`: its shared type. `values`: its allowed values."""

    name: str
    type: str
    link: str | None
    optional: bool
    default: str | None
    unit: str | None
    description: str
    values: list[str]
    example: str | None


def rows(schema: dict[str, Any], sample: dict[str, Any] | None = None) -> list[Row]:
    """`sample` contains examples of the fields that are objects."""
    required, values = schema.get("required", ()), sample or {}
    return [_row(name, each, name not in required, values.get(name)) for name, each in schema.get("properties", {}).items()]


def _row(name: str, schema: dict[str, Any], optional: bool, value: Any) -> Row:
    example = schema["examples"][0] if "examples" in schema else schema.get("const")
    if example is None and value is not None and len(_json(value)) <= _SHORT:
        example = value
    default = None if "const" in schema else schema.get("default")
    type_, link, values = _type(schema)
    return Row(
        name,
        type_,
        link,
        optional,
        _json(default) if default not in (None, [], {}) and not isinstance(default, dict) else None,
        schema.get("x-unit"),
        schema.get("description", ""),
        values,
        None if example is None else example if isinstance(example, str) else _json(example),
    )


def _type(schema: dict[str, Any]) -> tuple[str, str | None, list[str]]:
    """(words, shared type, values)"""
    match schema:
        case {"anyOf": [inner, *_]} | {"allOf": [inner]}:
            return _type(inner)
        case {"$ref": str(reference)}:
            name = reference.rpartition("/")[2]
            return name, name, []
        case {"type": "array", "items": items}:
            words, link, values = _type(items)
            return f"list of {words}", link, values
        case {"enum": [*values]}:
            return "text", None, [str(value) for value in values]
        case {"const": value}:
            return "text", None, [str(value)]
        case {"format": str(name)}:
            return _FORMATS[name], None, []
        case {"type": "integer" | "number" as kind, **limits}:
            return ("integer" if kind == "integer" else "number") + _limits(limits), None, []
        case {"type": "object", "additionalProperties": dict(inner)}:
            return f"map of {_type(inner)[0]}", None, []
        case {"type": "object", "patternProperties": dict(by_pattern)}:
            return f"map of {_type(next(iter(by_pattern.values())))[0]}", None, []
        case {"type": "string"}:
            return "text", None, []
        case _:
            return str(schema.get("type", "object")), None, []


def _limits(limits: dict[str, Any]) -> str:
    least, most = limits.get("minimum"), limits.get("maximum")
    if least is not None and most is not None:
        return f", {least} to {most}"
    return f", at least {least}" if least is not None else ""


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
