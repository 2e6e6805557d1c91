"""OpenAPI documents that allow only the documented fields in answers.

The published documents stay open, because fields are added. A field that is answered and not documented is a fault all the same.
"""

import copy
from typing import Any

from jsonschema import Draft202012Validator

Json = dict[str, Any]


def closed(document: Json) -> Json:
    """The document with every object closed, except problems: they have members of their own by code."""
    copied = copy.deepcopy(document)
    for name, schema in copied["components"]["schemas"].items():
        if name != "Problem":
            _close(schema)
    return copied


def _close(schema: Any) -> None:
    if isinstance(schema, dict):
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
        for each in schema.values():
            _close(each)
    elif isinstance(schema, list):
        for each in schema:
            _close(each)


def faults(document: Json, method: str, template: str, answer: Any) -> list[str]:
    """What is wrong with the JSON of a successful answer, by the closed document."""
    operation = document["paths"][template][method.lower()]
    status = next(status for status in operation["responses"] if status.startswith("2"))
    schema = operation["responses"][status]["content"]["application/json"]["schema"]
    validator = Draft202012Validator({**schema, "components": document["components"]})
    return [f"{method} {template} {error.json_path}: {error.message}" for error in validator.iter_errors(answer)]
