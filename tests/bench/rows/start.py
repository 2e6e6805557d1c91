"""Starting: `portalctl up` with everything fetched and made before, until every part is ready."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from bench.measuring import Figures, Line, Row
from support.portal import Stack


@asynccontextmanager
async def opened() -> AsyncIterator[Row]:
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as name:
        Path(name).chmod(0o711)
        stack = Stack(Path(name) / "stack")
        try:
            await _up(stack)
            await _down(stack)
            yield Row([partial(_started, stack)], [Line("portalctl up, warm, to ready", "up", unit="s")])
        finally:
            await _down(stack, "--wipe")


async def _started(stack: Stack) -> Figures:
    begun = time.perf_counter()
    await _up(stack)
    seconds = time.perf_counter() - begun
    await _down(stack)
    return {"up": seconds}


async def _up(stack: Stack) -> None:
    done = await asyncio.to_thread(stack.portalctl, "up", "--detach")
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)


async def _down(stack: Stack, *words: str) -> None:
    await asyncio.to_thread(stack.portalctl, "down", *words)
