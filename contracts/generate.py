#!/usr/bin/env python
"""Writes what is generated from the contracts: JSON Schemas and AsyncAPI.

    python contracts/generate.py

Refuses to overwrite a schema by one that would break its readers: publish a new version beside the old one.
"""

import json
import sys
from pathlib import Path

import yaml
from pydantic import BaseModel

from billing_contracts.asyncapi import document
from billing_contracts.evolution import breaks
from billing_contracts.history import HistoryLine
from billing_contracts.registry import EVENTS

HERE = Path(__file__).parent


def main() -> int:
    broken: list[str] = []
    published: dict[Path, type[BaseModel]] = {HERE / "schemas" / f"{type_}.json": event for type_, event in EVENTS.items()}
    for path, model in {**published, HERE / "history-line.json": HistoryLine}.items():
        schema = model.model_json_schema(mode="serialization")
        found = breaks(json.loads(path.read_text()), schema) if path.exists() else []
        broken += [f"{path.stem}: {sentence}" for sentence in found]
        if not found:
            path.write_text(json.dumps(schema, indent=2, sort_keys=True) + "\n")
    if broken:
        sys.stderr.write("\n".join(broken) + "\nNothing that is published may change like this: add a version instead.\n")
        return 1
    (HERE / "asyncapi.yaml").write_text(yaml.safe_dump(document(), sort_keys=False, allow_unicode=True, width=120))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
