"""Free ports on the loopback."""

import errno
import random
import socket
from collections.abc import Collection

RANGE = range(20000, 30000)


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now, on IPv4 and, where the machine has it, on IPv6."""
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            probe = socket.socket(family, socket.SOCK_STREAM)
        except OSError:
            continue
        with probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError as error:
                if family == socket.AF_INET or error.errno == errno.EADDRINUSE:
                    return False
    return True


def free_port(taken: Collection[int] = ()) -> int:
    """A free port that is not in `taken`."""
    for port in random.sample(RANGE, 200):
        if port not in taken and is_free(port):
            return port
    raise OSError(f"no free port found between {RANGE.start} and {RANGE.stop - 1}")
