"""stripe-mock, Stripe's own validator of requests, as a second witness beside `checks`.

`make stripe-mock` builds it, which needs minutes of processor time. Tests that need it are skipped without it.
"""

import asyncio
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from portalctl.local.jars import cache_folder
from support.stripe.documents import MODULE, go_command
from support.stripe.server import Request, Witness

ANY_KEY = "sk_test_123"
"""stripe-mock accepts every test key of this form."""


def program() -> Path:
    return cache_folder() / f"stripe-mock-{MODULE.rpartition('@')[2]}" / "stripe-mock"


@asynccontextmanager
async def stripe_mock() -> AsyncIterator[Witness]:
    """A witness that returns what stripe-mock refuses."""
    command = (str(program()), "-http-addr", "127.0.0.1:0", "-strict-version-check")
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
    try:
        address = await _address(process)
        async with httpx.AsyncClient(base_url=f"http://{address}", timeout=60) as http:

            async def witness(request: Request) -> str | None:
                in_query = request.method == "GET"
                headers = {"authorization": f"Bearer {ANY_KEY}", "stripe-version": request.headers.get("stripe-version", "")}
                response = await http.request(
                    request.method,
                    f"{request.path}?{request.text}" if in_query else request.path,
                    headers={**headers, "content-type": "application/x-www-form-urlencoded"},
                    content=None if in_query else request.text,
                )
                return None if response.is_success else f"{response.status_code} {response.text}"

            yield witness
    finally:
        process.kill()
        await process.wait()


async def _address(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    output = ""
    while line := (await process.stdout.readline()).decode():
        output += line
        if listening := re.search(r"Listening for HTTP at address: (\S+)", line):
            return listening[1]
    raise RuntimeError(f"stripe-mock ended: {output}")


def main() -> None:
    """Build it, unless it was built before."""
    if program().exists():
        return
    sys.stderr.write("· building stripe-mock, once\n")
    program().parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=program().parent) as staging:
        environment = os.environ | {"GOBIN": staging}
        subprocess.run([*go_command(), "install", MODULE], cwd=staging, env=environment, check=True)
        os.replace(Path(staging) / "stripe-mock", program())


if __name__ == "__main__":
    main()
