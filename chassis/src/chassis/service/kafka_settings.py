"""The settings of the access to Kafka: of each service and of portalctl."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

from chassis.kafka_access import KafkaAccess, Mechanism, Protocol
from chassis.service.setting_types import Expected
from chassis.service.tls_settings import authorities, certificate, empty_is_none, key_of


def _secure(mechanism: Mechanism, info: ValidationInfo) -> Mechanism:
    if mechanism == "PLAIN" and info.data.get("kafka_security_protocol") == "SASL_PLAINTEXT":
        raise ValueError("sends the password in clear text without TLS")
    return mechanism


def _credential(value: Any, info: ValidationInfo) -> Any:
    protocol = info.data.get("kafka_security_protocol")
    if protocol and bool(len(value)) != protocol.startswith("SASL"):
        raise ValueError("is needed with SASL" if not value else "is set, but the protocol has no SASL")
    return value


def _with_tls(path: Path | None, info: ValidationInfo) -> Path | None:
    protocol = info.data.get("kafka_security_protocol")
    if path is not None and protocol and not protocol.endswith("SSL"):
        raise ValueError("is set, but the protocol has no TLS")
    return path


class KafkaSettings(BaseSettings):
    model_config = SettingsConfigDict(validate_default=True, use_attribute_docstrings=True)

    kafka_security_protocol: Annotated[Protocol, Expected("PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL")] = "PLAINTEXT"
    """How Kafka is reached. `SSL` and `SASL_SSL` use TLS and check the broker's certificate and host name."""
    kafka_sasl_mechanism: Annotated[
        Mechanism, AfterValidator(_secure), Expected("SCRAM-SHA-512, SCRAM-SHA-256, or PLAIN with SASL_SSL")
    ] = "SCRAM-SHA-512"
    """How the password is proven with `SASL_SSL` and `SASL_PLAINTEXT`."""
    kafka_username: Annotated[
        str, Field(max_length=255), AfterValidator(_credential), Expected("a user name with SASL_SSL or SASL_PLAINTEXT only")
    ] = ""
    """The Kafka user of this service."""
    kafka_password: Annotated[
        SecretStr,
        Field(max_length=255),
        AfterValidator(_credential),
        Expected("a password with SASL_SSL or SASL_PLAINTEXT only", secret=True),
    ] = SecretStr("")
    """The password of that user."""
    kafka_ca_file: Annotated[
        Annotated[Path, AfterValidator(_with_tls), AfterValidator(authorities)] | None,
        BeforeValidator(empty_is_none),
        Expected("a file with certificates of authorities (PEM), with SSL or SASL_SSL"),
    ] = None
    """The authorities that the brokers' certificates come from. Empty: those of the system."""
    kafka_certificate_file: Annotated[
        Annotated[Path, AfterValidator(_with_tls), AfterValidator(certificate)] | None,
        BeforeValidator(empty_is_none),
        Expected("a file with a certificate (PEM), with SSL or SASL_SSL"),
    ] = None
    """This client's certificate, if the brokers require one."""
    kafka_key_file: Annotated[
        Path | None,
        BeforeValidator(empty_is_none),
        AfterValidator(_with_tls),
        AfterValidator(key_of("kafka_certificate_file")),
        Expected("a file with the unencrypted key of KAFKA_CERTIFICATE_FILE (PEM), if that has none", secret=True),
    ] = None
    """The key of that certificate."""

    def kafka_access(self, servers: str) -> KafkaAccess:
        return KafkaAccess(
            servers,
            self.kafka_security_protocol,
            self.kafka_sasl_mechanism,
            self.kafka_username,
            self.kafka_password.get_secret_value(),
            self.kafka_ca_file,
            self.kafka_certificate_file,
            self.kafka_key_file,
        )


KAFKA_FIELDS = frozenset({"kafka_bootstrap_servers", *KafkaSettings.model_fields})


def kafka_variables(access: KafkaAccess) -> dict[str, str]:
    """The environment variables of this access, without empty ones. They include the password."""
    variables = {
        "KAFKA_BOOTSTRAP_SERVERS": access.servers,
        "KAFKA_SECURITY_PROTOCOL": access.protocol if access.protocol != "PLAINTEXT" else "",
        "KAFKA_SASL_MECHANISM": access.mechanism if access.username else "",
        "KAFKA_USERNAME": access.username,
        "KAFKA_PASSWORD": access.password,
        "KAFKA_CA_FILE": str(access.ca_file or ""),
        "KAFKA_CERTIFICATE_FILE": str(access.certificate_file or ""),
        "KAFKA_KEY_FILE": str(access.key_file or ""),
    }
    return {name: value for name, value in variables.items() if value}
