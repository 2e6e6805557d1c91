"""Where requests come from: what is counted together, what a log may hold, and proxies that are not trusted."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

_FORWARDING: Final = frozenset({b"x-forwarded-for", b"forwarded", b"x-real-ip"})

log = structlog.get_logger()


def counted_as(address: str) -> str:
    """What a limit counts: an IPv4 address, or an IPv6 network of 64 bits, of which a connection at home has all."""
    found = _parsed(address)
    return str(ip_network((found, 64), strict=False)) if isinstance(found, IPv6Address) else str(found or address)


def prefix_of(address: str) -> str:
    """What a log may hold of an address: 24 bits of IPv4, 48 of IPv6; `unknown` for none."""
    found = _parsed(address)
    if found is None:
        return "unknown"
    return str(ip_network((found, 24 if isinstance(found, IPv4Address) else 48), strict=False))


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found


class NoTrustedProxy:
    """Warns once when a request says for whom it was forwarded and nobody is trusted to say so.

    Then all who come through that proxy share its address, and its limits.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app, self._warned = app, False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._warned and scope["type"] == "http":
            for name, _ in scope["headers"]:
                if name in _FORWARDING:
                    self._warned = True
                    log.warning(
                        "http.forwarding_ignored",
                        header=name.decode(),
                        address=prefix_of((scope.get("client") or ("",))[0]),
                        setting="TRUSTED_PROXIES",
                    )
                    break
        await self.app(scope, receive, send)
