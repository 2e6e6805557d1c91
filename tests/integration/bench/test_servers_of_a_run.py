"""Servers beside ours: a port that is taken, a program that ends, and a Java that is missing are each named in words."""

import asyncio
import importlib.util
import shutil
import socket
import stat
import subprocess
import sys
from collections import deque
from pathlib import Path

import psutil
import pytest

from bench import killbill, killbill_setup
from bench.hello import hello_world
from bench.load import Call, load
from bench.serving import listens, serving
from portalctl.local.errors import PortTaken, StackError, StartFailed
from support.ports import free_port

LISTENS = "import socket, sys, time; s = socket.create_server(('127.0.0.1', int(sys.argv[1]))); time.sleep(60)"


async def test_a_server_runs_during_the_block_only() -> None:
    port = free_port()
    async with serving("probe", port, (sys.executable, "-c", LISTENS, str(port))) as served:
        assert listens(served.pid, port)
    assert not psutil.pid_exists(served.pid)


async def test_a_port_of_another_program_is_not_measured() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=f"another program listens on port {port}"):
            async with serving("probe", port, (sys.executable, "-c", LISTENS, str(port))):
                raise AssertionError("the other program would have been measured")


async def test_a_server_that_ends_before_it_listens_is_reported_with_the_end_of_its_log() -> None:
    with pytest.raises(StartFailed, match=r"(?s)probe: ended with exit code 3.*no such setting"):
        async with serving("probe", free_port(), (sys.executable, "-c", "import sys; print('no such setting'); sys.exit(3)")):
            raise AssertionError("it never listened")


def test_an_ended_process_does_not_listen() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert not listens(ended.pid, free_port())


async def test_hello_world_answers() -> None:
    async with hello_world() as hello:
        answers = await load(hello.url, iter([Call.of("GET", hello.url)]), connections=1)
        assert answers.statuses == {200: 1}


def a_java(folder: Path, modules: str) -> Path:
    program = folder / "java"
    program.write_text(f"#!/bin/sh\nprintf '{modules}'\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def only(monkeypatch: pytest.MonkeyPatch, stack: Path | None, system: Path | None) -> None:
    killbill_setup.usable_java.cache_clear()
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: stack)
    monkeypatch.setattr(killbill_setup, "java", lambda: stack)
    monkeypatch.setattr(shutil, "which", lambda _: str(system) if system else None)


def test_the_stack_s_java_runs_kill_bill_where_it_can(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    able = a_java(tmp_path, "java.base@25\\njdk.naming.rmi@25\\n")
    only(monkeypatch, able, None)
    assert killbill_setup.usable_java() == able


def test_the_system_s_java_runs_it_where_the_stack_s_lacks_a_module(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "stack").mkdir()
    able = a_java(tmp_path, "java.base@17\\njdk.naming.rmi@17\\n")
    only(monkeypatch, a_java(tmp_path / "stack", "java.base@25\\n"), able)
    assert killbill_setup.usable_java() == able


@pytest.mark.parametrize("present", ["none", "lacking", "broken"])
def test_without_a_java_that_can_run_it_the_package_to_install_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, present: str
) -> None:
    system = {"none": None, "lacking": a_java(tmp_path, "java.base@25\\n"), "broken": tmp_path / "no such file"}[present]
    only(monkeypatch, None, system)
    with pytest.raises(StackError, match=r"needs a Java runtime with the module jdk\.naming\.rmi.*install Java 17"):
        killbill_setup.usable_java()


@pytest.fixture(autouse=True)
def no_remembered_java() -> None:
    killbill_setup.usable_java.cache_clear()


async def test_an_endless_log_kills_its_process_and_its_end_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(killbill, "LOG_BYTES", 1_000_000)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "while True: print('failed ' * 20)", stdout=asyncio.subprocess.PIPE
    )
    last: deque[bytes] = deque(maxlen=20)
    await killbill.read_log(process, last)
    assert await process.wait() != 0
    assert len(last) == 20
    assert last[-1].endswith(b"of log: killed")


async def test_kill_bill_that_does_not_start_is_reported_with_its_log_and_ended(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "print('Unsupported class file version'); raise SystemExit(1)"]
    with pytest.raises(StartFailed, match=r"(?s)Kill Bill: ended with exit code 1.*Unsupported class file version"):
        async with killbill.running(command, tmp_path, free_port()):
            raise AssertionError("it never answered")


async def test_kill_bill_on_a_port_that_is_taken_is_not_started(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(PortTaken, match="another program listens"):
        async with killbill.running([sys.executable, "-c", ""], tmp_path, other.getsockname()[1]):
            raise AssertionError("another program would have answered")
