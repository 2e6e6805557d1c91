"""What an operator can set, from the environment: each name in upper case."""

from ipaddress import ip_network
from typing import Annotated, Literal

from pydantic import AfterValidator, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


def _networks(text: str) -> str:
    for network in text.split(",") if text else ():
        if ip_network(network.strip()).prefixlen == 0:
            raise ValueError(f"{network}: whoever trusts every address believes anybody")
    return text


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
