"""The schemas of an OpenAPI document, with the descriptions that stand below the models' fields."""

import inspect
from typing import Any, Final, Literal

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from chassis.http.field_descriptions import field_descriptions, paragraphs

Json = dict[str, Any]

PROBLEM: Final[Json] = {
    "title": "Problem",
    "description": "An error as RFC 9457 has it. `code` is for programs and does not change; codes may be added.",
    "type": "object",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"type": "string", "description": "Always `about:blank`: `code` tells problems apart."},
        "title": {"type": "string", "description": "What happened, in a sentence for people."},
        "status": {"type": "integer", "description": "The HTTP status of the answer."},
        "code": {"type": "string", "description": "What happened, for programs."},
        "detail": {"type": "string", "description": "More about this occurrence, where there is more to say."},
        "request_id": {
            "type": "string",
            "description": "Of a failure on this side: the id under which the log has the request.",
        },
        "errors": {
            "type": "array",
            "description": "The parts of the request that were refused.",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {
                    "pointer": {"type": "string", "description": "JSON Pointer to the field, or the parameter's place and name."},
                    "code": {"type": "string", "description": "What is wrong with it, for programs."},
                    "detail": {"type": "string", "description": "What is wrong with it, for people. Values are not repeated."},
                },
            },
        },
    },
}


def schema_of(model: Any, schemas: Json, mode: Literal["serialization", "validation"] = "serialization") -> Json:
    """The schema, with everything that has a name moved to `schemas`. Raises ValueError when a name means two things."""
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
        found = super().model_schema(schema)
        descriptions = field_descriptions(model)
        for name, field in found.get("properties", {}).items():
            if name in descriptions:
                field["description"] = descriptions[name]
        return _in_paragraphs(found)

    def enum_schema(self, schema: core_schema.EnumSchema) -> JsonSchemaValue:
        return _in_paragraphs(super().enum_schema(schema))


def _in_paragraphs(schema: JsonSchemaValue) -> JsonSchemaValue:
    if "description" in schema:
        schema["description"] = paragraphs(schema["description"])
    return schema


def texts_of(function: Any) -> Json:
    """Summary and description of an operation: the first paragraph of its function's docstring, and the others."""
    summary, _, description = paragraphs(inspect.getdoc(function) or "").partition("\n\n")
    return {"summary": summary.removesuffix(".")} | ({"description": description} if description else {})
