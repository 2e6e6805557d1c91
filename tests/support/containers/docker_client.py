"""The clients of Docker that are installed here: `docker` with BuildKit, and compose."""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

_ANSWER_SECONDS = 20
_LAST_BUILT_IN = 22
"""The last major version with BuildKit in the client itself. Later ones need the plugin buildx."""


def run(*command: str, host: str, seconds: float = 600, check: bool = True, **variables: str) -> subprocess.CompletedProcess[str]:
    """Raises AssertionError with the output if the command fails and `check` is set."""
    environment = {**os.environ, "DOCKER_HOST": host, "DOCKER_BUILDKIT": "1", **variables}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=seconds, check=False)
    assert not check or done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
    return done


@cache
def client() -> str | None:
    """The first `docker` on the path that can build with BuildKit."""
    folders = os.environ.get("PATH", "").split(os.pathsep)
    programs = [str(path) for folder in folders if (path := Path(folder) / "docker").is_file() and os.access(path, os.X_OK)]
    return next((path for path in programs if _builds(path)), None)


@cache
def compose() -> tuple[str, ...] | None:
    """Compose v2, else docker-compose 1."""
    docker = client()
    if docker and _answers(docker, "compose", "version"):
        return (docker, "compose")
    return ("docker-compose",) if shutil.which("docker-compose") else None


def daemon_answers(host: str) -> bool:
    docker = client()
    return docker is not None and _answers(docker, "-H", host, "version")


def _builds(docker: str) -> bool:
    version = subprocess.run([docker, "--version"], capture_output=True, text=True, timeout=_ANSWER_SECONDS, check=False).stdout
    major = version.removeprefix("Docker version ").partition(".")[0]
    return (major.isdigit() and int(major) <= _LAST_BUILT_IN) or _answers(docker, "buildx", "version")


def _answers(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=_ANSWER_SECONDS, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
