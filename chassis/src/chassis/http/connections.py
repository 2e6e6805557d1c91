"""How many connections a process holds, and for how long it waits for the other side of each."""

from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final, Protocol

from prometheus_client import Counter

PATIENCE_SECONDS: Final = 1.0

CUT = Counter("http_connections_cut_total", "Connections that the server ended because of a limit", ["reason"])


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client may use of a server. Sizes in bytes, times in seconds."""

    head_bytes: int = 32 * 1024
    """Request line and header fields together; also trailers and chunk headers, as far as they exceed the size of the body."""
    head_seconds: float = 10
    body_seconds: float = 30
    idle_seconds: float = 75
    """Between an answer and the next request."""
    stall_seconds: float = 30
    """While the client does not read the answer and the buffers are full."""
    connections: int = 1000
    connections_per_address: int = 256
    """Of one IPv4 address or one IPv6 network of 64 bits; trusted proxies have no such bound."""


class Connection(Protocol):
    """A connection as its registry sees it."""

    address: str
    since: float
    """When it began to wait, on the event loop's clock."""
    deadline: float
    """When it has waited too long."""

    def expire(self) -> None:
        """The deadline has passed."""

    def evict(self) -> None:
        """Ends at once, without an answer."""


@dataclass(slots=True)
class _Group:
    """Connections that share a bound."""

    bound: int
    open: int = 0
    waiting: dict[Connection, None] = field(default_factory=dict)
    """In the order in which they began to wait."""

    @property
    def busy(self) -> bool:
        """Whether as many as the bound are being answered."""
        return self.open - len(self.waiting) >= self.bound


class Connections:
    """The open connections of one process. Above a bound, those that have waited longest for their clients are ended.

    Waiting are connections that are idle, and those of clients that send or read too slowly. One with a complete request is
    never ended: where as many as the bound are being answered, new ones are refused. Up to twice the bound, a connection may
    wait for `PATIENCE_SECONDS`: in a sudden flood, an honest request has this time to arrive.
    """

    def __init__(self, limits: Limits, trusted_proxies: str = "") -> None:
        """`trusted_proxies`: addresses and networks, separated by commas."""
        self.limits = limits
        self._trusted = [ip_network(one.strip()) for one in trusted_proxies.split(",") if one.strip()]
        self._all = _Group(limits.connections)
        self._by_address: dict[str, _Group] = {}
        self._of: dict[Connection, tuple[_Group, ...]] = {}

    def admit(self, one: Connection) -> bool:
        """Whether there is room for the connection, which then counts until it is removed."""
        groups: tuple[_Group, ...] = (self._all,)
        if one.address:
            groups = (self._all, self._by_address.get(one.address) or _Group(self.limits.connections_per_address))
        if any(group.busy for group in groups):
            CUT.labels("refused").inc()
            return False
        for group in groups:
            if group.open >= 2 * group.bound:
                self._evict(next(iter(group.waiting)))
        for group in groups:
            group.open += 1
        self._of[one] = groups
        if one.address:
            self._by_address[one.address] = groups[-1]
        return True

    def remove(self, one: Connection) -> None:
        self.proceed(one)
        groups = self._of.pop(one, ())
        for group in groups:
            group.open -= 1
        if len(groups) > 1 and not groups[-1].open:
            del self._by_address[one.address]

    def wait(self, one: Connection) -> None:
        """The client has to do something until the connection's deadline."""
        for group in self._of.get(one, ()):
            group.waiting.pop(one, None)
            group.waiting[one] = None

    def proceed(self, one: Connection) -> None:
        """It is the server's turn."""
        for group in self._of.get(one, ()):
            group.waiting.pop(one, None)

    def sweep(self, now: float) -> None:
        """Ends what has waited too long, and what is above the bounds. To be called a few times a second."""
        for one in [one for one in self._all.waiting if one.deadline <= now]:
            one.expire()
        crowded = [group for group in self._by_address.values() if group.open > group.bound]
        for group in (*crowded, self._all):
            for one in list(group.waiting)[: max(0, group.open - group.bound)]:
                if one.since <= now - PATIENCE_SECONDS:
                    self._evict(one)

    def address_of(self, host: str | None) -> str:
        """What the bound per address counts: empty for a trusted proxy, and for what is no address."""
        try:
            address: IPv4Address | IPv6Address = ip_address(host or "")
        except ValueError:
            return ""
        if isinstance(address, IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        if any(address in network for network in self._trusted):
            return ""
        return str(address) if isinstance(address, IPv4Address) else str(ip_network((address, 64), strict=False))

    def _evict(self, one: Connection) -> None:
        CUT.labels("crowded").inc()
        self.remove(one)
        one.evict()
