"""The loopback addresses of the card page: a browser may resolve `localhost` to either."""

import socket


def loopbacks() -> tuple[str, ...]:
    """127.0.0.1, and ::1 if the machine has it."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return ("127.0.0.1",)
    return ("127.0.0.1", "::1")
