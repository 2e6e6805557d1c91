"""Descriptions of model fields: the docstrings below the fields, read from the source.

pydantic could read them when it creates a class, but then every process would pay for a document that few of them build.
"""

import ast
import inspect
from functools import cache
from types import ModuleType

from pydantic import BaseModel


def field_descriptions(model: type[BaseModel]) -> dict[str, str]:
    """By field, including inherited ones; without fields that have no docstring."""
    descriptions: dict[str, str] = {}
    for each in reversed(model.__mro__):
        if issubclass(each, BaseModel) and each is not BaseModel:
            descriptions |= _in_module(inspect.getmodule(each)).get(each.__qualname__, {})
    return {name: text for name, text in descriptions.items() if name in model.model_fields}


def paragraphs(text: str) -> str:
    """A docstring without its line breaks, except those between paragraphs and before list items."""
    blocks = inspect.cleandoc(text).split("\n\n")
    return "\n\n".join(_joined(block) for block in blocks)


def _joined(block: str) -> str:
    return "\n- ".join(" ".join(item.split()) for item in block.split("\n- "))


@cache
def _in_module(module: ModuleType | None) -> dict[str, dict[str, str]]:
    """By class and field."""
    assert module is not None, "models are classes of modules"
    classes = [node for node in ast.parse(inspect.getsource(module)).body if isinstance(node, ast.ClassDef)]
    return {node.name: _in_class(node) for node in classes}


def _in_class(node: ast.ClassDef) -> dict[str, str]:
    descriptions: dict[str, str] = {}
    for statement, following in zip(node.body, node.body[1:], strict=False):
        match statement, following:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                descriptions[name] = paragraphs(text)
    return descriptions
