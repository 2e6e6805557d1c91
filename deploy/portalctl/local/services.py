"""The services of the stack: their settings and readiness."""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from chassis.kafka_access import KafkaAccess
from chassis.service.kafka_settings import kafka_variables
from chassis.tls import system_context
from portalctl.local.errors import PortTaken
from portalctl.local.folder import write_settings
from portalctl.local.keys import Keys
from portalctl.local.ports import is_free
from portalctl.local.programs import Program
from portalctl.local.progress import Report, silent

HOST = "127.0.0.1"
SECRETS = frozenset(
    {
        *("DATABASE_URL", "SERVICE_PRIVATE_KEY", "SERVICE_PUBLIC_KEYS", "OPERATOR_KEY_SHA256", "CURSOR_KEY"),
        *("KEY_ENCRYPTION_KEY", "LINK_PEPPER"),
    }
)
"""Settings that a service reads from files."""
_OWNER_URL = "DATABASE_OWNER_URL"
"""For `migrate` alone: a running service does not get it."""
_ANSWER_SECONDS = 30.0


@dataclass(frozen=True)
class ServiceKind:
    """A service: its public name (for processes, keys and audiences), its package (also for its database and roles), and its
    preferred ports. `admin_port` is for probes and metrics."""

    name: str
    package: str
    port: int
    admin_port: int
    more_ports: Mapping[str, int] = field(default_factory=dict)

    @property
    def admin(self) -> str:
        """The name of the admin port in ports.json."""
        return f"{self.name}-admin"

    @property
    def preferred_ports(self) -> dict[str, int]:
        return {self.name: self.port, self.admin: self.admin_port, **self.more_ports}


SERVICES = (
    ServiceKind("subscriptions", "subscriptions", 20081, 20181),
    ServiceKind("payments", "payments", 20082, 20182, {"cards": 20084}),
    ServiceKind("invoicing", "invoicing", 20083, 20183),
    ServiceKind("portal-gateway", "portal_gateway", 20080, 20180),
)


@dataclass(frozen=True)
class Service:
    """One service with the settings of its process."""

    name: str
    package: str
    port: int
    admin_port: int
    environment: Mapping[str, str]
    log: Path
    files: Path
    """The folder for the secrets among the settings, from where the running process reads changed ones."""

    def write_secrets(self) -> None:
        """Write the secrets among the settings to files. Raises OSError."""
        write_settings(self.files, self.secrets)

    @property
    def secrets(self) -> dict[str, str]:
        return {name: value for name, value in self.environment.items() if name in SECRETS}

    async def prepare(self, report: Report = silent) -> None:
        """Raise PortTaken if another program uses a port of the service. Its tables are migrated before any service starts."""
        for port in (self.port, self.admin_port):
            if not is_free(port):
                raise PortTaken(self.name, f"another program listens on port {port}")

    def program(self) -> Program:
        values = {name: value for name, value in self.environment.items() if name not in SECRETS | {_OWNER_URL}}
        files = {f"{name}_FILE": str(self.files / name) for name in self.secrets}
        return Program(
            name=self.name,
            command=[sys.executable, "-m", self.package, "serve"],
            log=self.log,
            ready=self._ready,
            environment=values | files,
            port=self.port,
        )

    async def _ready(self) -> bool:
        async with httpx.AsyncClient(trust_env=False, verify=system_context(), timeout=_ANSWER_SECONDS) as client:
            try:
                answer = await client.get(f"http://{HOST}:{self.admin_port}/health/ready")
            except httpx.TransportError:
                return False
        return answer.status_code == httpx.codes.OK


def urls(kinds: Iterable[ServiceKind], ports: Mapping[str, int]) -> dict[str, str]:
    """Addresses for customers and merchants. The card page has another host name than the portal, because cookies ignore
    ports."""
    names = [name for kind in kinds for name in (kind.name, *kind.more_ports)]
    return {name: f"http://{'localhost' if name == 'cards' else HOST}:{ports[name]}" for name in names}


def admin_urls(kinds: Iterable[ServiceKind], ports: Mapping[str, int]) -> dict[str, str]:
    """Addresses of each service's probes and metrics."""
    return {kind.name: f"http://{HOST}:{ports[kind.admin]}" for kind in kinds}


def environment(
    kind: ServiceKind,
    *,
    keys: Keys,
    ports: Mapping[str, int],
    at: Mapping[str, str],
    kafka: KafkaAccess,
    database_url: str,
    owner_url: str,
) -> dict[str, str]:
    """Every setting of one service of the local stack. `at` has the addresses of all services."""
    common = {
        "DATABASE_URL": database_url,
        _OWNER_URL: owner_url,
        **kafka_variables(kafka),
        "HTTP_HOST": HOST,
        "HTTP_PORT": str(ports[kind.name]),
        "ADMIN_HOST": HOST,
        "ADMIN_PORT": str(ports[kind.admin]),
        "INSTANCE": "0",
        "ENVIRONMENT": "local",
        "LOG_LEVEL": "info",
        **key_settings(kind.name, keys),
        "TENANTS_SERVICE": "subscriptions",
        "TENANTS_URL": at.get("subscriptions", ""),
    }
    if kind.name == "payments":
        own = {"CARDS_URL": at["cards"], "CARDS_HTTP_PORT": str(ports["cards"]), "PORTAL_ORIGIN": at["portal-gateway"]}
    elif kind.name == "portal-gateway":
        own = {
            "PUBLIC_URL": at["portal-gateway"],
            "SUBSCRIPTIONS_URL": at["subscriptions"],
            "PAYMENTS_URL": at["payments"],
            "INVOICING_URL": at["invoicing"],
            "CARDS_URL": at["cards"],
        }
    else:
        own = {}
    return common | own


def key_settings(service: str, keys: Keys) -> dict[str, str]:
    """The settings of one service that contain keys."""
    settings = {
        "SERVICE_PRIVATE_KEY": keys.private_key(service),
        "SERVICE_PUBLIC_KEYS": keys.public_keys,
        "CURSOR_KEY": ",".join(keys.live("cursor-key")),
        "OPERATOR_KEY_SHA256": keys.operator_key_sha256,
    }
    if service in ("invoicing", "payments"):
        settings["KEY_ENCRYPTION_KEY"] = ",".join(keys.live("key-encryption-key"))
    elif service == "portal-gateway":
        settings["LINK_PEPPER"] = ",".join(keys.live("link-pepper"))
    return settings
