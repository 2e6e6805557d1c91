"""Checks of requests and answers against Stripe's own OpenAPI document.

The document requires few fields, so answers must also have every field of Stripe's example of the same kind.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

from jsonschema import Draft4Validator

from support.stripe.documents import fixtures, spec

Values: TypeAlias = dict[str, Any]

FORM = "application/x-www-form-urlencoded"
_KEY_CHARACTERS_MAX = 255
_COMPLETE = ("charge", "customer", "event", "payment_intent", "payment_method", "refund", "setup_intent")
"""The kinds of objects that the stand-in answers with all their fields."""


def operation(method: str, path: str) -> dict[str, Any] | None:
    """The document's operation for a request to this path."""
    exact: dict[str, Any] | None = spec()["paths"].get(path, {}).get(method.lower())
    if exact is not None:
        return exact
    for pattern, methods in _paths():
        if method.lower() in methods and pattern.fullmatch(path):
            described: dict[str, Any] = methods[method.lower()]
            return described
    return None


def nested(text: str) -> Values:
    """The values of a query or a form: `metadata[a]=b&expand[0]=c` is {"metadata": {"a": "b"}, "expand": ["c"]}."""
    values: Values = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        first, *rest = re.findall(r"[^\[\]]+|(?<=\[)(?=\])", name)
        at, last = values, first
        for part in rest:
            at, last = at.setdefault(last, {}), part or str(len(at.get(last, {})))
        at[last] = value
    return {name: _lists(value) for name, value in values.items()}


def request_problems(method: str, path: str, headers: Mapping[str, str], text: str) -> Iterator[str]:
    """What the document does not allow in this request. `text` is the query of a GET, otherwise the form."""
    described = operation(method, path)
    if described is None:
        yield f"no operation {method} {path}"
        return
    if headers.get("stripe-version") != spec()["info"]["version"]:
        yield f"the version is {headers.get('stripe-version')}"
    if len(headers.get("idempotency-key", "")) > _KEY_CHARACTERS_MAX:
        yield "the idempotency key is too long"
    schema = _form(described) if method == "POST" else _query(described)
    for error in _validator(schema).iter_errors(_typed(nested(text), schema)):
        yield f"{'/'.join(map(str, error.path))}: {error.message}"


def answer_problems(method: str, path: str, status: int, body: Values) -> Iterator[str]:
    """What the document does not allow in this answer, and what Stripe's example has in addition."""
    described = operation(method, path)
    if described is None:
        yield f"no operation {method} {path}"
        return
    answers = described["responses"]
    schema = answers[str(status) if str(status) in answers else "default"]["content"]["application/json"]["schema"]
    for error in _validator(schema).iter_errors(body):
        yield f"{'/'.join(map(str, error.path))}: {error.message[:200]}"
    yield from _missing(body)


def _missing(value: Any) -> Iterator[str]:
    """The fields of Stripe's examples that these objects lack, and fields that are not in the document."""
    if isinstance(value, list):
        for each in value:
            yield from _missing(each)
    if not isinstance(value, dict):
        return
    kind = value.get("object")
    if kind in _COMPLETE:
        yield from (f"{kind} without {name}" for name in sorted(set(fixtures()[kind]) - set(value)))
        known = spec()["components"]["schemas"][kind]["properties"].keys() | fixtures()[kind].keys()
        yield from (f"{kind} with {name}" for name in sorted(set(value) - known))
    for each in value.values():
        yield from _missing(each)


@cache
def _paths() -> list[tuple[re.Pattern[str], dict[str, Any]]]:
    return [(re.compile(re.sub(r"\\{\w+\\}", r"[^/]+", re.escape(path))), methods) for path, methods in spec()["paths"].items()]


def _form(described: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = described["requestBody"]["content"][FORM]["schema"]
    return schema


_queries: dict[str, dict[str, Any]] = {}


def _query(described: dict[str, Any]) -> dict[str, Any]:
    """One schema for each operation, as the document has for forms."""
    parameters = [each for each in described["parameters"] if each["in"] == "query"]
    schema = {
        "type": "object",
        "properties": {each["name"]: each["schema"] for each in parameters},
        "required": [each["name"] for each in parameters if each.get("required")],
        "additionalProperties": False,
    }
    return _queries.setdefault(described["operationId"], schema)


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value and all(name.isdigit() for name in value):
        return [_lists(each) for each in value.values()]
    return {name: _lists(each) for name, each in value.items()}


def _typed(value: Any, schema: dict[str, Any]) -> Any:
    """A form's texts as the types that the schema names, where they can be read as such."""
    for alternative in schema.get("anyOf", ()):
        typed = _typed(value, alternative)
        if _validator(alternative).is_valid(typed):
            return typed
    match schema.get("type"), value:
        case "integer", str() if re.fullmatch(r"-?\d+", value):
            return int(value)
        case "number", str() if re.fullmatch(r"-?\d+(\.\d+)?", value):
            return float(value)
        case "boolean", "true" | "false":
            return value == "true"
        case "array", list():
            return [_typed(each, schema["items"]) for each in value]
        case "object", dict():
            properties = schema.get("properties", {})
            return {name: _typed(each, properties.get(name, {})) for name, each in value.items()}
    return value


_validators: dict[int, tuple[dict[str, Any], Draft4Validator]] = {}


def _validator(schema: dict[str, Any]) -> Draft4Validator:
    """By identity: the schemas are parts of one document."""
    known = _validators.get(id(schema))
    if known is None or known[0] is not schema:
        # Only operations and properties come here. What they refer to is converted once.
        validator = Draft4Validator({**_draft4(schema), "components": _components()})
        known = _validators[id(schema)] = (schema, validator)
    return known[1]


@cache
def _components() -> dict[str, Any]:
    return {"schemas": {name: _draft4(schema) for name, schema in spec()["components"]["schemas"].items()}}


def _draft4(schema: Any) -> Any:
    """OpenAPI 3.0's `nullable`, as JSON Schema has it."""
    if isinstance(schema, list):
        return [_draft4(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    converted = {name: _draft4(each) for name, each in schema.items()}
    if schema.get("nullable") is True:
        del converted["nullable"]
        return {"anyOf": [{"type": "null"}, converted]}
    return converted
