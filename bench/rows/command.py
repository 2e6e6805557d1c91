"""Commands: cancel and withdraw over HTTP at their service, each with an idempotency key, 1 000 streams in rotation.

Once with a process of role http and the rest of the stack suspended, like on separate cores; once with relays and consumers on
the same two cores.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final

import asyncpg

from bench.crowd import cancel_and_withdraw
from bench.databases import pgbench
from bench.hello import Hello, hello_world
from bench.load import Call, load, rate_of
from bench.measuring import Figures, Line, Row, Target
from bench.rows.append import ENVELOPE
from bench.stack import portal, processes, second_process, subscribe, suspended, until_quiet
from bench.usage import Meter
from support.system_stack import Stack

STREAMS: Final = 1_000
CALLERS: Final = 32
SECONDS: Final = 5
SERVICE: Final = "subscriptions"
FOLLOWED: Final = "commands, followed"


@asynccontextmanager
async def opened() -> AsyncIterator[Row]:
    async with portal() as seller, hello_world() as hello:
        stack = seller.stack
        subscriptions = await subscribe(seller, STREAMS)
        calls = cancel_and_withdraw(seller, subscriptions)
        server = stack.state["postgres"]["subscriptions"]
        admin = await asyncpg.connect(server)
        try:
            await admin.execute("CREATE TABLE IF NOT EXISTS bare (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text)")
        finally:
            await admin.close()
        script = Path(stack.folder) / "bare.sql"
        script.write_text(f"INSERT INTO bare (body) VALUES ('{ENVELOPE.decode()}');\n")
        yield Row(
            [
                partial(_alone, stack, calls),
                partial(_beside, stack, calls),
                partial(_bare, stack, server, script),
                partial(_hello, hello),
            ],
            [
                Line("32 callers ÷ pgbench, bare row", "commands", "bare row", target=Target(at_least=0.15)),
                Line("32 callers ÷ hello-world", "commands", "hello-world", target=Target(at_least=0.2)),
                Line("a command, CPU of its service alone", f"commands, CPU {SERVICE}", unit="µs", target=Target(at_most=800)),
                Line("32 callers, with all that follows on the same cores", FOLLOWED, target=Target(at_least=800)),
                Line("a command, CPU with all that follows", f"{FOLLOWED}, CPU", unit="µs"),
            ],
        )


async def _alone(stack: Stack, calls: Iterator[Call]) -> Figures:
    with suspended(stack):
        async with second_process(stack, SERVICE, role="http") as served:
            meter = Meter({**processes(stack, "postgres"), SERVICE: served.pid})
            await send_commands(served.url, calls, 2 * STREAMS)
            return meter.rate("commands", 2 * STREAMS)


async def _beside(stack: Stack, calls: Iterator[Call]) -> Figures:
    """The rate counts responses; processor time counts until every event has been consumed."""
    meter = Meter(processes(stack))
    await send_commands(stack.urls[SERVICE], calls, 2 * STREAMS)
    meter.done()
    await until_quiet(stack)
    return meter.rate(FOLLOWED, 2 * STREAMS)


async def send_commands(url: str, calls: Iterator[Call], count: int) -> None:
    """Send `count` commands. After a multiple of twice the streams, each stream is in its earlier state."""
    (await load(url, islice(calls, count), connections=CALLERS)).expect(200, 202)


async def _bare(stack: Stack, server: str, script: Path) -> Figures:
    postgres = processes(stack, "postgres")
    return await pgbench(server, script, name="bare row", postgres=postgres, callers=CALLERS, seconds=SECONDS)


async def _hello(hello: Hello) -> Figures:
    return await rate_of("hello-world", hello.url, Call.of("GET", hello.url), hello.processes, CALLERS, SECONDS)
