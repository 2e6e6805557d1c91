"""Settings of portalctl from the environment, each name in upper case. An empty variable counts as absent."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field
from pydantic_settings import SettingsConfigDict

from chassis.kafka_access import KafkaAccess
from chassis.service.kafka_settings import KafkaSettings
from chassis.service.setting_types import AdministratorUrl, Expected, KafkaServers, PostgresUrl

DEADLINE_SECONDS = 600.0


def _wal_folder(text: str) -> str:
    if not text.startswith("/"):
        raise ValueError("is not an absolute path")
    if any(each in "'%\\\"" or not each.isprintable() for each in text):
        raise ValueError("contains a quote, percent sign, backslash or control character")
    return text.rstrip("/") or "/"


WalFolder = Annotated[str, AfterValidator(_wal_folder), Expected("the absolute path of a folder, without quotes and %")]


class Settings(KafkaSettings):
    model_config = SettingsConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True, env_ignore_empty=True)

    kafka_bootstrap_servers: KafkaServers | None = None
    """Kafka servers to use instead of a local one."""
    portal_postgres_url: AdministratorUrl | None = None
    """A PostgreSQL server to use instead of a local one, with an administrator who may create roles and databases. PG* variables
    are ignored."""
    portal_wal_archive: WalFolder | None = None
    """A folder into which the local stack's PostgreSQL archives its log, every 60 s at most, for restores to any time. Best on
    another disk."""
    portal_deadline_seconds: Annotated[
        float, Field(ge=5, le=86400, allow_inf_nan=False), Expected("a number of seconds from 5 to 86400")
    ] = DEADLINE_SECONDS
    """Limit of each step: generous, because a machine may be slow or busy."""
    replication: Annotated[int, Field(ge=1, le=100), Expected("a whole number from 1 to 100")] = 1
    """Copies of each partition of new topics."""
    subscriptions_database_url: PostgresUrl | None = None
    payments_database_url: PostgresUrl | None = None
    invoicing_database_url: PostgresUrl | None = None
    portal_gateway_database_url: PostgresUrl | None = None
    """Databases for `verify`, with roles that may read every table."""

    def kafka_of(self, state: Mapping[str, Any]) -> KafkaAccess | None:
        """The servers that these settings name, or those of state.json; None if neither names any. The stack's own Kafka is
        reached without TLS."""
        if self.kafka_bootstrap_servers:
            return self.kafka_access(self.kafka_bootstrap_servers)
        servers = state.get("kafka", {}).get("bootstrap_servers")
        if not servers:
            return None
        return KafkaAccess(servers) if "kafka" in state.get("logs", {}) else self.kafka_access(servers)
