"""Where the card page is served on one machine: a browser may look for `localhost` on either address."""

import socket


def loopbacks() -> tuple[str, ...]:
    """127.0.0.1, and ::1 on a machine that has it."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return ("127.0.0.1",)
    return ("127.0.0.1", "::1")
