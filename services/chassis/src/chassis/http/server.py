"""uvicorn, stopped by us: it would raise the signal again after it has stopped, and the process would not end with 0."""

import contextlib
import socket
from collections.abc import Iterator
from typing import Final

import uvicorn
from starlette.types import ASGIApp

BACKLOG: Final = 2048


class Server(uvicorn.Server):
    """Serves until `should_exit` is set; leaves signals to the process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def serve(app: ASGIApp, *, grace_seconds: float, trusted_proxies: str = "") -> Server:
    """A server for the application that, when told to exit, lets requests in hand finish for so long.

    Behind `trusted_proxies` the client is the last address in X-Forwarded-For that is none of them.
    """
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=trusted_proxies,
        lifespan="off",
        backlog=BACKLOG,
        timeout_graceful_shutdown=int(grace_seconds),
    )
    return Server(config)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises OSError when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    try:
        listening.bind((host, port))
        # At once: until then a second process may bind the same address, and only find out when it serves.
        listening.listen(BACKLOG)
    except OSError:
        listening.close()
        raise
    listening.set_inheritable(False)
    return listening
