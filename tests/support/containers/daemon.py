"""A Docker daemon for tests: the one that answers, else one of their own where root may start it."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from support.containers.docker_client import client, compose, daemon_answers

_START_SECONDS = 60
_STOP_SECONDS = 60
_ADDRESS = "172.30.0.1/24"
"""The network of the containers' bridge. Docker's default is often taken."""


class NoDaemon(Exception):
    """No daemon answers, and none can be started here. The message has the reason."""


@contextmanager
def docker_host() -> Iterator[str]:
    """The address of a daemon. Raises NoDaemon."""
    configured = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    if client() is None or compose() is None:
        raise NoDaemon("Docker with BuildKit, and compose, are not installed (Debian: apt install docker.io docker-compose)")
    if daemon_answers(configured):
        yield configured
        return
    missing = [program for program in ("dockerd", "iptables") if shutil.which(program) is None]
    if os.geteuid() != 0 or missing:
        raise NoDaemon(f"no daemon answers at {configured}, and to start one needs root, dockerd and iptables")
    with TemporaryDirectory(prefix="portal-docker-", ignore_cleanup_errors=True) as folder, _started(Path(folder)) as host:
        yield host


@contextmanager
def _started(folder: Path) -> Iterator[str]:
    host, log = f"unix://{folder}/docker.sock", folder / "dockerd.log"
    places = ["--data-root", str(folder / "data"), "--exec-root", str(folder / "exec"), "-p", str(folder / "docker.pid")]
    with log.open("wb") as output:
        daemon = subprocess.Popen(["dockerd", *places, "-H", host, "--bip", _ADDRESS], stdout=output, stderr=output)
    try:
        until = time.monotonic() + _START_SECONDS
        while daemon.poll() is None and time.monotonic() < until and not daemon_answers(host):
            time.sleep(0.2)
        if not daemon_answers(host):
            lines = log.read_text(errors="replace").splitlines()
            raise NoDaemon(f"dockerd does not start: {' '.join(lines[-3:])}")
        yield host
    finally:
        if daemon.poll() is None:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(_STOP_SECONDS)


def main() -> None:
    """Exit with the reason if the tests in containers cannot run here."""
    if shutil.which("mmdebstrap") is None:
        sys.exit("no base for images can be made without mmdebstrap")
    try:
        with docker_host():
            pass
    except NoDaemon as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
