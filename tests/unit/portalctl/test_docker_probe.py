"""Tests detect a container daemon by its socket."""

import http.server
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path

import pytest

from support import docker, servers

IMAGE = "postgres:18"


class Daemon(http.server.BaseHTTPRequestHandler):
    """As much of the daemon's API as the probe asks."""

    images: tuple[str, ...]
    pull_answer: bytes

    def do_GET(self) -> None:
        known = self.path == "/_ping" or self.path.removeprefix("/images/").removesuffix("/json") in self.images
        self._answer(200 if known else 404, b"{}")

    def do_POST(self) -> None:
        self._answer(200, self.pull_answer)

    def address_string(self) -> str:
        return "socket"

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def daemon(folder: Path, *, images: tuple[str, ...], pull_answer: bytes = b"") -> Iterator[Path]:
    handler = type("Handler", (Daemon,), {"images": images, "pull_answer": pull_answer})
    path = folder / "docker.sock"
    with socketserver.UnixStreamServer(str(path), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield path
        server.shutdown()
        thread.join()


def test_without_a_daemon_there_are_no_containers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    assert not docker.can_serve(IMAGE)


@pytest.mark.parametrize(
    ("images", "pull_answer", "expected"),
    [
        ((IMAGE,), b"", True),
        ((), b'{"status": "Downloading"}\r\n{"status": "Done"}\r\n', True),
        ((), b'{"status": "Downloading"}\r\n{"error": "no route to host"}\r\n', False),
    ],
    ids=["it is there", "it can be pulled", "it cannot be pulled"],
)
def test_a_daemon_serves_an_image_that_exists_or_can_be_pulled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, images: tuple[str, ...], pull_answer: bytes, expected: bool
) -> None:
    with daemon(tmp_path, images=images, pull_answer=pull_answer) as path:
        monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
        assert docker.can_serve(IMAGE) is expected


def test_a_missing_image_is_not_pulled_when_that_is_not_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with daemon(tmp_path, images=(), pull_answer=b'{"status": "Done"}\r\n') as path:
        monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
        assert not docker.can_serve(IMAGE, pull=False)


@pytest.mark.parametrize("server", [servers.postgres, servers.kafka])
async def test_without_a_daemon_servers_in_containers_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Callable[[], AbstractAsyncContextManager[str]]
) -> None:
    """So a run that should prove the containers never uses the servers of the local stack."""
    for name in ("TEST_DATABASE_URL", "TEST_KAFKA_BOOTSTRAP_SERVERS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    monkeypatch.setenv("SERVERS", "containers")
    with pytest.raises(RuntimeError, match="SERVERS=containers needs a Docker daemon"):
        async with server():
            pass
