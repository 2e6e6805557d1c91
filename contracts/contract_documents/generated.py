"""The generated files, and the checks that stop a generation."""

import json
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from billing_contracts.evolution import refusals
from billing_contracts.history import HistoryLine
from billing_contracts.registry import EVENTS
from contract_documents.asyncapi import document
from contract_documents.files import ASYNCAPI, CONTRACTS, HISTORY_LINE, PAGE, SAMPLES, SCHEMAS
from contract_documents.page import page
from contract_documents.samples import Samples, missing, read_samples
from contract_documents.schemas import schema_of

PUBLISHED: dict[Path, type[BaseModel]] = {SCHEMAS / f"{type_}.json": event for type_, event in EVENTS.items()} | {
    HISTORY_LINE: HistoryLine
}


def breaking(path: Path) -> list[str]:
    """One sentence per breaking change since the schema was published."""
    if path not in PUBLISHED or not path.exists():
        return []
    return refusals(path.stem, json.loads(path.read_text()), PUBLISHED[path].model_json_schema(mode="serialization"))


def new_samples() -> dict[Path, str]:
    """Raises NoExample."""
    return {SAMPLES / name: text for name, text in missing(read_samples()).items()}


def documents() -> dict[Path, str]:
    """Schemas, AsyncAPI and the page. Requires the samples."""
    samples = read_samples()
    described = document(samples)
    schemas = {path: json.dumps(_schema(model, samples), indent=2, sort_keys=True) + "\n" for path, model in PUBLISHED.items()}
    return {**schemas, ASYNCAPI: _yaml(described), PAGE: page(described)}


def stale(path: Path, text: str) -> str | None:
    """The instruction for a file with content other than `text`."""
    if path.exists() and path.read_text() == text:
        return None
    return (
        f"contracts/{path.relative_to(CONTRACTS)} is not what the code generates: run `make contracts` and commit what it writes."
    )


def _schema(model: type[BaseModel], samples: Samples) -> dict[str, Any]:
    return {**schema_of(model, samples.examples), "examples": samples.whole(model)}


def _yaml(described: dict[str, Any]) -> str:
    return yaml.dump(described, Dumper=_WithoutAliases, sort_keys=False, allow_unicode=True, width=120)


class _WithoutAliases(yaml.SafeDumper):
    """Writes repeated values in full, because readers and some parsers do not know YAML anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True
