"""A process belongs to a folder by identity: a copied, moved or restored folder never affects the processes of another."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from portalctl.local.folder import Folder, read_json
from portalctl.local.process_table import read_processes
from support.local_stack import LocalStack, local_stack

PROCESSES = ("postgres", "kafka", "trivial")

pytestmark = pytest.mark.timeout(400)


@pytest.fixture
def stack() -> Iterator[LocalStack]:
    with local_stack() as stack:
        yield stack


@pytest.fixture
def another() -> Iterator[LocalStack]:
    """A place for a folder beside it, with nothing there yet."""
    with local_stack() as stack:
        shutil.rmtree(stack.folder.root)
        yield stack


def copied(stack: LocalStack, another: LocalStack) -> None:
    """Everything, as `cp -a` does while the stack runs: the pid files, the locks and the records too."""
    if another.folder.root.exists():
        shutil.rmtree(another.folder.root)
    subprocess.run(["cp", "-a", str(stack.folder.root), str(another.folder.root)], check=True, timeout=60)


def untouched(stack: LocalStack) -> bool:
    return read_processes(stack.folder).all_ready and len(stack.left) == len(stack.seen)


async def test_commands_in_a_copy_start_a_separate_stack(stack: LocalStack, another: LocalStack) -> None:
    assert stack.up().returncode == 0
    assert await stack.visit() == 1
    copied(stack, another)

    shown = another.portalctl("status")
    assert shown.returncode == 1
    assert "nothing runs here" in shown.stdout
    assert another.portalctl("down").stdout == "nothing ran\n"
    assert untouched(stack)

    copied(stack, another)
    assert another.up().returncode == 0
    assert untouched(stack)
    ours, theirs = read_json(stack.folder.ports), read_json(another.folder.ports)
    assert not set(ours.values()) & set(theirs.values())
    assert all(another.identity(name) != stack.identity(name) for name in PROCESSES)
    assert await another.visit() == 2
    assert await another.visit() == 3
    assert await stack.visit() == 2

    assert another.portalctl("down", "--wipe").stdout == "stopped\n"
    assert another.left == []
    assert untouched(stack)


@pytest.mark.parametrize("command", [["verify"], ["migrate"], ["topics", "diff"], ["links", "create", "--customer", "ana"]])
def test_a_command_in_a_copy_does_not_reach_the_originals_servers(
    stack: LocalStack, another: LocalStack, command: list[str]
) -> None:
    addresses = {"urls": {"portal-gateway": "http://127.0.0.1:1"}, "kafka": {"bootstrap_servers": "127.0.0.1:1"}}
    logs = dict.fromkeys(("postgres", "kafka", "portal-gateway"), "a.log")
    another.folder.make()
    another.folder.state.write_text(str({**addresses, "logs": logs, "postgres": {}}).replace("'", '"'))
    refused = another.portalctl(*command)
    assert refused.returncode == 1
    assert "does not run here: run portalctl up first" in refused.stderr


def test_a_stack_ends_when_its_folder_is_moved_and_starts_at_the_new_path(
    stack: LocalStack, another: LocalStack, external_kafka: dict[str, str]
) -> None:
    assert stack.up(environment=external_kafka).returncode == 0
    stack.folder.root.rename(another.folder.root)
    stack.wait_until(lambda: stack.left == [])
    assert "was moved, deleted or replaced" in another.folder.log("supervisor").read_text()
    assert not stack.folder.root.exists()
    assert another.up(environment=external_kafka).returncode == 0
    assert read_processes(another.folder).all_ready


async def test_the_earlier_stack_does_not_write_to_a_restored_folder(stack: LocalStack, another: LocalStack) -> None:
    assert stack.up().returncode == 0
    assert await stack.visit() == 1
    copied(stack, another)
    removed = stack.folder.root.with_name("removed")
    stack.folder.root.rename(removed)
    shutil.copytree(another.folder.root, stack.folder.root, symlinks=True)
    stack.wait_until(lambda: stack.left == [])
    # Kafka writes by path: this test has its own.
    assert stack.folder.processes.read_bytes() == (another.folder.processes).read_bytes()
    assert stack.up().returncode == 0
    assert await stack.visit() == 2


def test_a_moved_folder_is_taken_down_at_its_new_path(stack: LocalStack, another: LocalStack, elsewhere: dict[str, str]) -> None:
    assert stack.up(environment=elsewhere).returncode == 0
    stack.folder.root.rename(another.folder.root)
    assert another.portalctl("down").returncode == 0
    assert stack.left == []


def test_a_copy_with_hard_links_is_refused(stack: LocalStack, another: LocalStack, elsewhere: dict[str, str]) -> None:
    assert stack.up(environment=elsewhere).returncode == 0
    subprocess.run(["cp", "-al", str(stack.folder.root), str(another.folder.root)], check=True, timeout=60)
    refused = another.up()
    assert refused.returncode == 1
    assert "has hard links" in refused.stderr
    assert another.portalctl("down").returncode == 1
    shutil.rmtree(another.folder.root)
    assert untouched(stack)


def test_two_concurrent_starts_with_the_same_ports_share_none(
    stack: LocalStack, another: LocalStack, external_kafka: dict[str, str]
) -> None:
    another.folder.make()
    shutil.copy(stack.folder.ports, another.folder.ports)
    with ThreadPoolExecutor(2) as threads:
        starts = threads.map(lambda one: one.up(environment=external_kafka), (stack, another))
        assert [ended.returncode for ended in starts] == [0, 0]
    ours, theirs = (
        {port for name, port in read_json(one.folder.ports).items() if not name.startswith("kafka")} for one in (stack, another)
    )
    assert not ours & theirs
    assert read_processes(stack.folder).all_ready
    assert read_processes(another.folder).all_ready


def test_a_stack_ends_without_its_process_table(stack: LocalStack, elsewhere: dict[str, str]) -> None:
    assert stack.up(environment=elsewhere).returncode == 0
    stack.folder.processes.unlink()
    assert stack.portalctl("status").returncode == 1
    assert stack.portalctl("down").stdout == "stopped\n"
    assert stack.left == []


def test_the_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    folder = Folder(tmp_path if os.geteuid() == 0 else Path("/"))
    if os.geteuid() == 0:
        os.chown(folder.root, 1, -1)
    refused = LocalStack(folder).portalctl("up")
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"portalctl: {folder.root} belongs to ")
    assert "run portalctl as that user" in refused.stderr
