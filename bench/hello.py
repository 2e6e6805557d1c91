"""The compared server: hello-world, and a document read by its key, with the services' HTTP server and pool."""

import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bench.serving import MODULES, serving
from bench.usage import Processes
from chassis.http.server import listen, serve
from chassis.postgres.pool import create_pool
from portalctl.local.ports import free_port

PROCESS: Final = "python"
_CONNECTIONS: Final = (2, 10)
"""Minimum and maximum, as the chassis opens them by default."""
_DOCUMENT: Final = "SELECT doc::text FROM customer_view WHERE merchant_id = $1 AND customer_id = $2"


@dataclass(frozen=True, slots=True)
class Hello:
    url: str
    document: str
    """The URL of the stored customer view; it exists only with a database."""
    processes: Processes


@asynccontextmanager
async def hello_world(database: str | None = None, merchant: str = "", customer: str = "") -> AsyncIterator[Hello]:
    """Run the server. `database` is the gateway's, with its role; the document belongs to this customer."""
    port = free_port()
    own: Mapping[str, str] = {"DATABASE_URL": database, "MERCHANT": merchant, "CUSTOMER": customer} if database else {}
    command = (sys.executable, "-m", "bench.hello", str(port))
    async with serving("hello-world", port, command, MODULES | dict(own)) as served:
        yield Hello(served.url, f"{served.url}document", {PROCESS: served.pid})


async def hello(_: Request) -> JSONResponse:
    return JSONResponse({"hello": "world"})


async def main(port: int, database: str | None) -> None:
    routes = [Route("/", hello)]
    if database is None:
        await serve(Starlette(routes=routes), grace_seconds=1).serve([listen("127.0.0.1", port)])
        return
    merchant, customer = os.environ["MERCHANT"], os.environ["CUSTOMER"]
    async with create_pool(database, name="hello", min_size=_CONNECTIONS[0], max_size=_CONNECTIONS[1]) as pool:

        async def document(_: Request) -> Response:
            content = await pool.fetchval(_DOCUMENT, merchant, customer)
            return Response(content, media_type="application/json") if content else Response(status_code=404)

        routes.append(Route("/document", document))
        await serve(Starlette(routes=routes), grace_seconds=1).serve([listen("127.0.0.1", port)])


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), os.environ.get("DATABASE_URL")))
