"""Kafka's jars, by exact coordinates and SHA-256, in the user's cache."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from portalctl.local.errors import StackError
from portalctl.local.progress import Report, silent

if TYPE_CHECKING:
    from jgo.maven import MavenContext

_LOCK = Path(__file__).with_name("kafka-jars.lock")
_REPORT_EVERY = 10
_SYSTEM_CERTIFICATES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
)


@dataclass(frozen=True)
class Jar:
    group: str
    artifact: str
    version: str
    sha256: str
    packaging: str = "jar"

    @property
    def name(self) -> str:
        return f"{self.artifact}-{self.version}.{self.packaging}"


def locked_jars(lock: Path = _LOCK) -> list[Jar]:
    """The jars of a lock file with lines `group:artifact[:packaging]:version sha256:…`."""
    jars = []
    for line in lock.read_text().splitlines():
        coordinates, checksum = line.split()
        group, artifact, *packaging, version = coordinates.split(":")
        jars.append(Jar(group, artifact, version, checksum.removeprefix("sha256:"), *packaging))
    return jars


def jar_paths(cache: Path | None = None, jars: Iterable[Jar] | None = None) -> list[Path]:
    """The paths of the jars in the cache."""
    folder = (cache or cache_folder()) / "kafka-jars"
    return [folder / jar.name for jar in (locked_jars() if jars is None else jars)]


def class_archive(java_version: str) -> Path:
    """Where an archive of the loaded classes of these jars and this Java is kept. With it, Kafka starts in half the time."""
    key = hashlib.sha256(f"{java_version}\n{_LOCK.read_text()}".encode()).hexdigest()[:16]
    return cache_folder() / f"kafka-classes-{key}.jsa"


def kafka_jars(cache: Path | None = None, jars: Sequence[Jar] | None = None, report: Report = silent) -> list[Path]:
    """The paths of Kafka's jars. Missing or altered ones are downloaded. Blocks. Raises StackError."""
    needed = locked_jars() if jars is None else jars
    return fetched(needed, jar_paths(cache, needed)[0].parent, "Apache Kafka", _LOCK, report)


def fetched(jars: Sequence[Jar], folder: Path, product: str, lock: Path, report: Report = silent) -> list[Path]:
    """The paths of the jars in the folder. Missing or altered ones are downloaded. Blocks. Raises StackError."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / jar.name for jar in jars]
    bad = [jar for jar, path in zip(jars, paths, strict=True) if not _intact(path, jar)]
    if bad:
        _fetch(bad, folder, product, lock, report)
    return paths


def cache_folder(environment: Mapping[str, str] = os.environ, beside: Path | None = None) -> Path:
    """The user's cache folder, or `.cache` in the working folder if the former is not writable."""
    candidates = [Path(environment["XDG_CACHE_HOME"])] if environment.get("XDG_CACHE_HOME") else []
    if environment.get("HOME"):
        candidates.append(Path(environment["HOME"]) / ".cache")
    candidates.append((beside or Path.cwd()) / ".cache")
    for candidate in candidates:
        folder = candidate / "customer-portal"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    raise StackError(
        f"no folder for downloads is writable; tried {', '.join(map(str, candidates))}: set XDG_CACHE_HOME to a writable one"
    )


def _intact(path: Path, jar: Jar) -> bool:
    if not path.exists():
        return False
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() == jar.sha256:
            return True
    path.unlink(missing_ok=True)
    return False


def _fetch(jars: list[Jar], folder: Path, product: str, lock: Path, report: Report) -> None:
    # Imported here, because it loads an HTTP client that most starts do not need.
    from jgo.maven import MavenContext

    report(f"downloading {product}: {len(jars)} files, once")
    _use_system_certificates()
    # A private staging folder, because two processes in one download cache destroy each other's files.
    staging = Path(tempfile.mkdtemp(prefix="fetching-", dir=folder))
    try:
        context = MavenContext(repo_cache=staging)
        with ThreadPoolExecutor(8) as threads:
            fetching = threads.map(lambda jar: _fetch_one(context, jar, folder, product, lock), jars)
            for done, _ in enumerate(fetching, 1):
                if done % _REPORT_EVERY == 0 or done == len(jars):
                    report(f"downloading {product}: {done} of {len(jars)} files")
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _fetch_one(context: "MavenContext", jar: Jar, folder: Path, product: str, lock: Path) -> None:
    component = context.project(jar.group, jar.artifact).at_version(jar.version)
    try:
        fetched = component.artifact(packaging=jar.packaging).resolve()
    except (OSError, RuntimeError) as error:
        raise StackError(
            f"{jar.name} of {product} could not be downloaded: {error}. Check the network; the next start continues"
        ) from error
    if not _intact(fetched, jar):
        raise StackError(f"the downloaded {jar.name} does not match {lock.name}: do not use this source")
    os.replace(fetched, folder / jar.name)


def _use_system_certificates() -> None:
    if "REQUESTS_CA_BUNDLE" not in os.environ:
        bundle = next((path for path in _SYSTEM_CERTIFICATES if Path(path).exists()), None)
        if bundle is not None:
            os.environ["REQUESTS_CA_BUNDLE"] = bundle
