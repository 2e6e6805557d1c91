"""Databases of a run: migrated as a service's are, and the tool that PostgreSQL brings to measure itself."""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from bench.servers import Servers
from chassis.postgres.migrate import CHASSIS, migrate
from portalctl.local.postgres import binaries
from support.databases import ServiceDatabase, fresh_database


@asynccontextmanager
async def migrated(servers: Servers, **components: Path) -> AsyncIterator[ServiceDatabase]:
    """A fresh database with the chassis' tables, and those of `components`."""
    async with fresh_database(servers.postgres_url, "bench") as database:
        owner = await asyncpg.connect(database.owner_url)
        try:
            await migrate(owner, {"chassis": CHASSIS, **components}, urlsplit(database.url).username or "")
        finally:
            await owner.close()
        yield database


async def pgbench(url: str, script: Path, *, callers: int, seconds: int) -> float:
    """Transactions per second of a script, prepared, connecting not counted. Raises RuntimeError with pgbench's own words."""
    parts = urlsplit(url)
    process = await asyncio.create_subprocess_exec(
        str(binaries() / "pgbench"),
        *("--no-vacuum", "--protocol=prepared", f"--client={callers}", f"--jobs={min(callers, 2)}", f"--time={seconds}"),
        *(f"--file={script}", f"--host={parts.hostname}", f"--port={parts.port}", f"--username={parts.username}"),
        parts.path.removeprefix("/"),
        env={"PATH": os.environ["PATH"], "PGPASSWORD": parts.password or ""},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output = (await process.communicate())[0].decode()
    found = re.search(r"tps = ([0-9.]+) \(without initial connection time\)", output)
    if process.returncode or not found:
        raise RuntimeError(f"pgbench: {output.strip()}")
    return float(found[1])
