"""Client addresses: keys for rate limits, prefixes for logs, and a warning about untrusted proxies."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

_FORWARDING: Final = frozenset({b"x-forwarded-for", b"forwarded", b"x-real-ip"})

log = structlog.get_logger()


def rate_limit_key(address: str) -> str:
    """The key of a rate limit: an IPv4 address, or an IPv6 /64, because one household has a whole /64."""
    parsed = _parsed(address)
    return str(ip_network((parsed, 64), strict=False)) if isinstance(parsed, IPv6Address) else str(parsed or address)


def prefix_of(address: str) -> str:
    """The part of an address that may be logged: /24 of IPv4, /48 of IPv6; `unknown` if it is not an address."""
    parsed = _parsed(address)
    if parsed is None:
        return "unknown"
    return str(ip_network((parsed, 24 if isinstance(parsed, IPv4Address) else 48), strict=False))


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    return parsed.ipv4_mapped or parsed if isinstance(parsed, IPv6Address) else parsed


class NoTrustedProxy:
    """Warns once if a request has forwarding headers although no proxy is trusted.

    All clients behind such a proxy then share its address and its rate limits.
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
