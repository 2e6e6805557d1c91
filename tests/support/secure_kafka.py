"""A Kafka broker with TLS: one listener asks for a password (SCRAM or PLAIN), the other for a client certificate."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import trustme
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from chassis.kafka_access import KafkaAccess
from portalctl.local.kafka import KafkaServer
from portalctl.local.programs import start
from support.ports import free_port

USER, PASSWORD = "portal", "only-for-tests"
SECOND_USER, SECOND_PASSWORD = "portal-2", "only-for-other-tests"
"""Known to SCRAM only."""
_SCRAM = "SCRAM-SHA-256", "SCRAM-SHA-512"


@dataclass(frozen=True)
class SecureKafka:
    server: KafkaServer
    with_password: KafkaAccess
    """SCRAM-SHA-512 over TLS."""
    with_certificate: KafkaAccess

    @property
    def accesses(self) -> dict[str, KafkaAccess]:
        return {
            "SCRAM-SHA-512": self.with_password,
            "SCRAM-SHA-256": replace(self.with_password, mechanism="SCRAM-SHA-256"),
            "PLAIN": replace(self.with_password, mechanism="PLAIN"),
            "certificate": self.with_certificate,
        }


@asynccontextmanager
async def secure_kafka() -> AsyncIterator[SecureKafka]:
    with TemporaryDirectory(prefix="secure-kafka-", ignore_cleanup_errors=True) as folder_name:
        folder, authority = Path(folder_name), trustme.CA()
        broker, client = authority.issue_cert("127.0.0.1", "localhost"), authority.issue_cert(f"{USER}.clients")
        ca, key_store = folder / "ca.pem", folder / "broker.pem"
        authority.cert_pem.write_to_path(str(ca))
        key_store.write_bytes(_in_pkcs8(broker) + broker.cert_chain_pems[0].bytes())
        client.private_key_pem.write_to_path(str(folder / "client.key"))
        client.cert_chain_pems[0].write_to_path(str(folder / "client.pem"))
        plain, controller, password, certificate = (free_port() for _ in range(4))
        addresses = {"SASL_SSL": f"127.0.0.1:{password}", "SSL": f"127.0.0.1:{certificate}"}
        names = {"PLAINTEXT": f"127.0.0.1:{plain}", **addresses}
        settings = {
            "listeners": ",".join(f"{name}://{at}" for name, at in {**names, "CONTROLLER": f"127.0.0.1:{controller}"}.items()),
            "advertised.listeners": ",".join(f"{name}://{at}" for name, at in names.items()),
            "listener.security.protocol.map": ",".join([*(f"{name}:{name}" for name in names), "CONTROLLER:PLAINTEXT"]),
            "sasl.enabled.mechanisms": ",".join([*_SCRAM, "PLAIN"]),
            "listener.name.sasl_ssl.plain.sasl.jaas.config": (
                f'org.apache.kafka.common.security.plain.PlainLoginModule required user_{USER}="{PASSWORD}";'
            ),
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(key_store),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(ca),
            "listener.name.ssl.ssl.client.auth": "required",
        }
        for name in _SCRAM:
            jaas = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
            settings[f"listener.name.sasl_ssl.{name.lower()}.sasl.jaas.config"] = jaas
        users = (USER, PASSWORD), (SECOND_USER, SECOND_PASSWORD)
        credentials = [f"--add-scram={name}=[name={user},password={secret}]" for name in _SCRAM for user, secret in users]
        server = KafkaServer(folder / "kafka", plain, controller, folder / "kafka.log", settings, credentials)
        await server.prepare()
        child = await start(server.program())
        try:
            yield SecureKafka(
                server,
                KafkaAccess(addresses["SASL_SSL"], "SASL_SSL", username=USER, password=PASSWORD, ca_file=ca),
                KafkaAccess(
                    addresses["SSL"],
                    "SSL",
                    ca_file=ca,
                    certificate_file=folder / "client.pem",
                    key_file=folder / "client.key",
                ),
            )
        finally:
            child.kill()  # its data is deleted, so it need not stop in order
            await child.stop()


def _in_pkcs8(certificate: trustme.LeafCert) -> bytes:
    """The key in the only form that Kafka reads."""
    key = load_pem_private_key(certificate.private_key_pem.bytes(), None)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
