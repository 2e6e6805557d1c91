"""The service in a process of its own, until its standard input ends: what it holds in memory is its own doing.

python -m integration.invoicing.alone <url> <owner's url> <superuser's url>
"""

import asyncio
import os
import sys

from integration.invoicing.stack import running, served

from support.databases import ServiceDatabase


async def main() -> None:
    async with running(ServiceDatabase(*sys.argv[1:])) as stack, served(stack) as url:
        print(url, flush=True)  # noqa: T201
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what is logged must not wait for a reader
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
