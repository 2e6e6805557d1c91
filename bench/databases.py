"""Databases of a run with migrated tables, and pgbench."""

import asyncio
import os
import re
import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from bench.measuring import Figures, cpu_figures
from bench.servers import Servers
from bench.usage import Meter, Processes
from chassis.postgres.migrate import CHASSIS, migrate
from portalctl.local.postgres import binaries
from support.databases import ServiceDatabase, fresh_database


@asynccontextmanager
async def migrated(servers: Servers, **components: Path) -> AsyncIterator[ServiceDatabase]:
    """A new database with the tables of the chassis and of `components`."""
    async with fresh_database(servers.postgres_url, "bench") as database:
        owner = await asyncpg.connect(database.owner_url)
        try:
            await migrate(owner, {"chassis": CHASSIS, **components}, urlsplit(database.url).username or "")
        finally:
            await owner.close()
        yield database


async def pgbench(url: str, script: Path, *, name: str, postgres: Processes, callers: int, seconds: int) -> Figures:
    """Transactions per second of a prepared script as the figure `name`, without connecting, and the processor time of each.

    Raises RuntimeError with pgbench's output.
    """
    parts, meter, before = urlsplit(url), Meter(postgres), _cpu_of_ended_children()
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
    done = re.search(r"actually processed: ([0-9]+)", output)
    rate = re.search(r"tps = ([0-9.]+) \(without initial connection time\)", output)
    if process.returncode or not done or not rate:
        raise RuntimeError(f"pgbench: {output.strip()}")
    used = meter.seconds() | {"pgbench": _cpu_of_ended_children() - before}
    return {name: float(rate[1]), **cpu_figures(name, {each: 1e6 * used[each] / int(done[1]) for each in used})}


def _cpu_of_ended_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
