"""The schemas of an OpenAPI document, with field descriptions from the docstrings of models."""

import inspect
from typing import Any, Final, Literal

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from chassis.http.field_descriptions import field_descriptions, paragraphs

Json = dict[str, Any]

PROBLEM: Final[Json] = {
    "title": "Problem",
    "description": "An error (RFC 9457). `code` is for programs and stable; new codes may be added.",
    "type": "object",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"type": "string", "description": "Always `about:blank`. Use `code` to distinguish problems."},
        "title": {"type": "string", "description": "What happened, for people."},
        "status": {"type": "integer", "description": "The HTTP status of the response."},
        "code": {"type": "string", "description": "What happened, for programs."},
        "detail": {"type": "string", "description": "More about this occurrence."},
        "request_id": {
            "type": "string",
            "description": "For 5xx errors: the id of the request in the service's log.",
        },
        "errors": {
            "type": "array",
            "description": "The invalid parts of the request.",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {
                    "pointer": {
                        "type": "string",
                        "description": "JSON Pointer to the field, or a parameter's location and name.",
                    },
                    "code": {"type": "string", "description": "The error, for programs."},
                    "detail": {"type": "string", "description": "The error, for people, without the submitted value."},
                },
            },
        },
    },
}


def schema_of(model: Any, schemas: Json, mode: Literal["serialization", "validation"] = "serialization") -> Json:
    """The model's schema, with all named schemas moved to `schemas`. Raises ValueError if two schemas have the same name."""
    template = "#/components/schemas/{model}"
    schema = TypeAdapter(model).json_schema(mode=mode, ref_template=template, schema_generator=_Documented)
    named = schema.pop("$defs", {})
    if "title" in schema and schema.get("type") == "object":
        named[schema["title"]] = schema
        schema = {"$ref": template.format(model=schema["title"])}
    for name, each in named.items():
        if schemas.setdefault(name, each) != each:
            raise ValueError(f"{name} is the name of two schemas")
    return schema


class _Documented(GenerateJsonSchema):
    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        model: type[BaseModel] = schema["cls"]
        documented = super().model_schema(schema)
        descriptions = field_descriptions(model)
        for name, field in documented.get("properties", {}).items():
            if name in descriptions:
                field["description"] = descriptions[name]
        return _in_paragraphs(documented)

    def enum_schema(self, schema: core_schema.EnumSchema) -> JsonSchemaValue:
        return _in_paragraphs(super().enum_schema(schema))


def _in_paragraphs(schema: JsonSchemaValue) -> JsonSchemaValue:
    if "description" in schema:
        schema["description"] = paragraphs(schema["description"])
    return schema


def texts_of(function: Any) -> Json:
    """Summary and description of an operation: the first and the other paragraphs of its function's docstring."""
    summary, _, description = paragraphs(inspect.getdoc(function) or "").partition("\n\n")
    return {"summary": summary.removesuffix(".")} | ({"description": description} if description else {})
