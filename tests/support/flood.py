"""`python -m support.flood PORT SENDERS SECONDS`: clients that never finish a request, in a process of their own.

A third sends nothing, a third a byte at a time, a third as fast as it can; all connect again when they are cut off.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path


async def main(port: int, senders: int, seconds: float) -> None:
    until = time.monotonic() + seconds
    print("flooding", flush=True)  # noqa: T201
    await asyncio.gather(*(_sender(port, number, until) for number in range(senders)))


async def _sender(port: int, number: int, until: float) -> None:
    while time.monotonic() < until:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                await _send(writer, number, until)
            finally:
                writer.transport.abort()
        except OSError:
            pass
        await asyncio.sleep(0.05)


async def _send(writer: asyncio.StreamWriter, number: int, until: float) -> None:
    if number % 3:
        writer.write(b"GET / HTTP/1.1\r\nhost: here\r\nx-endless: ")
    while time.monotonic() < until and not writer.transport.is_closing():
        if number % 3:
            writer.write(b"a" * (1 if number % 3 == 1 else 65536))
            await writer.drain()
        await asyncio.sleep(0.1)


@asynccontextmanager
async def flooded(port: int, senders: int, seconds: float = 60) -> AsyncIterator[None]:
    """Flood the port while the block runs."""
    command = sys.executable, "-m", "support.flood", str(port), str(senders), str(seconds)
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[1])
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"flooding\n"
        yield
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
