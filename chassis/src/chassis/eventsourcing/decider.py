"""A rule book and how to ask it. Knows nothing of what the rules are about."""

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
    """What follows from the command, given the state so far. Raises the domain's refusal when a rule forbids it."""
    evolve: Callable[[S | None, E], S]
    """The state after the event."""

    def fold(self, events: Iterable[E], state: S | None = None) -> S | None:
        return reduce(self.evolve, events, state)
