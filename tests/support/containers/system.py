"""The whole system in containers, as the compose files start it, with two gateways behind HAProxy."""

import json
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import yaml

from portalctl.local.ports import answers
from support.containers.docker_client import compose, run
from support.containers.images import ROOT, Images
from support.ports import free_port

COMPOSE = ROOT / "deploy/compose/compose.yaml"
_UP_SECONDS = 700
_GATEWAYS = ("portal-gateway", "portal-gateway-2")
_PROXY = """\
defaults
    mode tcp
    timeout connect 5s
    timeout client 75s
    timeout server 75s
    option redispatch 1
    default-server inter 500ms fall 2 rise 1
listen portal
    bind 127.0.0.1:{port}
    option httpchk GET /health/ready
"""


@dataclass(frozen=True)
class System:
    images: Images
    files: Sequence[Path]
    project: str
    variables: Mapping[str, str]
    ports: Mapping[str, int]
    """On this machine: `portal`, of the proxy in front of the gateways, and `cards`."""

    @property
    def portal_url(self) -> str:
        return self.variables["PORTAL_URL"]

    def compose(self, *words: str, seconds: float = 600, check: bool = True) -> subprocess.CompletedProcess[str]:
        program = compose()
        assert program is not None
        files = [option for file in self.files for option in ("-f", str(file))]
        command = [*program, "-p", self.project, *files, *words]
        return run(*command, host=self.images.host, seconds=seconds, check=check, **self.variables)

    def portalctl(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.compose("run", "--rm", "-T", "portalctl", *words, check=check)

    def execute(self, service: str, source: str, *, check: bool = True) -> str:
        """The output of a Python program in the container of a service, also of one that fails unless `check` is set."""
        done = self.compose("exec", "-T", service, "python", "-c", source, check=check)
        return done.stdout + done.stderr

    def containers(self) -> dict[str, dict[str, Any]]:
        """Descriptions of all containers by the name of their compose service."""
        ids = self.images.docker("ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={self.project}").split()
        described = json.loads(self.images.docker("container", "inspect", *ids)) if ids else []
        return {one["Config"]["Labels"]["com.docker.compose.service"]: one for one in described}

    def address(self, service: str) -> str:
        networks = self.containers()[service]["NetworkSettings"]["Networks"]
        address: str = next(iter(networks.values()))["IPAddress"]
        return address


@contextmanager
def running_system(images: Images, *overlays: Path, scheme: str = "http", **variables: str) -> Iterator[System]:
    """Start everything and wait until it is healthy. The containers and their volumes are removed at the end."""
    proxy, portal, cards = (free_port() for _ in range(3))
    settings = {
        "PORTAL_URL": f"{scheme}://127.0.0.1:{proxy}",
        "CARDS_URL": f"{scheme}://localhost:{cards}",
        "PORTAL_PORT": str(portal),
        "CARDS_PORT": str(cards),
        "KAFKA_IMAGE": "customer-portal/kafka",
        "POSTGRES_IMAGE": "customer-portal/postgres",
        **variables,
    }
    with TemporaryDirectory(prefix="portal-system-") as name:
        folder = Path(name)
        second = folder / "second-gateway.yaml"
        second.write_text(json.dumps(_second_gateway(COMPOSE, *overlays)))
        files = [COMPOSE, *overlays, second]
        system = System(images, files, f"portal-test-{uuid4().hex[:8]}", settings, {"portal": proxy, "cards": cards})
        try:
            _start(system)
            with _proxy(system, folder, proxy):
                yield system
        finally:
            system.compose("down", "--volumes", "--timeout", "20", check=False)


def _start(system: System) -> None:
    """docker-compose 1.29 has no `--wait`."""
    system.compose("up", "--detach", seconds=_UP_SECONDS)
    until = time.monotonic() + _UP_SECONDS
    while True:
        states = {name: one["State"] for name, one in system.containers().items()}
        failed = [name for name, state in states.items() if state["Status"] == "exited" and state["ExitCode"] != 0]
        assert not failed, "".join(system.compose("logs", "--no-color", "--tail", "40", name).stdout for name in failed)
        waiting = [name for name, state in states.items() if "Health" in state and state["Health"]["Status"] != "healthy"]
        if not waiting:
            return
        assert time.monotonic() < until, "".join(system.compose("logs", "--no-color", name).stdout[-3000:] for name in waiting)
        time.sleep(0.5)


def _second_gateway(*files: Path) -> dict[str, Any]:
    """An overlay with a copy of the gateway, as compose merges it from the files. It has no port on the host."""
    merged: dict[str, Any] = {}
    for file in files:
        service = yaml.safe_load(file.read_text())["services"].get("portal-gateway", {})
        lists = {name: [*merged.get(name, []), *value] for name, value in service.items() if isinstance(value, list)}
        tables = {name: {**merged.get(name, {}), **value} for name, value in service.items() if isinstance(value, dict)}
        merged = {**merged, **service, **lists, **tables}
    merged.pop("ports")
    merged["environment"]["INSTANCE"] = "1"
    return {"services": {"portal-gateway-2": merged}}


@contextmanager
def _proxy(system: System, folder: Path, port: int) -> Iterator[None]:
    settings = folder / "haproxy.cfg"
    servers = [f"    server {name} {system.address(name)}:8080 check port 8081\n" for name in _GATEWAYS]
    settings.write_text(_PROXY.format(port=port) + "".join(servers))
    with (folder / "haproxy.log").open("wb") as log:
        process = subprocess.Popen(["haproxy", "-db", "-f", str(settings)], stdout=log, stderr=log)
    try:
        while not answers(port):
            assert process.poll() is None, (folder / "haproxy.log").read_text()
        yield
    finally:
        process.terminate()
        process.wait(20)
