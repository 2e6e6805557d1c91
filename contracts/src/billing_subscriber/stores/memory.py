"""A store in memory, for tests."""

import asyncio
import copy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from billing_subscriber.positions import Position


@dataclass
class _Contents:
    data: dict[str, Any] = field(default_factory=dict)
    handled: set[tuple[str, UUID]] = field(default_factory=set)
    positions: dict[tuple[str, UUID, str], Position] = field(default_factory=dict)


class MemoryUnit:
    def __init__(self, group: str, contents: _Contents) -> None:
        self._group, self._contents = group, contents

    @property
    def tx(self) -> dict[str, Any]:
        return self._contents.data

    async def claim(self, event_id: UUID) -> bool:
        claim = self._group, event_id
        known = claim in self._contents.handled
        self._contents.handled.add(claim)
        return not known

    async def position(self, merchant_id: UUID, aggregate: str) -> Position:
        return self._contents.positions.get((self._group, merchant_id, aggregate), Position())

    async def move(self, merchant_id: UUID, aggregate: str, position: Position) -> None:
        self._contents.positions[self._group, merchant_id, aggregate] = position

    async def forget(self) -> None:
        contents = self._contents
        contents.handled = {claim for claim in contents.handled if claim[0] != self._group}
        contents.positions = {key: position for key, position in contents.positions.items() if key[0] != self._group}


class MemoryStore:
    """Effects receive a dict. A transaction works on a copy, which replaces the original at commit."""

    def __init__(self) -> None:
        self._contents = _Contents()
        self._lock = asyncio.Lock()

    @property
    def data(self) -> dict[str, Any]:
        """The data committed by effects."""
        return self._contents.data

    @asynccontextmanager
    async def unit(self, group: str) -> AsyncIterator[MemoryUnit]:
        async with self._lock:
            before = self._contents
            contents = _Contents(copy.deepcopy(before.data), before.handled.copy(), before.positions.copy())
            yield MemoryUnit(group, contents)
            self._contents = contents

    async def close(self) -> None: ...
