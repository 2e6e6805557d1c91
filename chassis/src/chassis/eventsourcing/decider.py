"""The decider pattern: a pair of pure functions, `decide` and `evolve`."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce
from typing import Generic, TypeVar

C = TypeVar("C")
E = TypeVar("E")
S = TypeVar("S")


@dataclass(frozen=True)
class Decider(Generic[C, E, S]):
    decide: Callable[[C, S | None], list[E]]
    """(command, state or None) → the resulting events. Raises the domain's refusal when a rule forbids the command."""
    evolve: Callable[[S | None, E], S]
    """(state or None, event) → the state after the event."""

    def fold(self, events: Iterable[E], state: S | None = None) -> S | None:
        return reduce(self.evolve, events, state)
