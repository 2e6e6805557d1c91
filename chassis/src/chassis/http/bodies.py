"""What a JSON body may be: exactly the fields that are known, in JSON that every reader understands alike."""

import json
from typing import Any

from pydantic import BaseModel, ConfigDict


class StrictBody(BaseModel):
    """A request's body: a field that nobody knows is an error, not a wish. What was sent is never repeated in errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def is_strict(body: bytes) -> bool:
    """Whether the body is JSON in UTF-8 with each name once in an object."""
    try:
        json.loads(body.decode(), object_pairs_hook=_each_once)
    except (ValueError, RecursionError):
        return False
    return True


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name twice")
    return found
