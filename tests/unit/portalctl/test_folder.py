"""The files of a local stack."""

import base64
import errno
import os
import socket
import stat
from pathlib import Path

import pytest

from portalctl.local.errors import StackError
from portalctl.local.folder import Folder, read_json, write_json
from portalctl.local.keys import load_or_create_keys
from portalctl.local.lifecycle import take_down
from portalctl.local.locks import Held, held, is_held
from portalctl.local.ports import RANGE, assign_ports
from portalctl.local.process_table import Records
from portalctl.local.state import read_state, update_state


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(tmp_path / ".portal")
    folder.make()
    return folder


def test_a_file_is_replaced_atomically_and_private(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    write_json(path, {"a": 1})
    write_json(path, {"a": 2})
    assert read_json(path) == {"a": 2}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_only_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    write_json(path, {"a": 1})
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    assert read_json(path) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_other_fields_of_the_state_stay(folder: Folder) -> None:
    update_state(folder, customers={"ana": {}}, processes={"kafka": 1})
    update_state(folder, processes={"kafka": 2})
    assert read_state(folder) == {"customers": {"ana": {}}, "processes": {"kafka": 2}}


def test_keys_are_created_once(folder: Folder) -> None:
    first = load_or_create_keys(folder, ["payments"], ["payments"])
    assert load_or_create_keys(folder, ["payments"], ["payments"]) == first
    assert stat.S_IMODE(folder.secrets.stat().st_mode) == 0o600


def test_a_new_key_is_added_to_the_stored_ones(folder: Folder) -> None:
    first = load_or_create_keys(folder, ["payments"], ["payments"])
    more = load_or_create_keys(folder, ["payments", "invoicing"], ["payments", "invoicing"])
    assert more.passwords["payments"] == first.passwords["payments"]
    assert more.services["payments"] == first.services["payments"]
    assert set(more.services) == {"payments", "invoicing"}


def test_public_keys_contain_no_private_part(folder: Folder) -> None:
    keys = load_or_create_keys(folder, [], ["payments"])
    assert keys.services["payments"]["d"] not in keys.public_keys
    assert keys.services["payments"]["kid"] == "payments/1"
    assert keys.services["payments"]["x"] in keys.public_keys


def test_the_key_encryption_key_has_256_bits(folder: Folder) -> None:
    assert len(base64.b64decode(load_or_create_keys(folder, [], []).key_encryption_key)) == 32


def test_a_lock_has_one_holder(folder: Folder) -> None:
    assert not is_held(folder.lock)
    with held(folder.lock):
        assert is_held(folder.lock)
        with pytest.raises(Held), held(folder.lock):
            pass
    assert not is_held(folder.lock)


def test_a_port_stays_while_it_is_free(folder: Folder) -> None:
    first = assign_ports(folder, {"a": 0, "b": 0})
    assert assign_ports(folder, {"a": 1, "b": 1}) == first


def test_a_port_in_use_is_replaced(folder: Folder) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ports = assign_ports(folder, {"a": port})
    assert ports["a"] != port
    assert ports["a"] in RANGE
    assert assign_ports(folder, {"a": port}) == ports


def test_a_failed_port_is_replaced_even_if_it_looks_free(folder: Folder) -> None:
    first = assign_ports(folder, {"a": 0, "b": 0})
    second = assign_ports(folder, {"a": 0, "b": 0}, avoid=["a"])
    assert second["a"] != first["a"]
    assert second["b"] == first["b"]


def test_ports_are_unique(folder: Folder) -> None:
    ports = assign_ports(folder, dict.fromkeys("abcdef", 20500))
    assert len(set(ports.values())) == 6


def test_a_folder_is_private_and_a_directory_of_another_program_is_left_alone(tmp_path: Path) -> None:
    ours = Folder(tmp_path / ".portal")
    ours.make()
    assert stat.S_IMODE(ours.root.stat().st_mode) & 0o066 == 0
    assert stat.S_IMODE(ours.lock.stat().st_mode) == 0o600
    ours.make()

    home = tmp_path / "home"
    (home / "logs").mkdir(parents=True)
    home.chmod(0o755)
    with pytest.raises(StackError, match="contains logs of another program"):
        Folder(home).make()
    with pytest.raises(StackError, match="contains logs of another program"):
        take_down(Folder(home), wipe_data=True)
    assert (home / "logs").exists()
    assert stat.S_IMODE(home.stat().st_mode) == 0o755


def test_a_directory_with_other_files_may_be_used_and_keeps_its_permissions(tmp_path: Path) -> None:
    (tmp_path / "bench.json").touch()
    tmp_path.chmod(0o755)
    folder = Folder(tmp_path)
    folder.make()
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755
    assert take_down(folder, wipe_data=True) is False
    assert (tmp_path / "bench.json").exists()


def test_a_file_that_is_not_json_is_named(folder: Folder) -> None:
    for content in ("{", "[]", ""):
        folder.state.write_text(content)
        with pytest.raises(StackError, match=r"state\.json .* Restore it, or delete it"):
            read_state(folder)


def test_an_unwritable_folder_reports_the_reason(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    assert folder.problem() == ""

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tempfile.NamedTemporaryFile", full)
    assert folder.problem() == f"{folder.root} cannot be written: No space left on device"


def test_records_that_cannot_be_written_are_removed_and_written_later(folder: Folder) -> None:
    records = Records(folder)
    records.entry("kafka", "ready", os.getpid())
    assert read_json(folder.processes)["processes"]["kafka"]["pid"] == os.getpid()
    folder.processes.unlink()
    folder.processes.mkdir()
    records.entry("kafka", "restarting", problem="ended with exit code 1")
    assert not records.flush()
    folder.processes.rmdir()
    assert records.flush()
    assert read_json(folder.processes)["processes"]["kafka"]["problem"] == "ended with exit code 1"
    assert not records.flush()
