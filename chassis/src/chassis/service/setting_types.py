"""Types of settings. Each type describes the expected value, so that an invalid value is reported in one sentence.

A validator raises ValueError with a predicate about the value ("names no host"). The message never contains the value:
chassis.service.settings decides whether it is shown.
"""

import re
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Annotated
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from pydantic import AfterValidator, Field, SecretStr

_HOST_AND_PORT = re.compile(r"(?:\[(?P<v6>[^]]*)]|(?P<name>[^:]*))(?::(?P<port>.*))?")
_HOST_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252})")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f]")


@dataclass(frozen=True)
class Expected:
    """Metadata of a field: the description of its expected value, and whether the value is secret."""

    what: str
    secret: bool = False


def hosts_and_ports(text: str) -> list[tuple[str, str]]:
    """The (host, port or "") pairs of comma-separated `host[:port]`. IPv6 addresses are in brackets. Raises ValueError."""
    pairs = []
    for part in text.split(","):
        match = _HOST_AND_PORT.fullmatch(part.strip())
        if match is None:
            raise ValueError("has more than one colon in a host and port")
        host, port = match["v6"] or match["name"], match["port"]
        if not host:
            raise ValueError("lacks a host")
        if not _is_address(host, 6 if match["v6"] else 4) and (match["v6"] or not _is_host_name(host)):
            raise ValueError("has a host that is neither a name nor an address")
        if port is not None and not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65535):
            raise ValueError("has a port that is not a number from 1 to 65535")
        pairs.append((host, port or ""))
    return pairs


def _is_address(text: str, version: int | None = None) -> bool:
    try:
        return version in (None, ip_address(text).version)
    except ValueError:
        return False


def _is_host_name(text: str) -> bool:
    """A name that ends in a number would be an address."""
    return bool(_HOST_NAME.fullmatch(text)) and not text.rstrip(".").rpartition(".")[2].isdigit()


def _address(text: str) -> str:
    if not _is_address(text) and not _is_host_name(text):
        raise ValueError("is neither a name nor an address")
    return text


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError("is not a valid name")
    return text


def _servers(text: str) -> str:
    if not all(port for _, port in hosts_and_ports(text)):
        raise ValueError("has a host without a port")
    return text


def _server(text: str) -> str:
    if "," in text:
        raise ValueError("names more than one host")
    return _servers(text)


def _networks(text: str) -> str:
    for network in text.split(",") if text else ():
        try:
            parsed = ip_network(network.strip())
        except ValueError:
            raise ValueError("has a part that is not a network") from None
        if parsed.prefixlen == 0:
            raise ValueError("trusts every address")
    return text


def _split(url: str) -> SplitResult:
    if _UNPRINTABLE.search(url):
        raise ValueError("contains a space, line break or control character")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError("is not a URL") from None
    if parts.fragment:
        raise ValueError("contains a # that is not percent-encoded")
    return parts


def _http(url: str) -> SplitResult:
    parts = _split(url)
    if parts.scheme not in ("http", "https"):
        raise ValueError("does not begin with http:// or https://")
    if "@" in parts.netloc:
        raise ValueError("contains a user name or password")
    if len(hosts_and_ports(parts.netloc)) != 1:
        raise ValueError("names more than one host")
    return parts


def _service_url(url: str) -> str:
    if _http(url).query:
        raise ValueError("contains a ?")
    return url


def origin(url: str) -> str:
    """The URL in the form of an `Origin` header. Raises ValueError if it is not an origin."""
    parts = _http(url)
    if parts.path not in ("", "/") or parts.query:
        raise ValueError("has more than scheme, host and port")
    return f"{parts.scheme}://{parts.netloc}"


def _safe_origin(url: str) -> str:
    safe = origin(url)
    if not safe.startswith("https://") and urlsplit(safe).hostname not in ("127.0.0.1", "localhost", "::1"):
        # Sessions and card numbers could be intercepted.
        raise ValueError("uses plain http to a host other than loopback")
    return safe


def _trace_url(url: str) -> str:
    return _service_url(url) if url else url


def postgres_parts(url: str, *, complete: bool) -> SplitResult:
    """Split a URL that asyncpg accepts; a `complete` one also names a user and a database. Raises ValueError."""
    parts = _split(url)
    if parts.scheme not in ("postgresql", "postgres"):
        raise ValueError("does not begin with postgresql://")
    try:
        query = parse_qs(parts.query, strict_parsing=True) if parts.query else {}
    except ValueError:
        raise ValueError("has parameters after ? that are not name=value pairs") from None
    user, _, hosts = parts.netloc.rpartition("@")
    if not hosts and "host" not in query:
        raise ValueError("names no host")
    if hosts:
        hosts_and_ports(hosts)
    if query.get("sslmode", ["prefer"])[-1] not in _SSL_MODES:
        raise ValueError("has an unknown sslmode")
    if complete and not unquote(user.partition(":")[0]) and "user" not in query:
        raise ValueError("names no user")
    if complete and not parts.path.strip("/") and not {"dbname", "database"} & query.keys():
        raise ValueError("names no database")
    return parts


def _postgres(url: SecretStr) -> SecretStr:
    postgres_parts(url.get_secret_value(), complete=True)
    return url


def _administrator(url: SecretStr) -> SecretStr:
    postgres_parts(url.get_secret_value(), complete=False)
    return url


Port = Annotated[int, Field(ge=1, le=65535), Expected("a port from 1 to 65535")]
Host = Annotated[str, AfterValidator(_address), Expected("an address or host name to listen on, such as 127.0.0.1 or ::")]
Name = Annotated[str, AfterValidator(_name), Expected("a name of at most 63 letters, digits, dots, hyphens and underscores")]
HostAndPort = Annotated[str, AfterValidator(_server), Expected("a host and a port such as postgres:5432")]
KafkaServers = Annotated[str, AfterValidator(_servers), Expected("Kafka servers as host:port, separated by commas")]
Networks = Annotated[
    str,
    AfterValidator(_networks),
    Expected("networks such as 10.0.0.0/8, separated by commas, except for a network of all addresses"),
]
ServiceUrl = Annotated[str, AfterValidator(_service_url), Expected("a URL such as http://service:8080")]
TraceUrl = Annotated[str, AfterValidator(_trace_url), Expected("a URL such as http://collector:4318, or an empty value")]
Origin = Annotated[str, AfterValidator(origin), Expected("an origin such as https://portal.example")]
SafeOrigin = Annotated[
    str, AfterValidator(_safe_origin), Expected("an origin such as https://portal.example; plain http only on loopback")
]
PostgresUrl = Annotated[
    SecretStr, AfterValidator(_postgres), Expected("a URL such as postgresql://user:password@host:5432/database", secret=True)
]
AdministratorUrl = Annotated[
    SecretStr, AfterValidator(_administrator), Expected("a URL such as postgresql://user:password@host:5432", secret=True)
]
