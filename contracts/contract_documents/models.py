"""The models of a contract."""

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel

Field = tuple[type[BaseModel], str]


def models_in(annotation: Any) -> list[type[BaseModel]]:
    """The models that an annotation names: [Card] for `Card | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in models_in(argument)]


def fields_of(model: type[BaseModel]) -> dict[Field, None]:
    """All fields of the model and its nested models, in the order of declaration."""
    fields: dict[Field, None] = {}
    for name, field in model.model_fields.items():
        fields[model, name] = None
        for inner in models_in(field.annotation):
            fields |= fields_of(inner)
    return fields


def values_in(instance: BaseModel) -> Iterator[tuple[Field, Any]]:
    """All fields that are set explicitly, with their values in JSON."""
    shown = instance.model_dump(mode="json")
    for name in type(instance).model_fields:
        if name not in instance.model_fields_set:
            continue
        value = getattr(instance, name)
        if value is None or value == ():
            continue
        yield (type(instance), name), shown[name]
        for inner in value if isinstance(value, tuple) else (value,):
            if isinstance(inner, BaseModel):
                yield from values_in(inner)
