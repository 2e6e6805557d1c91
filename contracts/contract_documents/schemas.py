"""JSON Schemas of the contracts, with each field's description, unit and example."""

from typing import Any, ClassVar

from pydantic import BaseModel
from pydantic.json_schema import DEFAULT_REF_TEMPLATE, GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from chassis.http.field_descriptions import field_descriptions, paragraphs
from contract_documents.models import Field, models_in

UNITS = {
    "_minor": "minor units of the currency",
    "_basis_points": "hundredths of a percent",
    "_seconds": "seconds",
    "_days": "days",
}
"""By suffix of the field's name."""


def schema_of(model: type[BaseModel], examples: dict[Field, Any], ref_template: str = DEFAULT_REF_TEMPLATE) -> dict[str, Any]:
    """The schema of the model's JSON. `x-unit`: the unit of a number."""

    class Documented(_Documented):
        values = examples

    return model.model_json_schema(mode="serialization", ref_template=ref_template, schema_generator=Documented)


def unit_of(name: str) -> str | None:
    return next((unit for ending, unit in UNITS.items() if name.endswith(ending)), None)


class _Documented(GenerateJsonSchema):
    values: ClassVar[dict[Field, Any]]

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        model: type[BaseModel] = schema["cls"]
        documented = super().model_schema(schema)
        if "description" in documented:
            documented["description"] = paragraphs(documented["description"])
        descriptions = field_descriptions(model)
        for name, field in documented.get("properties", {}).items():
            if name in descriptions:
                field["description"] = descriptions[name]
            if unit := unit_of(name):
                field["x-unit"] = unit
            if (model, name) in self.values and not models_in(model.model_fields[name].annotation):
                field["examples"] = [self.values[model, name]]
        return documented

    def enum_schema(self, schema: core_schema.EnumSchema) -> JsonSchemaValue:
        documented = super().enum_schema(schema)
        if "description" in documented:
            documented["description"] = paragraphs(documented["description"])
        return documented
