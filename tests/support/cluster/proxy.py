"""HAProxy in front of the HTTP processes: it asks each for its health, and repeats reads that got no answer on another one.

On a machine without it, a proxy that repeats nothing.
"""

import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from portalctl.local.ports import answers
from portalctl.local.programs import Program
from support.cluster import plain_proxy

Backends = Mapping[str, Sequence[tuple[int, int]]]
"""The (port, admin port) of each process, by the name of what they serve."""

_SETTINGS = """\
defaults
    mode http
    timeout connect 2s
    timeout client 60s
    timeout server 60s
    retries 3
    retry-on conn-failure empty-response
    option redispatch 1
    option forwardfor
    option http-keep-alive
    default-server inter 300ms fastinter 100ms fall 2 rise 1
"""
_SECTION = """\
listen {name}
    bind 127.0.0.1:{port}
    http-request disable-l7-retry unless METH_GET
    option httpchk GET /health/ready
"""


def proxy(folder: Path, ports: Mapping[str, int], backends: Backends) -> Program:
    """`ports` has the port on which the proxy offers each name."""

    async def ready() -> bool:
        return all(answers(ports[name]) for name in backends)

    return Program("proxy", _command(folder, ports, backends), folder / "logs" / "proxy.log", ready)


def _command(folder: Path, ports: Mapping[str, int], backends: Backends) -> list[str]:
    # Debian has it in a folder that is not in the PATH of every user.
    program = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
    if program is None:
        plain = json.dumps([[ports[name], list(processes)] for name, processes in backends.items()])
        return [sys.executable, plain_proxy.__file__, plain]
    settings = folder / "haproxy.cfg"
    settings.write_text(_SETTINGS + "".join(_section(name, ports[name], processes) for name, processes in backends.items()))
    return [program, "-db", "-f", str(settings)]


def _section(name: str, port: int, processes: Sequence[tuple[int, int]]) -> str:
    servers = [f"    server {name}-{n} 127.0.0.1:{at} check port {admin}\n" for n, (at, admin) in enumerate(processes, 1)]
    return _SECTION.format(name=name, port=port) + "".join(servers)
