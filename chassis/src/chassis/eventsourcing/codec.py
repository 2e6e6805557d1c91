"""Encodes private events as JSON under explicit names and versions, so that their classes can be moved and changed."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import TypeAdapter

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
"""The JSON document of one version → the JSON document of the next."""


class Codec:
    """`events` maps each stored name to a dataclass. The upcaster under (name, n) converts a document from version n to n + 1.

    So an event's current version is the number of its upcasters plus 1.
    """

    def __init__(self, events: Mapping[str, type], upcasters: Mapping[tuple[str, int], Upcaster] | None = None) -> None:
        self._upcasters = dict(upcasters or {})
        self._names = {event: name for name, event in events.items()}
        self._adapters: dict[str, TypeAdapter[Any]] = {name: TypeAdapter(event) for name, event in events.items()}
        self._versions = {name: 1 + sum(name == of for of, _ in self._upcasters) for name in events}
        if gaps := [key for key in self._upcasters if key[1] not in range(1, self._versions.get(key[0], 0))]:
            raise ValueError(f"upcasters without an event, or with a gap before them: {gaps}")

    def encode(self, event: object) -> tuple[str, int, str]:
        """(name, version, JSON). Raises KeyError for a class without a name."""
        name = self._names[type(event)]
        return name, self._versions[name], self._adapters[name].dump_json(event).decode()

    def decode(self, name: str, version: int, body: str) -> Any:
        """The event as the current class. Raises KeyError for an unknown name, ValueError for a newer version or invalid body."""
        current = self._versions[name]
        if version > current:
            raise ValueError(f"{name} version {version} was written by newer code; this code knows version {current}")
        for older in range(version, current):
            body = json.dumps(self._upcasters[name, older](json.loads(body)))
        return self._adapters[name].validate_json(body)
