"""Limits on the connections of a process: their number, and the time to wait for each client."""

from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final, Protocol

from prometheus_client import Counter

PATIENCE_SECONDS: Final = 1.0

CUT = Counter("http_connections_cut_total", "Connections that the server ended because of a limit", ["reason"])


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits per request and connection."""

    head_bytes: int = 32 * 1024
    """Request line and header fields; also the excess of trailers and chunk headers over the size of the body."""
    head_seconds: float = 10
    body_seconds: float = 30
    idle_seconds: float = 75
    """Between a response and the next request."""
    stall_seconds: float = 30
    """While the client does not read the response and the buffers are full."""
    connections: int = 1000
    connections_per_address: int = 256
    """Per IPv4 address or IPv6 /64; trusted proxies have no such limit."""


class ClientConnection(Protocol):
    """What the registry needs of a connection."""

    address: str
    since: float
    """The start of its wait, on the event loop's clock."""
    deadline: float
    """The end of its wait."""

    def expire(self) -> None:
        """The deadline has passed."""

    def evict(self) -> None:
        """Abort immediately, without a response."""


@dataclass(slots=True)
class _Group:
    """Connections that share a limit."""

    limit: int
    open: int = 0
    waiting: dict[ClientConnection, None] = field(default_factory=dict)
    """In the order of the start of their waits."""

    @property
    def busy(self) -> bool:
        """Whether the limit is reached by connections that the server is responding to."""
        return self.open - len(self.waiting) >= self.limit


class ClientConnections:
    """The open connections of one process. Above a limit, those that have waited longest for their clients are aborted.

    Idle connections wait, and those of clients that send or read slowly. A connection with a complete request is never aborted;
    if the limit is reached by such connections, new ones are refused. Up to twice the limit, a connection may wait for
    `PATIENCE_SECONDS`, so that in a flood of connections an honest request has time to arrive.
    """

    def __init__(self, limits: Limits, trusted_proxies: str = "") -> None:
        """`trusted_proxies`: addresses and networks, separated by commas."""
        self.limits = limits
        self._trusted = [ip_network(one.strip()) for one in trusted_proxies.split(",") if one.strip()]
        self._all = _Group(limits.connections)
        self._by_address: dict[str, _Group] = {}
        self._groups_of: dict[ClientConnection, tuple[_Group, ...]] = {}

    def admit(self, one: ClientConnection) -> bool:
        """Whether the connection is accepted; if so, it counts until it is removed."""
        groups: tuple[_Group, ...] = (self._all,)
        if one.address:
            groups = (self._all, self._by_address.get(one.address) or _Group(self.limits.connections_per_address))
        if any(group.busy for group in groups):
            CUT.labels("refused").inc()
            return False
        for group in groups:
            if group.open >= 2 * group.limit:
                self._evict(next(iter(group.waiting)))
        for group in groups:
            group.open += 1
        self._groups_of[one] = groups
        if one.address:
            self._by_address[one.address] = groups[-1]
        return True

    def remove(self, one: ClientConnection) -> None:
        self.proceed(one)
        groups = self._groups_of.pop(one, ())
        for group in groups:
            group.open -= 1
        if len(groups) > 1 and not groups[-1].open:
            del self._by_address[one.address]

    def wait(self, one: ClientConnection) -> None:
        """The connection now waits for its client, until its deadline."""
        for group in self._groups_of.get(one, ()):
            group.waiting.pop(one, None)
            group.waiting[one] = None

    def proceed(self, one: ClientConnection) -> None:
        """The connection no longer waits for its client."""
        for group in self._groups_of.get(one, ()):
            group.waiting.pop(one, None)

    def sweep(self, now: float) -> None:
        """Expire overdue connections and evict those above the limits. Call it a few times per second."""
        for one in [one for one in self._all.waiting if one.deadline <= now]:
            one.expire()
        crowded = [group for group in self._by_address.values() if group.open > group.limit]
        for group in (*crowded, self._all):
            for one in list(group.waiting)[: max(0, group.open - group.limit)]:
                if one.since <= now - PATIENCE_SECONDS:
                    self._evict(one)

    def address_of(self, host: str | None) -> str:
        """The key of the limit per address; empty for a trusted proxy and for an invalid address."""
        try:
            address: IPv4Address | IPv6Address = ip_address(host or "")
        except ValueError:
            return ""
        if isinstance(address, IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        if any(address in network for network in self._trusted):
            return ""
        return str(address) if isinstance(address, IPv4Address) else str(ip_network((address, 64), strict=False))

    def _evict(self, one: ClientConnection) -> None:
        CUT.labels("crowded").inc()
        self.remove(one)
        one.evict()
