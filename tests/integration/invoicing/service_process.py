"""Runs the service in a separate process until its standard input ends, so that a test can measure its memory.

python -m integration.invoicing.service_process <url> <owner's url> <superuser's url>
"""

import asyncio
import os
import sys

from integration.invoicing.stack import running, served

from support.databases import ServiceDatabase


async def main() -> None:
    async with running(ServiceDatabase(*sys.argv[1:])) as stack, served(stack) as url:
        print(url, flush=True)  # noqa: T201
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # logging must not block on a reader
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
