"""A proxy for machines without HAProxy: it asks each process for its health, and connects to the ready ones in turn.

python plain_proxy.py '[[port, [[backend port, admin port], …]], …]'
"""

import asyncio
import contextlib
import itertools
import json
import sys

_CHECK_SECONDS = 0.3
_CONNECT_SECONDS = 2.0
_BYTES = 65536


class Proxied:
    """One port and the processes behind it."""

    def __init__(self, backends: list[tuple[int, int]]) -> None:
        self._ready = {port: False for port, _ in backends}
        self._admin_ports = dict(backends)
        self._turns = itertools.count()

    async def check(self) -> None:
        while True:
            for port, admin_port in self._admin_ports.items():
                self._ready[port] = await _is_ready(admin_port)
            await asyncio.sleep(_CHECK_SECONDS)

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ready = [port for port, ready in self._ready.items() if ready]
        first = next(self._turns)
        try:
            for number in range(len(ready)):
                with contextlib.suppress(OSError):
                    port = ready[(first + number) % len(ready)]
                    opened = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port), _CONNECT_SECONDS)
                    await asyncio.gather(_copy(reader, opened[1]), _copy(opened[0], writer))
                    return
        finally:
            writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while received := await reader.read(_BYTES):
            writer.write(received)
            await writer.drain()
    writer.close()


async def _is_ready(admin_port: int) -> bool:
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", admin_port)
            writer.write(b"GET /health/ready HTTP/1.0\r\n\r\n")
            answer = await reader.readline()
            writer.close()
    except OSError:
        return False
    return b" 200 " in answer


async def main(ports: list[tuple[int, list[tuple[int, int]]]]) -> None:
    async with asyncio.TaskGroup() as tasks:
        for port, backends in ports:
            proxied = Proxied(backends)
            tasks.create_task(proxied.check())
            await asyncio.start_server(proxied.accept, "127.0.0.1", port)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
