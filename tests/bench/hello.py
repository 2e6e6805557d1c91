"""Hello, world on the services' own server, in a process of its own: the limit that the framework sets."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from chassis.http.server import listen, serve
from portalctl.local.ports import free_port


async def hello(_: Request) -> JSONResponse:
    return JSONResponse({"hello": "world"})


@asynccontextmanager
async def hello_world() -> AsyncIterator[str]:
    """The URL of a running one."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "bench.hello", str(port))
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


async def main(port: int) -> None:
    await serve(Starlette(routes=[Route("/", hello)]), grace_seconds=1).serve([listen("127.0.0.1", port)])


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
