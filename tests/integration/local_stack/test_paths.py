"""The stack runs in folders with any usable name, and refuses others with an error message."""

import asyncio
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from portalctl.local.folder import Folder
from portalctl.local.jars import cache_folder
from portalctl.local.kafka import KafkaServer, cluster_id_of
from portalctl.local.postgres import PostgresServer
from portalctl.local.programs import Child, start
from support.local_stack import LocalStack
from support.ports import free_port

NAMES = Path("josé", "a,b", "back\\slash", "日本", "100% (copia)", " a:b $HOME `x` 'q\" #?&;{c}=!~\u00a0🙂 ")
"""One folder in the other: each part of the path has other characters that a program may not take literally."""


pytestmark = pytest.mark.timeout(400)


@pytest.fixture
def parent() -> Iterator[Path]:
    """Where PostgreSQL can enter too when it had to give up root."""
    with tempfile.TemporaryDirectory(prefix="customer-portal-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture
def odd_cache(parent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's cache folder has a name that would split Java's class path."""
    cache = parent / "a:b,c é"
    cache.mkdir()
    (cache / "customer-portal").symlink_to(cache_folder())
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))


@pytest.mark.usefixtures("odd_cache")
async def test_postgresql_and_kafka_run_in_a_folder_of_any_name(parent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("LC_ALL", "LANG"):
        monkeypatch.setenv(variable, "C")
    folder = parent / NAMES
    folder.mkdir(parents=True)
    for each in (folder, *folder.parents):
        if each.is_relative_to(parent):
            each.chmod(0o711)
    port = free_port()
    kafka = KafkaServer(folder / "kafka", port, free_port(), folder / "kafka.log")
    postgres = PostgresServer(folder / "postgres", free_port(), "only-for-tests", folder / "postgres.log")
    await asyncio.gather(kafka.prepare(), postgres.prepare())
    children: list[Child] = list(await asyncio.gather(start(kafka.program()), start(postgres.program())))
    try:
        assert await cluster_id_of(kafka.bootstrap_servers) == kafka.cluster_id
        connection = await asyncpg.connect(postgres.url, ssl=False)
        assert await connection.fetchval("SHOW data_directory") == str(postgres.data)
        await connection.close()
        assert (kafka.data / "meta.properties").exists()
        assert sorted(path.name for path in folder.iterdir()) == ["kafka", "kafka.log", "postgres", "postgres.log"]
    finally:
        await asyncio.gather(*(child.stop() for child in children))


@pytest.mark.parametrize(("locale", "own_kafka"), [("C", False), ("POSIX", True)], ids=["C", "POSIX"])
def test_the_whole_stack_runs_in_such_a_folder_in_any_locale(
    parent: Path, locale: str, own_kafka: bool, external_kafka: dict[str, str]
) -> None:
    stack = LocalStack(Folder(parent / "100% (copia), josé \\ 日本" / ".portal"))
    stack.folder.root.parent.mkdir(mode=0o711)
    try:
        up = stack.up(environment={"LC_ALL": locale, "LANG": locale, **({} if own_kafka else external_kafka)})
        assert (up.returncode, up.stdout) == (0, "ready\n"), up.stderr
        shown = stack.portalctl("status")
        assert str(stack.folder.log("kafka" if own_kafka else "postgres")) in shown.stdout
    finally:
        assert stack.portalctl("down").stdout == "stopped\n"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("a\nb", "contains a line break or control character"),
        ("a\tb", "contains a line break or control character"),
        (os.fsdecode(b"latin-\xe9"), "is not UTF-8"),
        ("/".join(["long" * 50] * 5), "has 1"),
    ],
    ids=["line break", "tabulator", "latin-1", "long"],
)
def test_an_unusable_path_is_refused_and_not_created(parent: Path, name: str, reason: str) -> None:
    folder = Folder(parent / name)
    refused = LocalStack(folder).portalctl("up")
    assert refused.returncode == 1
    assert refused.stderr.startswith("portalctl: the path ")
    assert reason in refused.stderr
    assert "choose another folder" in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert list(parent.iterdir()) == []
