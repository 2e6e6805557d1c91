"""A server in a process of its own, for as long as it is asked."""

import asyncio
import socket
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager


@asynccontextmanager
async def serving(port: int, *command: str, env: Mapping[str, str] | None = None) -> AsyncIterator[str]:
    """Where the command answers on this port of this machine; what it logs is dropped."""
    process = await asyncio.create_subprocess_exec(*command, env=env, stderr=subprocess.DEVNULL)
    try:
        async with asyncio.timeout(15):
            while not answers(port):
                await asyncio.sleep(0.05)
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        await process.wait()


def answers(port: int) -> bool:
    """Whether somebody listens on this port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
