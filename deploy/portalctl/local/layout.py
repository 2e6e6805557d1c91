"""The keys, ports and addresses of a start, and the processes that follow from them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chassis.kafka_access import KafkaAccess
from chassis.service.settings import read_settings
from portalctl.local.databases import Database, Role, url_of
from portalctl.local.event_pages import NAME, PORT, EventPages
from portalctl.local.folder import Folder, read_json
from portalctl.local.kafka import KafkaServer
from portalctl.local.keys import Keys, load_or_create_keys
from portalctl.local.ports import assign_ports
from portalctl.local.postgres import PostgresServer
from portalctl.local.services import SERVICES, Service, ServiceKind, admin_urls, environment, urls
from portalctl.settings import Settings

_SERVER_PORTS = {"postgres": 20432, "kafka": 20092, "kafka-controller": 20093, NAME: PORT}
_PORTS_OF_SERVERS = {"postgres": ["postgres"], "kafka": ["kafka", "kafka-controller"], NAME: [NAME]}


@dataclass(frozen=True)
class ExternalServers:
    """Existing servers to use instead of local ones. `postgres` is an administrator's URL."""

    kafka: KafkaAccess | None = None
    postgres: str | None = None
    wal_archive: Path | None = None
    """Where the local PostgreSQL, if it is used, archives its log."""

    @classmethod
    def of(cls, settings: Settings) -> "ExternalServers":
        url = settings.portal_postgres_url
        archive = settings.portal_wal_archive
        return cls(settings.kafka_of({}), url.get_secret_value() if url else None, Path(archive) if archive else None)


@dataclass(frozen=True)
class Layout:
    folder: Folder
    kinds: Sequence[ServiceKind]
    external: ExternalServers
    keys: Keys
    ports: Mapping[str, int]

    @property
    def postgres(self) -> PostgresServer | None:
        if self.external.postgres:
            return None
        log = self.folder.log("postgres")
        archive = self.external.wal_archive
        return PostgresServer(
            self.folder.postgres, self.ports["postgres"], self.keys.passwords["postgres"], log, wal_archive=archive
        )

    @property
    def kafka(self) -> KafkaServer | None:
        if self.external.kafka:
            return None
        log = self.folder.log("kafka")
        return KafkaServer(self.folder.kafka, self.ports["kafka"], self.ports["kafka-controller"], log)

    @property
    def admin_url(self) -> str:
        own = self.postgres
        return own.url if own else str(self.external.postgres)

    @property
    def kafka_access(self) -> KafkaAccess:
        if self.external.kafka:
            return self.external.kafka
        assert self.kafka is not None
        return KafkaAccess(self.kafka.bootstrap_servers)

    @property
    def databases(self) -> list[Database]:
        return [self.database(kind) for kind in self.kinds]

    @property
    def services(self) -> list[Service]:
        return [self._service(kind) for kind in self.kinds]

    @property
    def event_pages(self) -> EventPages:
        return EventPages(self.ports[NAME], self.folder.log(NAME))

    def state(self) -> dict[str, Any]:
        """The fields of state.json that do not change while the stack runs."""
        owners = {one.name: self.owner_url(one) for one in self.databases}
        names = [name for name, own in (("postgres", self.postgres), ("kafka", self.kafka)) if own]
        return {
            "urls": urls(self.kinds, self.ports) | {NAME: self.event_pages.url},
            "admin_urls": admin_urls(self.kinds, self.ports),
            "kafka": {"bootstrap_servers": self.kafka_access.servers},
            "postgres": owners,
            "logs": {name: str(self.folder.log(name)) for name in [*names, *(kind.name for kind in self.kinds), NAME]},
            "operator_key": self.keys.operator_key,
        }

    def database(self, kind: ServiceKind) -> Database:
        owner, service = _roles(kind)
        return Database(kind.package, Role(owner, self.keys.passwords[owner]), Role(service, self.keys.passwords[service]))

    def owner_url(self, database: Database) -> str:
        return url_of(self.admin_url, database.name, database.owner)

    def _service(self, kind: ServiceKind) -> Service:
        database = self.database(kind)
        variables = environment(
            kind,
            keys=self.keys,
            ports=self.ports,
            at=urls(self.kinds, self.ports),
            kafka=self.kafka_access,
            database_url=url_of(self.admin_url, database.name, database.service),
            owner_url=self.owner_url(database),
        )
        log, files = self.folder.log(kind.name), self.folder.secret_files / kind.name
        return Service(kind.name, kind.package, self.ports[kind.name], self.ports[kind.admin], variables, log, files)


def layout_for_start(
    folder: Folder, kinds: Sequence[ServiceKind], external: ExternalServers, taken: Iterable[str] = ()
) -> Layout:
    """The layout of a new start, while the stack does not run. `taken` names processes with a port that another program uses."""
    ports_of = _PORTS_OF_SERVERS | {kind.name: list(kind.preferred_ports) for kind in kinds}
    ports = assign_ports(folder, _preferred(kinds), [port for name in taken for port in ports_of[name]])
    return Layout(folder, kinds, external, _keys(folder, kinds), ports)


def layout_as_started(folder: Folder) -> Layout:
    """With the ports of the latest start, and those that one would prefer in a folder in which nothing was started."""
    ports = _preferred(SERVICES) | read_json(folder.ports)
    return Layout(folder, SERVICES, ExternalServers.of(read_settings(Settings)), _keys(folder, SERVICES), ports)


def _preferred(kinds: Sequence[ServiceKind]) -> dict[str, int]:
    return _SERVER_PORTS | {name: port for kind in kinds for name, port in kind.preferred_ports.items()}


def _keys(folder: Folder, kinds: Sequence[ServiceKind]) -> Keys:
    return load_or_create_keys(folder, [role for kind in kinds for role in _roles(kind)], [kind.name for kind in kinds])


def _roles(kind: ServiceKind) -> tuple[str, str]:
    return f"{kind.package}_owner", kind.package
