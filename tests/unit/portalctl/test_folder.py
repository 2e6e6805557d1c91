"""What a local stack writes down."""

import base64
import socket
import stat
from pathlib import Path

import pytest

from portalctl.local.folder import Folder, read_json, write_json
from portalctl.local.keys import kept_keys
from portalctl.local.locking import Held, held, is_held
from portalctl.local.ports import RANGE, kept_ports
from portalctl.local.state import read_state, update_state


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(tmp_path / ".portal")
    folder.make()
    return folder


def test_a_file_is_replaced_whole_and_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    write_json(path, {"a": 1})
    write_json(path, {"a": 2})
    assert read_json(path) == {"a": 2}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_written_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    write_json(path, {"a": 1})
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    assert read_json(path) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_fields_of_the_state_that_others_wrote_stay(folder: Folder) -> None:
    update_state(folder, customers={"ana": {}}, processes={"kafka": 1})
    update_state(folder, processes={"kafka": 2})
    assert read_state(folder) == {"customers": {"ana": {}}, "processes": {"kafka": 2}}


def test_keys_are_made_once(folder: Folder) -> None:
    first = kept_keys(folder, ["payments"], ["payments"])
    assert kept_keys(folder, ["payments"], ["payments"]) == first
    assert stat.S_IMODE(folder.secrets.stat().st_mode) == 0o600


def test_a_key_that_is_new_is_added_to_those_there_are(folder: Folder) -> None:
    first = kept_keys(folder, ["payments"], ["payments"])
    more = kept_keys(folder, ["payments", "invoicing"], ["payments", "invoicing"])
    assert more.passwords["payments"] == first.passwords["payments"]
    assert more.services["payments"] == first.services["payments"]
    assert set(more.services) == {"payments", "invoicing"}


def test_public_keys_hold_no_private_part(folder: Folder) -> None:
    keys = kept_keys(folder, [], ["payments"])
    assert keys.services["payments"]["d"] not in keys.public_keys
    assert keys.services["payments"]["kid"] == "payments"
    assert keys.services["payments"]["x"] in keys.public_keys


def test_the_key_encryption_key_has_256_bits(folder: Folder) -> None:
    assert len(base64.b64decode(kept_keys(folder, [], []).key_encryption_key)) == 32


def test_two_cannot_hold_one_lock(folder: Folder) -> None:
    assert not is_held(folder.lock)
    with held(folder.lock):
        assert is_held(folder.lock)
        with pytest.raises(Held), held(folder.lock):
            pass
    assert not is_held(folder.lock)


def test_a_port_is_kept_as_long_as_it_is_free(folder: Folder) -> None:
    first = kept_ports(folder, {"a": 0, "b": 0})
    assert kept_ports(folder, {"a": 1, "b": 1}) == first


def test_a_port_that_another_program_has_is_exchanged(folder: Folder) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ports = kept_ports(folder, {"a": port})
    assert ports["a"] != port
    assert ports["a"] in RANGE
    assert kept_ports(folder, {"a": port}) == ports


def test_a_port_that_failed_is_exchanged_even_when_it_looks_free(folder: Folder) -> None:
    first = kept_ports(folder, {"a": 0, "b": 0})
    second = kept_ports(folder, {"a": 0, "b": 0}, avoid=["a"])
    assert second["a"] != first["a"]
    assert second["b"] == first["b"]


def test_no_two_names_get_one_port(folder: Folder) -> None:
    ports = kept_ports(folder, dict.fromkeys("abcdef", 20500))
    assert len(set(ports.values())) == 6
