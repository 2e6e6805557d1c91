"""Types of settings. Each one says what it expects, so that a wrong value is answered with one sentence.

A validator raises ValueError with a predicate about the value ("names no host"). The message never repeats the value:
chassis.service.settings decides whether it may be shown.
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
    """Metadata of a field: what its value is to be. A secret's value is never shown."""

    what: str
    secret: bool = False


def hosts_and_ports(text: str) -> list[tuple[str, str]]:
    """Each `host[:port]` of a list with commas. IPv6 addresses are in brackets. Raises ValueError."""
    found = []
    for part in text.split(","):
        inside = _HOST_AND_PORT.fullmatch(part.strip())
        if inside is None:
            raise ValueError("has more than one colon in a host and port")
        host, port = inside["v6"] or inside["name"], inside["port"]
        if not host:
            raise ValueError("lacks a host")
        if not _is_address(host, 6 if inside["v6"] else 4) and (inside["v6"] or not _is_host_name(host)):
            raise ValueError("has a host that is neither a name nor an address")
        if port is not None and not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65535):
            raise ValueError("has a port that is no number from 1 to 65535")
        found.append((host, port or ""))
    return found


def _is_address(text: str, version: int | None = None) -> bool:
    try:
        return version in (None, ip_address(text).version)
    except ValueError:
        return False


def _is_host_name(text: str) -> bool:
    """What ends with a number can only be an address."""
    return bool(_HOST_NAME.fullmatch(text)) and not text.rstrip(".").rpartition(".")[2].isdigit()


def _address(text: str) -> str:
    if not _is_address(text) and not _is_host_name(text):
        raise ValueError("is neither a name nor an address")
    return text


def _named(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError("is no such name")
    return text


def _servers(text: str) -> str:
    if not all(port for _, port in hosts_and_ports(text)):
        raise ValueError("has a host without a port")
    return text


def _networks(text: str) -> str:
    for network in text.split(",") if text else ():
        try:
            parsed = ip_network(network.strip())
        except ValueError:
            raise ValueError("has a part that is no network") from None
        if parsed.prefixlen == 0:
            raise ValueError("trusts every address")
    return text


def _split(url: str) -> SplitResult:
    if _UNPRINTABLE.search(url):
        raise ValueError("contains a space, line break or control character")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError("is no URL") from None
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
    """The URL as browsers write an origin. Raises ValueError for what is none."""
    parts = _http(url)
    if parts.path not in ("", "/") or parts.query:
        raise ValueError("has more than scheme, host and port")
    return f"{parts.scheme}://{parts.netloc}"


def _safe_origin(url: str) -> str:
    found = origin(url)
    if not found.startswith("https://") and urlsplit(found).hostname not in ("127.0.0.1", "localhost", "::1"):
        # A session or a card could be stolen on the way.
        raise ValueError("uses plain http to a host other than loopback")
    return found


def _trace_url(url: str) -> str:
    return _service_url(url) if url else url


def postgres_parts(url: str, *, complete: bool) -> SplitResult:
    """Raises ValueError unless it is a URL that asyncpg takes; a complete one names a user and a database too."""
    parts = _split(url)
    if parts.scheme not in ("postgresql", "postgres"):
        raise ValueError("does not begin with postgresql://")
    try:
        query = parse_qs(parts.query, strict_parsing=True) if parts.query else {}
    except ValueError:
        raise ValueError("has parameters after ? that are no name=value pairs") from None
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
Name = Annotated[str, AfterValidator(_named), Expected("a name of at most 63 letters, digits, dots, hyphens and underscores")]
KafkaServers = Annotated[str, AfterValidator(_servers), Expected("Kafka servers as host:port, separated by commas")]
Networks = Annotated[
    str, AfterValidator(_networks), Expected("networks such as 10.0.0.0/8, separated by commas, none that holds every address")
]
ServiceUrl = Annotated[str, AfterValidator(_service_url), Expected("a URL such as http://service:8080")]
TraceUrl = Annotated[str, AfterValidator(_trace_url), Expected("a URL such as http://collector:4318, or nothing")]
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
