"""A Docker daemon for tests: the one that answers, else one of their own where root may start it."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from support.containers.docker_client import client, daemon_answers

_START_SECONDS = 60
_STOP_SECONDS = 60
_ADDRESS = "172.30.0.1/24"
"""The network of the containers' bridge. Docker's default is often taken."""


@contextmanager
def docker_host() -> Iterator[str | None]:
    """The address of a daemon. None, after printing the reason, if there is none and none can be started."""
    configured = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    if client() is None:
        _explain("no Docker client with BuildKit is installed (Debian: apt install docker.io)")
        yield None
    elif daemon_answers(configured):
        yield configured
    elif os.geteuid() != 0 or shutil.which("dockerd") is None or shutil.which("iptables") is None:
        _explain(f"no daemon answers at {configured}, and starting one needs root, dockerd and iptables")
        yield None
    else:
        with TemporaryDirectory(prefix="portal-docker-", ignore_cleanup_errors=True) as folder, _started(Path(folder)) as host:
            yield host


@contextmanager
def _started(folder: Path) -> Iterator[str | None]:
    host, log = f"unix://{folder}/docker.sock", folder / "dockerd.log"
    places = ["--data-root", str(folder / "data"), "--exec-root", str(folder / "exec"), "-p", str(folder / "docker.pid")]
    with log.open("wb") as output:
        daemon = subprocess.Popen(["dockerd", *places, "-H", host, "--bip", _ADDRESS], stdout=output, stderr=output)
    try:
        until = time.monotonic() + _START_SECONDS
        while daemon.poll() is None and time.monotonic() < until and not daemon_answers(host):
            time.sleep(0.2)
        if daemon_answers(host):
            yield host
        else:
            _explain(f"dockerd does not start: {''.join(log.read_text(errors='replace').splitlines(True)[-5:])}")
            yield None
    finally:
        if daemon.poll() is None:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(_STOP_SECONDS)


def _explain(reason: str) -> None:
    print(f"\nNot run, because {reason}.")  # noqa: T201
