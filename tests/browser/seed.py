"""The seed of this run. It is in the environment before pytest-xdist starts its workers, so all of them use the same one."""

import os
from random import randrange
from typing import Final

SEED: Final = os.environ.setdefault("SEED", str(randrange(1_000_000)))
