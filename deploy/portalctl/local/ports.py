"""Ports on the loopback: kept, since links contain them, and exchanged when another program has one."""

import errno
import random
import socket
from collections.abc import Collection, Iterable

from portalctl.local.errors import StackError
from portalctl.local.folder import Folder, read_json, write_json

RANGE = range(20000, 30000)
_TRIES = 500


def kept_ports(folder: Folder, preferred: dict[str, int], avoid: Iterable[str] = ()) -> dict[str, int]:
    """A free port for each name: the kept one, else the preferred one, else any. `avoid` names those that need another."""
    kept: dict[str, int] = read_json(folder.ports)
    ports: dict[str, int] = {}
    unwanted = {kept[name] for name in avoid if name in kept}
    for name, default in preferred.items():
        wanted = kept.get(name, default)
        if wanted in unwanted or wanted in ports.values() or not is_free(wanted):
            wanted = free_port({*unwanted, *ports.values(), *kept.values()})
        ports[name] = wanted
    if kept | ports != kept:
        write_json(folder.ports, kept | ports)
    return ports


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


def answers(port: int) -> bool:
    """Whether some server takes connections on the port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port(taken: Collection[int] = ()) -> int:
    """A free port that is not in `taken`."""
    for port in random.sample(RANGE, _TRIES):
        if port not in taken and is_free(port):
            return port
    raise StackError(f"no free port found between {RANGE.start} and {RANGE.stop - 1}")
