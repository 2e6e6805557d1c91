"""Processes belong to a folder by their environment in the kernel, not by a file."""

import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from portalctl.local.cleanup import sweep
from portalctl.local.errors import StackError
from portalctl.local.folder import Folder
from portalctl.local.identity import Identity
from portalctl.local.lifecycle import take_down
from portalctl.local.members import SUPERVISOR, listens, mark, members, supervisor_of
from portalctl.local.process_table import read_processes


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(tmp_path / ".portal")
    folder.make()
    return folder


@contextmanager
def sleeping(environment: Mapping[str, str]) -> Iterator[Identity]:
    process = subprocess.Popen(["sleep", "60"], env={"PATH": os.environ["PATH"], **environment})
    try:
        identity = Identity.of(process.pid)
        assert identity
        yield identity
    finally:
        process.kill()
        process.wait(30)


def record(folder: Folder, supervisor: Identity, **processes: Identity) -> None:
    """As a supervisor writes it."""
    entries = {name: {"status": "ready", "problem": "", **identity.record()} for name, identity in processes.items()}
    written = {"phase": "ready", "supervisor": supervisor.record(), "processes": entries}
    folder.processes.write_text(json.dumps(written))


def test_processes_of_the_folder_are_stopped_with_and_without_a_record(folder: Folder) -> None:
    with sleeping(mark(folder, "kafka")) as kafka, sleeping(mark(folder, SUPERVISOR)) as supervisor:
        assert members(folder) == {kafka: "kafka", supervisor: SUPERVISOR}
        assert supervisor_of(folder) == supervisor
        sweep(folder)
        assert not kafka.running
        assert not supervisor.running


def test_a_recorded_process_of_another_folder_is_not_stopped(folder: Folder) -> None:
    with sleeping({}) as stranger, sleeping({}) as supervisor:
        record(folder, supervisor, kafka=stranger)
        assert read_processes(folder).supervisor is None
        assert read_processes(folder).entries["kafka"].identity is None
        assert take_down(folder) is False
        assert stranger.running
        assert supervisor.running


def test_a_copy_has_no_processes_and_a_moved_folder_keeps_its_own(folder: Folder, tmp_path: Path) -> None:
    with sleeping(mark(folder, SUPERVISOR)) as supervisor:
        copy = Folder(tmp_path / "copy")
        shutil.copytree(folder.root, copy.root)
        assert members(copy) == {}
        moved = Folder(tmp_path / "moved")
        folder.root.rename(moved.root)
        assert members(moved) == {supervisor: SUPERVISOR}
        assert members(folder) == {}


def test_a_restored_folder_at_the_same_path_has_no_processes(folder: Folder, tmp_path: Path) -> None:
    with sleeping(mark(folder, SUPERVISOR)) as before:
        folder.root.rename(tmp_path / "away")
        folder.make()
        assert members(folder) == {}
        assert before.running


def test_a_lock_with_an_invisible_holder_is_reported(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portalctl.local.lifecycle._APPEAR_SECONDS", 0.2)
    holder = f"import fcntl, time; f = open({str(folder.lock)!r}, 'w'); fcntl.flock(f, 2); print(1, flush=True); time.sleep(60)"
    with subprocess.Popen(["python3", "-c", holder], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout
            process.stdout.readline()
            with pytest.raises(StackError, match="held by a process that cannot be seen from here"):
                take_down(folder)
        finally:
            process.kill()


def test_a_listening_process_is_recognised_by_its_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, sleeping({}) as another:
        port = server.getsockname()[1]
        assert listens(os.getpid(), port)
        assert not listens(another.pid, port)
    assert not listens(os.getpid(), port)


def test_a_process_with_another_mark_gets_no_signal(folder: Folder, tmp_path: Path) -> None:
    other = Folder(tmp_path / "other")
    other.make()
    with sleeping(mark(other, "kafka")) as kafka:
        record(folder, kafka, kafka=kafka)
        sweep(folder)
        assert kafka.running
        assert kafka.send(signal.SIGTERM)
