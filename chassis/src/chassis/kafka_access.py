"""How Kafka is reached: addresses, transport security and credentials. Every Kafka client is created with it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from chassis.tls import client_context

Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


@dataclass(frozen=True, slots=True)
class KafkaAccess:
    servers: str
    """`host:port`, separated by commas. One that answers is enough: it names the others."""
    protocol: Protocol = "PLAINTEXT"
    mechanism: Mechanism = "SCRAM-SHA-512"
    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None
    """Certificates of the authorities that the brokers' certificates must come from. None: those of the system."""
    certificate_file: Path | None = None
    """This client's certificate, if the brokers require one."""
    key_file: Path | None = None

    def options(self) -> dict[str, Any]:
        """Keyword arguments of a client of aiokafka. Reads the files each time: a new client uses replaced certificates.

        Raises OSError (also ssl.SSLError) if a file cannot be used.
        """
        options: dict[str, Any] = {"bootstrap_servers": self.servers.split(","), "security_protocol": self.protocol}
        if self.protocol.endswith("SSL"):
            options["ssl_context"] = client_context(self.ca_file, self.certificate_file, self.key_file)
        if self.protocol.startswith("SASL"):
            options |= {
                "sasl_mechanism": self.mechanism,
                "sasl_plain_username": self.username,
                "sasl_plain_password": self.password,
            }
        return options
