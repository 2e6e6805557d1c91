"""The images of this commit: built once per run of the tests, and inspected."""

import hashlib
import io
import json
import os
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.containers.docker_client import client, run

ROOT = Path(__file__).parents[3]
SERVICES = ("subscriptions", "payments", "invoicing", "portal-gateway")
NAMES = (*SERVICES, "portalctl")
BASE = "customer-portal/python:3.13-trixie"
_BUILD_SECONDS = 1500


@dataclass(frozen=True)
class Images:
    host: str

    def docker(self, *words: str, check: bool = True) -> str:
        docker = client()
        assert docker is not None
        return run(docker, *words, host=self.host, check=check).stdout

    def run(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        docker = client()
        assert docker is not None
        return run(docker, "run", "--rm", *words, host=self.host, check=check)

    def make(self, *targets: str, **variables: str) -> None:
        docker = client()
        assert docker is not None
        settings = [f"{name}={value}" for name, value in {"DOCKER": docker, **variables}.items()]
        run("make", "-C", str(ROOT), *targets, *settings, host=self.host, seconds=_BUILD_SECONDS)

    def build_all(self) -> None:
        """Build all images, unless they are built already and IMAGES=built is set."""
        if os.environ.get("IMAGES") != "built":
            self.make("images", "images-of-servers")

    def build_again(self, name: str, tag: str) -> None:
        """Build an image without layers of earlier builds. The cache of downloaded packages is used."""
        self.make(f"image-{name}", IMAGE_OPTIONS=f"--no-cache --tag {tag}", IMAGE_TAGS="")

    def description(self, image: str) -> dict[str, Any]:
        described: dict[str, Any] = json.loads(self.docker("image", "inspect", image))[0]
        return described

    def size(self, image: str) -> int:
        """In bytes, with the layers that it shares with others."""
        size: int = self.description(image)["Size"]
        return size

    def python(self, image: str, source: str) -> str:
        """What a program prints that runs in a container of the image, as the service would."""
        return self.run("--read-only", "--network", "none", "--entrypoint", "python", image, "-c", source).stdout

    def files(self, image: str, folder: str) -> dict[str, tuple[str, int, int, str]]:
        """Kind, mode, owner and content of all files below a folder, without time stamps."""
        container = self.docker("create", image).strip()
        try:
            return _content(self._archive(container, folder))
        finally:
            self.docker("rm", container)

    def _archive(self, container: str, folder: str) -> bytes:
        docker = client()
        assert docker is not None
        environment = {**os.environ, "DOCKER_HOST": self.host}
        command = [docker, "cp", f"{container}:{folder}", "-"]
        return subprocess.run(command, env=environment, capture_output=True, check=True, timeout=120).stdout


def _content(archive: bytes) -> dict[str, tuple[str, int, int, str]]:
    content = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        for member in files:
            file = files.extractfile(member) if member.isfile() else None
            digest = hashlib.sha256(file.read()).hexdigest() if file else member.linkname
            content[member.name] = (member.type.decode(), member.mode, member.uid, digest)
    return content
