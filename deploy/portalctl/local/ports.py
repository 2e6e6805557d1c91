"""Ports on the loopback interface: stable, because links contain them, and replaced when another program uses one."""

import errno
import random
import socket
from collections.abc import Collection, Iterable

from portalctl.local.errors import StackError
from portalctl.local.folder import Folder, read_json, write_json

RANGE = range(20000, 30000)
_TRIES = 500


def assign_ports(folder: Folder, preferred: dict[str, int], avoid: Iterable[str] = ()) -> dict[str, int]:
    """A free port for each name: the stored one, else the preferred one, else any. `avoid` lists names that need another port."""
    stored: dict[str, int] = read_json(folder.ports)
    ports: dict[str, int] = {}
    avoided = {stored[name] for name in avoid if name in stored}
    for name, default in preferred.items():
        port = stored.get(name, default)
        if port in avoided or port in ports.values() or not is_free(port):
            port = free_port({*avoided, *ports.values(), *stored.values()})
        ports[name] = port
    if stored | ports != stored:
        write_json(folder.ports, stored | ports)
    return ports


def is_free(port: int) -> bool:
    """Whether a server could listen on the port, on IPv4 and, if available, on IPv6."""
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


def answers(port: int) -> bool:
    """Whether a server accepts connections on the port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port(taken: Collection[int] = ()) -> int:
    """A free port that is not in `taken`."""
    for port in random.sample(RANGE, _TRIES):
        if port not in taken and is_free(port):
            return port
    raise StackError(f"no free port found between {RANGE.start} and {RANGE.stop - 1}")
