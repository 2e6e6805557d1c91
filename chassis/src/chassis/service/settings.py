"""The settings of a service, read from environment variables: each field name in upper case.

Instead of `NAME`, the variable `NAME_FILE` may name a file that contains the value, such as a mounted secret.
"""

import os
import re
import sys
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from chassis.http.connections import Limits
from chassis.kafka_access import KafkaAccess
from chassis.service.kafka_settings import KafkaSettings
from chassis.service.setting_keys import CursorKeys, PrivateKey, PublicKeys, Sha256s, parts
from chassis.service.setting_types import Expected, Host, KafkaServers, Name, Networks, Port, PostgresUrl, ServiceUrl, TraceUrl
from chassis.service.tls_settings import Authorities, CertificateFile, empty_is_none, key_of
from chassis.tls import CertificateFiles

_CREDENTIALS = re.compile(r"(?<=://)[^/?#\s]*@")
_SHOWN_CHARACTERS_MAX = 80
_EXIT_CODE = 2

Settings = TypeVar("Settings", bound=BaseSettings)


Seconds = Annotated[
    float, Field(gt=0, le=3600, allow_inf_nan=False), Expected("a number of seconds, more than 0 and at most 3600")
]
ConnectionCount = Annotated[int, Field(ge=1, le=1_000_000), Expected("a whole number from 1 to 1000000")]


class ServiceSettings(KafkaSettings):
    """The settings of every service. Secrets have no default."""

    model_config = SettingsConfigDict(
        extra="ignore", frozen=True, hide_input_in_errors=True, validate_default=True, use_attribute_docstrings=True
    )

    database_url: PostgresUrl
    """PostgreSQL, as the service's role, which does not own the tables."""
    database_owner_url: PostgresUrl | None = None
    """PostgreSQL, as the owner of the tables. Only `migrate` needs it."""
    database_connections: Annotated[int, Field(ge=2, le=500), Expected("a whole number from 2 to 500")] = 10
    """The maximum number of connections to PostgreSQL."""
    kafka_bootstrap_servers: KafkaServers
    """Kafka, as host:port, separated by commas."""
    http_host: Host = "127.0.0.1"
    """The address on which the API listens."""
    http_port: Port
    """The port on which the API listens."""
    http_certificate_file: CertificateFile = None
    """The certificate of the API's address, with those of intermediate authorities (PEM). With it the API listens for HTTPS only.
    Changed files are read again. Empty: HTTP."""
    http_key_file: Annotated[
        Path | None,
        BeforeValidator(empty_is_none),
        AfterValidator(key_of("http_certificate_file")),
        Expected("a file with the unencrypted key of HTTP_CERTIFICATE_FILE (PEM), if that has none", secret=True),
    ] = None
    """The key of that certificate."""
    admin_host: Host = "127.0.0.1"
    """The address on which probes and metrics listen."""
    admin_port: Annotated[int, Field(ge=0, le=65535), Expected("a port from 1 to 65535, or 0 for any free one")] = 0
    """The port on which probes and metrics listen. With 0 the system chooses one, and the log names it."""
    http_head_bytes: Annotated[int, Field(ge=1024, le=1_048_576), Expected("a whole number from 1024 to 1048576")] = 32 * 1024
    """The maximum size of the request line and headers."""
    http_head_seconds: Seconds = 10
    """The time limit for receiving the request line and headers."""
    http_body_seconds: Seconds = 30
    """The time limit for receiving the body of a request."""
    http_idle_seconds: Seconds = 75
    """The time limit for an idle connection."""
    http_stall_seconds: Seconds = 30
    """The time limit for a response that the client does not read."""
    http_connections: ConnectionCount = 1000
    """The maximum number of connections."""
    http_connections_per_address: ConnectionCount = 256
    """The maximum number of connections per client address. It does not apply to `trusted_proxies`."""
    trusted_proxies: Networks = ""
    """Addresses and networks, separated by commas: `10.0.0.0/8,fd00::/8`. The X-Forwarded-For header of these peers names the
    client. Empty: the header is ignored."""
    instance: Name = "0"
    """A stable name of the replica, unique among the service's processes, such as the ordinal in a StatefulSet."""
    environment: Annotated[Literal["local", "staging", "production"], Expected("local, staging or production")] = "production"
    """`local` and `staging` allow the sandbox provider, and make new merchants sandboxes by default. Outside of `local`, a worker
    needs INSTANCE."""
    log_level: Annotated[Literal["debug", "info", "warning", "error"], Expected("debug, info, warning or error")] = "info"
    """The lowest level that is logged: debug, info, warning or error."""
    log_format: Annotated[Literal["json", "console"], Expected("json or console")] = "json"
    """`json`, or `console` for a terminal."""
    otlp_endpoint: TraceUrl | None = None
    """The endpoint for traces (OTLP over HTTP). Empty: traces are not exported."""
    shutdown_seconds: Annotated[
        float, Field(ge=5, le=3600, allow_inf_nan=False), Expected("a number of seconds from 5 to 3600")
    ] = 15
    service_private_key: PrivateKey
    """This service's Ed25519 key (JWK, JSON). It signs requests to other services."""
    service_public_keys: PublicKeys
    """The public keys of all services (JWKS, JSON). `kid` is the name of the service, or `<service>/<n>`: a service may have
    several keys."""
    operator_key_sha256: Sha256s
    """The SHA-256 of each valid operator's key, in hexadecimal digits, separated by commas."""
    cursor_key: CursorKeys
    """The secrets that sign the cursors of lists, separated by commas: the first one signs, all of them verify."""
    tenants_service: Name
    """The name of the service that owns merchants and their API keys."""
    tenants_url: ServiceUrl
    """The URL of that service."""
    services_ca_file: Authorities = None
    """The authorities that the certificates of other services come from, for https URLs. Empty: those of the system."""

    @property
    def kafka(self) -> KafkaAccess:
        return self.kafka_access(self.kafka_bootstrap_servers)

    @property
    def cursor_keys(self) -> tuple[str, ...]:
        """The first one signs, all of them verify."""
        return parts(self.cursor_key.get_secret_value())

    @property
    def operator_digests(self) -> tuple[str, ...]:
        """SHA-256 of each valid operator's key, in hex."""
        return parts(self.operator_key_sha256)

    @property
    def http_certificate(self) -> CertificateFiles | None:
        return CertificateFiles(self.http_certificate_file, self.http_key_file) if self.http_certificate_file else None

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


class SettingsError(Exception):
    """One or more settings are invalid. `problems` has a sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def read_settings(settings_class: type[Settings], *required: str) -> Settings:
    """Read the settings from the environment. Those in `required` must be set. Raises SettingsError with all problems."""
    values, problems = _values_in_files(settings_class)
    settings = None
    try:
        settings = settings_class(**values)
    except ValidationError as error:
        for one in error.errors(include_url=False):
            name = str(one["loc"][0])
            problems.setdefault(name, _sentence(settings_class, name, one))
    for name in required:
        if not (values.get(name) or os.environ.get(name.upper())):
            state = "is empty" if name.upper() in os.environ else "is not set"
            problems.setdefault(name, f"{name.upper()} {state}; expected {_expected(settings_class, name).what}")
    if settings is None or problems:
        raise SettingsError(list(problems.values()))
    return settings


def _values_in_files(settings_class: type[BaseSettings]) -> tuple[dict[str, Any], dict[str, str]]:
    """The values of settings that are read from files, and a sentence for each that cannot be read, by the field's name."""
    values: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for name in settings_class.model_fields:
        variable = f"{name.upper()}_FILE"
        path = os.environ.get(variable)
        if not path or variable.lower() in settings_class.model_fields:
            continue
        if os.environ.get(name.upper()):
            problems[name] = f"{name.upper()} and {variable} are both set; expected one of them"
            continue
        try:
            values[name] = Path(path).read_text("utf-8").removesuffix("\n")
        except (OSError, ValueError):
            shown = "" if _expected(settings_class, name).secret else f" {_shortened(path)!r}"
            problems[name] = f"{variable} names a file{shown} that cannot be read; expected a readable file of UTF-8 text"
    return values, problems


def exit_with(program: str, error: SettingsError) -> NoReturn:
    """Write the problems to standard error, and exit with code 2."""
    for problem in error.problems:
        sys.stderr.write(f"{program}: {problem}\n")
    raise SystemExit(_EXIT_CODE)


def _sentence(settings_class: type[BaseSettings], name: str, error: ErrorDetails) -> str:
    expected = _expected(settings_class, name)
    return f"{name.upper()} {_problem(error, expected.secret)}; expected {expected.what}"


def _expected(settings_class: type[BaseSettings], name: str) -> Expected:
    field = settings_class.model_fields[name]
    return next(
        (one for one in _metadata(field.annotation, field.metadata) if isinstance(one, Expected)), Expected("another value")
    )


def _metadata(annotation: Any, metadata: list[Any]) -> list[Any]:
    """The metadata of a field and of its type. In an optional type it belongs to the member of the union."""
    of_members = [one for member in getattr(annotation, "__args__", ()) for one in getattr(member, "__metadata__", ())]
    return [*metadata, *of_members]


def _problem(error: ErrorDetails, secret: bool) -> str:
    value = error["input"].get_secret_value() if isinstance(error["input"], SecretStr) else error["input"]
    if error["type"] == "missing":
        return "is not set"
    if isinstance(value, str) and not value.strip():
        return "is empty"
    reason = str(error["ctx"]["error"]) if error["type"] == "value_error" else ""
    if secret:
        return reason or "is malformed"
    shown = _CREDENTIALS.sub("[redacted]@", str(value))
    shown = _shortened(shown)
    return f"is {shown!r}, which {reason}" if reason else f"is {shown!r}"


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS_MAX else f"{text[:_SHOWN_CHARACTERS_MAX]}…"
