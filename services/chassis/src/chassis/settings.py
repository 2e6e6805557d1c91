"""What an operator can set, from the environment: each name in upper case."""

from ipaddress import ip_network
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from chassis.http.connections import Limits


def _networks(text: str) -> str:
    for network in text.split(",") if text else ():
        if ip_network(network.strip()).prefixlen == 0:
            raise ValueError(f"{network}: whoever trusts every address believes anybody")
    return text


Seconds = Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)]


class ServiceSettings(BaseSettings):
    """The knobs that every service has. Secrets have no default."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    database_url: SecretStr
    """PostgreSQL, as the service's own role, which owns nothing."""
    database_owner_url: SecretStr | None = None
    """PostgreSQL, as the owner of the tables: needed by `migrate` alone."""
    database_connections: int = 10
    kafka_bootstrap_servers: str
    http_host: str = "127.0.0.1"
    http_port: int
    admin_host: str = "127.0.0.1"
    admin_port: int = 0
    """Where probes and metrics are answered, apart from the API; 0 is any free port, which the log names."""
    http_head_bytes: Annotated[int, Field(ge=1024, le=1_048_576)] = 32 * 1024
    """The most that request line and headers may have."""
    http_head_seconds: Seconds = 10
    http_body_seconds: Seconds = 30
    http_idle_seconds: Seconds = 75
    http_stall_seconds: Seconds = 30
    """How long a request's head and body may take to arrive, a connection may rest, and an answer may stay unread."""
    http_connections: Annotated[int, Field(ge=1)] = 1000
    http_connections_per_address: Annotated[int, Field(ge=1)] = 256
    """The second does not hold for `trusted_proxies`."""
    trusted_proxies: Annotated[str, AfterValidator(_networks)] = ""
    """Addresses and networks apart by commas, `10.0.0.0/8,fd00::/8`: whoever connects from there says in X-Forwarded-For
    whom it connects for. None: the header is not read."""
    instance: str = "0"
    """Stable per replica and unique among the service's processes: the ordinal in a StatefulSet."""
    environment: Literal["local", "production"] = "production"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] = "json"
    otlp_endpoint: str | None = None
    """Where traces go (OTLP over HTTP); none: nowhere."""
    shutdown_seconds: float = 15
    service_private_key: SecretStr
    """This service's Ed25519 key (JWK, JSON), with which it signs what it asks of other services."""
    service_public_keys: str
    """Every service's public key (JWKS, JSON); `kid` is the service's name."""
    operator_key_sha256: str
    """Of the operator's API key, in hex."""
    cursor_key: SecretStr
    """Signs list cursors."""
    tenants_service: str
    """The name of the service that owns merchants and their keys."""
    tenants_url: str
    """Where it can be asked."""

    @property
    def limits(self) -> Limits:
        return Limits(
            head_bytes=self.http_head_bytes,
            head_seconds=self.http_head_seconds,
            body_seconds=self.http_body_seconds,
            idle_seconds=self.http_idle_seconds,
            stall_seconds=self.http_stall_seconds,
            connections=self.http_connections,
            connections_per_address=self.http_connections_per_address,
        )
