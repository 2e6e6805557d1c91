"""Event ids."""

import os
import time
from uuid import UUID


def time_ordered_id() -> UUID:
    """A UUID version 7 (RFC 9562). New ids are adjacent in an index, so inserts touch few pages."""
    milliseconds = time.time_ns() // 1_000_000
    noise = int.from_bytes(os.urandom(10), "big")
    return UUID(int=(milliseconds << 80 | noise) & ~(0xF << 76 | 0x3 << 62) | 0x7 << 76 | 0x2 << 62)
