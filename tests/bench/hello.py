"""Hello, world on the services' own server, in a process of its own: the limit that the framework sets."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from bench.serving import serving
from chassis.http.server import listen, serve
from portalctl.local.ports import free_port


async def hello(_: Request) -> JSONResponse:
    return JSONResponse({"hello": "world"})


@asynccontextmanager
async def hello_world() -> AsyncIterator[str]:
    """The URL of a running one."""
    port = free_port()
    async with serving(port, sys.executable, "-m", "bench.hello", str(port)) as url:
        yield url


async def main(port: int) -> None:
    await serve(Starlette(routes=[Route("/", hello)]), grace_seconds=1).serve([listen("127.0.0.1", port)])


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
