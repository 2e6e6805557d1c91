"""Three Kafka nodes, each broker and controller, with TLS, SCRAM-SHA-512, access lists and three copies of each partition."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from chassis.kafka_access import KafkaAccess
from portalctl.local.kafka import KafkaServer, random_id
from portalctl.local.ports import answers
from portalctl.local.programs import Child, Program
from support.cluster.certificates import Certificates

NODES = ("kafka-1", "kafka-2", "kafka-3")
ADMINISTRATOR = "administrator"
_BROKER = "broker"
_SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"
_PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"


@dataclass
class Brokers:
    servers: Mapping[str, KafkaServer]
    passwords: Mapping[str, str]
    ca: Path
    children: dict[str, Child] = field(default_factory=dict)

    @classmethod
    def create(
        cls, folder: Path, ports: Mapping[str, int], certificates: Certificates, passwords: Mapping[str, str]
    ) -> "Brokers":
        """`ports` has a port for each node and for `<node>-controller`. `passwords` are those of the users."""
        cluster, directories = random_id(), {node: random_id() for node in NODES}
        controllers = {node: f"127.0.0.1:{ports[f'{node}-controller']}" for node in NODES}
        voters = ",".join(f"{id}@{controllers[node]}:{directories[node]}" for id, node in enumerate(NODES, 1))
        users = {**passwords, _BROKER: passwords[ADMINISTRATOR]}
        credentials = [f"--add-scram=SCRAM-SHA-512=[name={name},password={password}]" for name, password in users.items()]
        servers = {}
        for id, node in enumerate(NODES, 1):
            settings = _settings(id, ports[node], controllers[node], ",".join(controllers.values()), certificates, node, users)
            log = folder / "logs" / f"{node}.log"
            servers[node] = KafkaServer(
                folder / node, ports[node], ports[f"{node}-controller"], log, settings, credentials, cluster, voters
            )
        return cls(servers, passwords, certificates.ca)

    def access(self, user: str) -> KafkaAccess:
        addresses = ",".join(server.bootstrap_servers for server in self.servers.values())
        return KafkaAccess(addresses, "SASL_SSL", username=user, password=self.passwords[user], ca_file=self.ca)

    async def start(self) -> None:
        await asyncio.gather(*(server.prepare() for server in self.servers.values()))
        for node in NODES:
            await self.spawn(node)
        await self.ready()

    async def spawn(self, node: str) -> None:
        self.children[node] = await Child.spawn(self._program(node))

    async def ready(self) -> None:
        """Wait until every node has joined the cluster."""
        await asyncio.gather(*(self.children[node].until_ready() for node in NODES))

    async def kill(self, node: str) -> None:
        self.children[node].kill()
        await self.children[node].process.wait()

    async def stop(self) -> None:
        for child in self.children.values():
            child.kill()  # the data is deleted
        await asyncio.gather(*(child.stop() for child in self.children.values()))

    def _program(self, node: str) -> Program:
        server = self.servers[node]
        access = replace(self.access(ADMINISTRATOR), servers=server.bootstrap_servers)
        return replace(server.program(), name=node, ready=partial(_has_all_nodes, server.port, access))


async def _has_all_nodes(port: int, access: KafkaAccess) -> bool:
    if not answers(port):
        return False
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    admin = AIOKafkaAdminClient(**access.options(), request_timeout_ms=10_000)
    try:
        await admin.start()
        return len((await admin.describe_cluster())["brokers"]) == len(NODES)
    except (KafkaError, OSError, ValueError):
        return False
    finally:
        await admin.close()


def _settings(
    id: int, port: int, controller: str, controllers: str, certificates: Certificates, node: str, users: Mapping[str, str]
) -> dict[str, str]:
    password = users[_BROKER]
    return {
        "node.id": str(id),
        "listeners": f"SASL_SSL://127.0.0.1:{port},CONTROLLER://{controller}",
        "advertised.listeners": f"SASL_SSL://127.0.0.1:{port}",
        "controller.quorum.bootstrap.servers": controllers,
        "listener.security.protocol.map": "SASL_SSL:SASL_SSL,CONTROLLER:SASL_SSL",
        "inter.broker.listener.name": "SASL_SSL",
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-512",
        "sasl.mechanism.controller.protocol": "PLAIN",
        "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": (
            f'{_SCRAM} required username="{_BROKER}" password="{password}";'
        ),
        # The controllers hold the SCRAM credentials, so they cannot use them among themselves.
        "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.controller.plain.sasl.jaas.config": (
            f'{_PLAIN} required username="{_BROKER}" password="{password}" user_{_BROKER}="{password}";'
        ),
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(certificates.file(node, "pem")),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(certificates.ca),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": f"User:{_BROKER};User:{ADMINISTRATOR}",
        "allow.everyone.if.no.acl.found": "false",
        "metadata.max.idle.interval.ms": "500",
        "default.replication.factor": "3",
        "min.insync.replicas": "2",
        "offsets.topic.replication.factor": "3",
        "transaction.state.log.replication.factor": "3",
        "transaction.state.log.min.isr": "2",
        "share.coordinator.state.topic.replication.factor": "3",
        "share.coordinator.state.topic.min.isr": "2",
        "unclean.leader.election.enable": "false",
    }
