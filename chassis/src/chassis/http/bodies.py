"""JSON bodies: only known fields, and only JSON that all parsers read in the same way."""

import json
from typing import Any

from pydantic import BaseModel, ConfigDict


class StrictBody(BaseModel):
    """A request body. Unknown fields are errors. Errors never contain the submitted values."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def is_strict(body: bytes) -> bool:
    """Whether the body is JSON in UTF-8 without duplicate names in an object."""
    try:
        json.loads(body.decode(), object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        return False
    return True


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate name")
    return members
