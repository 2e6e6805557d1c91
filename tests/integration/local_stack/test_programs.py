"""Cancelled programs, and programs with a port in use."""

import asyncio
import signal
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from portalctl.local.errors import PortTaken
from portalctl.local.programs import Program, run_tool, start


async def never() -> bool:
    return False


async def test_a_cancelled_tool_is_killed(tmp_path: Path) -> None:
    started = tmp_path / "pid"
    code = f"import os, pathlib, time; pathlib.Path({str(started)!r}).write_text(str(os.getpid())); time.sleep(60)"
    running = asyncio.create_task(run_tool("tool", [sys.executable, "-c", code], tmp_path / "log"))
    async with asyncio.timeout(20):
        while not (started.exists() and started.read_text()):
            await asyncio.sleep(0.02)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    assert not psutil.pid_exists(int(started.read_text()))


async def test_a_port_in_use_is_recognised_in_a_long_stack_trace(tmp_path: Path) -> None:
    code = "print('Socket server failed to bind: Address already in use'); print('  at somewhere\\n' * 60); raise SystemExit(1)"
    program = Program("kafka", [sys.executable, "-c", code], tmp_path / "log", never, stop_signal=signal.SIGTERM)
    with pytest.raises(PortTaken):
        await start(program)
