"""A file lock that is released when its holder ends, also after a crash."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path


class Held(Exception):
    """Another process holds the lock."""


@contextlib.contextmanager
def held(path: Path, *, wait_seconds: float = 0.0) -> Iterator[None]:
    """Hold the lock during the block. Raises Held if another process holds it for longer than `wait_seconds`."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + wait_seconds
        while not _try(descriptor):
            if time.monotonic() >= deadline:
                raise Held(str(path))
            time.sleep(0.05)
        yield
    finally:
        os.close(descriptor)


def is_held(path: Path) -> bool:
    try:
        with held(path):
            return False
    except (Held, FileNotFoundError):
        return path.exists()


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
