"""A small HTTP/1.1 client for load: keep-alive connections on plain sockets, with prepared requests.

It takes a fraction of the servers' processor time per request. Both sides of a comparison use the same client.
"""

import asyncio
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import repeat
from urllib.parse import urlsplit

from bench.measuring import Figures
from bench.usage import Meter, Processes


@dataclass(frozen=True, slots=True)
class Call:
    """One request, as bytes."""

    content: bytes

    @classmethod
    def of(cls, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> "Call":
        parts = urlsplit(url)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        own = {"host": parts.netloc, "accept-encoding": "identity"} | dict(headers or {})
        if body:
            own |= {"content-length": str(len(body)), "content-type": own.get("content-type", "application/json")}
        head = "".join(f"{name}: {value}\r\n" for name, value in own.items())
        return cls(f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode() + body)


@dataclass(slots=True)
class Answers:
    seconds: float = 0.0
    """From the first request to the last response."""
    latencies: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds

    def expect(self, *statuses: int) -> "Answers":
        """Raises RuntimeError for any other status, because failed work cannot be compared."""
        if others := {status: count for status, count in self.statuses.items() if status not in statuses}:
            raise RuntimeError(f"unexpected answers: {others}")
        return self


async def load(
    url: str, calls: Iterator[Call], *, connections: int, seconds: float | None = None, rate: float | None = None
) -> Answers:
    """Send `calls` to the host of `url` until they end or `seconds` have passed.

    Without `rate`, each connection sends its next request after each response. With it (requests per second), each request has
    a due time, and waiting for a free connection counts as latency.
    """
    parts = urlsplit(url)
    answers, begun = Answers(), time.perf_counter()
    until = begun + seconds if seconds is not None else float("inf")
    numbers = iter(range(10**12))

    async def one() -> None:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        try:
            while time.perf_counter() < until and (call := next(calls, None)) is not None:
                sent = time.perf_counter()
                if rate:
                    due = begun + next(numbers) / rate
                    await asyncio.sleep(max(0.0, due - sent))
                    sent = due
                writer.write(call.content)
                status = await _answer(reader)
                answers.latencies.append(time.perf_counter() - sent)
                answers.statuses[status] = answers.statuses.get(status, 0) + 1
        finally:
            writer.close()

    async with asyncio.TaskGroup() as tasks:
        for _ in range(connections):
            tasks.create_task(one())
    answers.seconds = time.perf_counter() - begun
    return answers


async def rate_of(name: str, url: str, call: Call, processes: Processes, connections: int, seconds: float) -> Figures:
    """Responses per second to the same request, all with status 200, and the processor time of each."""
    meter = Meter(processes)
    answers = await load(url, repeat(call), connections=connections, seconds=seconds)
    return meter.rate(name, len(answers.expect(200).latencies))


async def _answer(reader: asyncio.StreamReader) -> int:
    """Read one complete response and return its status."""
    head = await reader.readuntil(b"\r\n\r\n")
    lower = head.lower()
    if b"transfer-encoding: chunked" in lower:
        while size := int((await reader.readline()).strip() or b"0", 16):
            await reader.readexactly(size + 2)
        await reader.readline()
    elif (at := lower.find(b"content-length:")) >= 0:
        await reader.readexactly(int(lower[at + 15 : lower.index(b"\r\n", at)]))
    return int(head[9:12])
