"""The servers PostgreSQL and Kafka without services."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from portalctl.local import postgres
from portalctl.local.errors import PortTaken, StackError
from portalctl.local.kafka import KafkaServer
from portalctl.local.postgres import PostgresServer
from portalctl.local.programs import Child, start
from support.ports import free_port
from support.server_folders import server_folder


@pytest.fixture
def folder() -> Iterator[Path]:
    with server_folder() as folder:
        yield folder


def server(folder: Path, port: int, password: str = "one") -> PostgresServer:
    return PostgresServer(folder / "postgres", port, password, folder / "postgres.log")


async def test_another_postgresql_on_the_port_is_recognised(folder: Path) -> None:
    first = server(folder / "a", free_port())
    await first.prepare()
    child = await start(first.program())
    try:
        for password in ("one", "another"):
            second = server(folder / password, first.port, password)
            await second.prepare()
            with pytest.raises(PortTaken):
                await second.program().ready()
            with pytest.raises(PortTaken):
                await start(second.program())
    finally:
        await child.stop()


async def test_another_kafka_on_the_port_is_recognised(folder: Path, kafka_bootstrap: str) -> None:
    port = int(kafka_bootstrap.rpartition(":")[2])
    other = KafkaServer(folder, port, free_port(), folder / "kafka.log")
    await other.prepare()
    with pytest.raises(PortTaken):
        await other.program().ready()
    with pytest.raises(PortTaken):
        await start(other.program())


async def test_a_stale_pid_file_with_a_reused_number_is_removed(folder: Path) -> None:
    ours = server(folder, free_port())
    await ours.prepare()
    (ours.data / "postmaster.pid").write_text(f"{os.getpid()}\n{ours.data}\n0\n{ours.port}\n\n127.0.0.1\n\nready\n")
    await ours.prepare()
    child = await start(ours.program())
    await child.stop()
    assert child.process.returncode == 0


async def test_an_interrupted_preparation_is_repeated(folder: Path) -> None:
    ours = server(folder, free_port())
    half = ours.folder / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    await ours.prepare()
    child = await start(ours.program())
    await child.stop()


async def test_kafka_keeps_its_data_when_its_ports_change_and_ignores_a_damaged_class_archive(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A random cluster id may start with a dash, like an option of the command that formats the folder.
    monkeypatch.setattr("portalctl.local.kafka.uuid.uuid4", lambda: uuid.UUID(bytes=b"\xfb" + bytes(15)))
    port = free_port()
    first = KafkaServer(folder, port, free_port(), folder / "kafka.log")
    await first.prepare()
    assert first.cluster_id == "-" + "wAAAAAAAAAAAAAAAAAAAA"
    child = await start(first.program())
    await child.stop()
    port = free_port()
    second = KafkaServer(folder, port, free_port(), folder / "kafka.log")
    damaged = folder / "damaged.jsa"
    damaged.write_bytes(b"no archive")
    monkeypatch.setattr("portalctl.local.kafka.class_archive", lambda _: damaged)
    await second.prepare()
    assert any(damaged.samefile(path) for path in folder.glob("*.jsa") if path != damaged)
    child = await start(second.program())
    await child.stop()
    assert second.cluster_id == first.cluster_id


def test_kafka_uses_the_class_archive_at_its_first_start(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = folder / "any.jsa"
    archive.touch()
    monkeypatch.setattr("portalctl.local.kafka.class_archive", lambda _: archive)
    before_preparation = KafkaServer(folder / "new", free_port(), free_port(), folder / "kafka.log").program()
    assert [option for option in before_preparation.command if option.startswith("-XX:SharedArchiveFile=")]


@pytest.fixture
def no_user_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine that does not permit one to root; an ordinary user needs none."""
    if os.geteuid() == 0:
        monkeypatch.setattr(postgres, "server_user", lambda: "nobody")


@pytest.mark.usefixtures("no_user_namespace")
async def test_without_a_user_namespace_the_server_runs_as_the_user_nobody(folder: Path) -> None:
    ours = server(folder, free_port())
    await ours.prepare()
    child: Child = await start(ours.program())
    try:
        connection = await asyncpg.connect(ours.url)
        assert await connection.fetchval("SELECT 1") == 1
        await connection.close()
        assert Path("/proc", str(child.pid)).stat().st_uid == (65534 if os.geteuid() == 0 else os.geteuid())
    finally:
        await child.stop()


def test_a_folder_without_access_for_the_user_nobody_is_named(folder: Path) -> None:
    closed = folder / "closed"
    inside = closed / "inside"
    inside.mkdir(parents=True)
    inside.chmod(0o755)
    closed.chmod(0o700)
    with pytest.raises(StackError, match=f"may not enter {closed}:"):
        postgres.check_reachable(inside)
