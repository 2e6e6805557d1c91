"""Ports for the servers of tests. No two tests of this machine get the same port at the same time."""

import fcntl
import os
import random
import tempfile
from functools import cache
from pathlib import Path
from typing import Final

from portalctl.local.ports import is_free

RANGE: Final = range(10_000, 20_000)
"""Below the ports of local stacks, and of connections that the system opens."""
_reserved: Final[set[int]] = set()


def free_port() -> int:
    """A free port, reserved for this process until it ends: a server may listen on it some seconds later."""
    for port in random.sample(RANGE, len(RANGE)):
        if port not in _reserved and _reserve(port):
            _reserved.add(port)
            return port
    raise AssertionError(f"no free port between {RANGE.start} and {RANGE.stop - 1}")


def _reserve(port: int) -> bool:
    """Lock the byte of the port, which the system unlocks when this process ends."""
    try:
        fcntl.lockf(_locks(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError:
        return False
    return is_free(port)


@cache
def _locks() -> int:
    """Stays open: closing any descriptor of the file would release all of this process's locks."""
    return os.open(Path(tempfile.gettempdir()) / f"ports-of-tests-{os.getuid()}", os.O_CREAT | os.O_RDWR, 0o600)
