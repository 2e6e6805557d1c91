"""The seed of this run. It is in the environment before pytest-xdist starts its workers, so all of them use the same one."""

import os
from collections.abc import Iterable
from random import Random, randrange
from typing import Final, TypeVar

SEED: Final = os.environ.setdefault("SEED", str(randrange(1_000_000)))
FULL: Final = bool(os.environ.get("FULL"))

Value = TypeVar("Value")


def sampled(name: str, values: Iterable[Value], count: int) -> list[Value]:
    """`count` of the values in their order, chosen by the seed and the name; all of them with FULL=1."""
    every = list(values)
    chosen = set(Random(f"{SEED} {name}").sample(range(len(every)), count))
    return [value for place, value in enumerate(every) if FULL or place in chosen]
