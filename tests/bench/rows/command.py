"""Commanding: cancel and withdraw over HTTP at their service, each with an idempotency key, 1 000 streams in rotation.

Once at a process of the service that only answers HTTP, the rest of the portal standing still, as where each has cores of
its own; once with relays and readers at work on the same two cores.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from itertools import islice, repeat
from pathlib import Path
from typing import Final

import asyncpg

from bench.crowd import changes_of_mind
from bench.databases import pgbench
from bench.hello import hello_world
from bench.load import Call, load
from bench.measuring import Figures, Line, Row, Target
from bench.rows.append import ENVELOPE
from bench.stack import another, portal, still, subscribe
from support.portal import Stack

STREAMS: Final = 1_000
CALLERS: Final = 32
SECONDS: Final = 5


@asynccontextmanager
async def opened() -> AsyncIterator[Row]:
    async with portal() as seller, hello_world() as hello:
        subscriptions = await subscribe(seller, STREAMS)
        calls = changes_of_mind(seller, subscriptions)
        server = seller.stack.state["postgres"]["subscriptions"]
        admin = await asyncpg.connect(server)
        try:
            await admin.execute("CREATE TABLE IF NOT EXISTS bare (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text)")
        finally:
            await admin.close()
        script = Path(seller.stack.folder) / "bare.sql"
        script.write_text(f"INSERT INTO bare (body) VALUES ('{ENVELOPE.decode()}');\n")
        yield Row(
            [
                partial(_alone, seller.stack, calls),
                partial(_beside, seller.stack, calls),
                partial(_bare, server, script),
                partial(_hello, hello),
            ],
            [
                Line("32 callers ÷ pgbench, bare row", "commands", "bare row", target=Target(at_least=0.15)),
                Line("32 callers ÷ hello-world", "commands", "hello-world", target=Target(at_least=0.2)),
                Line("32 callers, with all that follows on the same cores", "commands, followed"),
            ],
        )


async def _alone(stack: Stack, calls: Iterator[Call]) -> Figures:
    with still(stack):
        async with another(stack, "subscriptions", role="http") as url:
            return {"commands": await _commands(url, calls)}


async def _beside(stack: Stack, calls: Iterator[Call]) -> Figures:
    return {"commands, followed": await _commands(stack.urls["subscriptions"], calls)}


async def _commands(url: str, calls: Iterator[Call]) -> float:
    """Whole turns of all streams only, so that the next trial begins where this one ended."""
    answers = await load(url, islice(calls, 2 * STREAMS), connections=CALLERS)
    return answers.expect(200, 202).rate


async def _bare(server: str, script: Path) -> Figures:
    return {"bare row": await pgbench(server, script, callers=CALLERS, seconds=SECONDS)}


async def _hello(url: str) -> Figures:
    return {"hello-world": (await load(url, repeat(Call.of("GET", url)), connections=CALLERS, seconds=SECONDS)).rate}
