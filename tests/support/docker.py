"""Whether a Docker daemon answers and has, or can pull, an image. Uses its socket directly: Docker's client leaks one."""

import http.client
import json
import os
import socket
from pathlib import Path
from urllib.parse import urlencode

_PING_SECONDS = 2.0
_PULL_SECONDS = 180.0


def can_serve(*images: str, pull: bool = True) -> bool:
    """Pull missing images, unless `pull` is false. False if any step fails."""
    path = _socket_path()
    if path is None:
        return False
    try:
        return _status(path, "GET", "/_ping", _PING_SECONDS) == 200 and all(
            _has(path, image) or (pull and _pulls(path, image)) for image in images
        )
    except (OSError, http.client.HTTPException):
        return False


def _socket_path() -> Path | None:
    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    path = Path(host.removeprefix("unix://"))
    return path if host.startswith("unix://") and path.is_socket() else None


def _has(path: Path, image: str) -> bool:
    return _status(path, "GET", f"/images/{image}/json", _PING_SECONDS) == 200


def _pulls(path: Path, image: str) -> bool:
    name, _, tag = image.rpartition(":")
    status, body = _ask(path, "POST", f"/images/create?{urlencode({'fromImage': name, 'tag': tag})}", _PULL_SECONDS)
    return status == 200 and not any("error" in json.loads(line) for line in body.splitlines() if line.strip())


def _status(path: Path, method: str, target: str, seconds: float) -> int:
    return _ask(path, method, target, seconds)[0]


def _ask(path: Path, method: str, target: str, seconds: float) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("docker", timeout=seconds)
    connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.sock.settimeout(seconds)
        connection.sock.connect(str(path))
        connection.request(method, target)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()
