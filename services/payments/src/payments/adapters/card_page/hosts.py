"""The addresses on which the card page listens."""

import socket


def addresses_of(host: str) -> tuple[str, ...]:
    """The host; for `localhost` 127.0.0.1, and ::1 if the machine has it, because a browser may resolve it to either."""
    if host != "localhost":
        return (host,)
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return ("127.0.0.1",)
    return ("127.0.0.1", "::1")
