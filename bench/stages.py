"""Records when an event passes each part of the system, with wrappers around functions of the services.

`python -m bench.stages supervise <folder>` runs a local stack in which every service starts as `python -m bench.stages serve
<package> <file>`: the service's own program, with the wrappers. The services have no code for it. All times are CLOCK_REALTIME of
this machine, which its processes share.
"""

import os
import runpy
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import wraps
from itertools import pairwise
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg

from bench.serving import MODULES
from chassis.consumers.batch_processor import BatchProcessor, CommitOffsets
from chassis.consumers.consumer import CustomerKey
from chassis.consumers.group_member import ConsumerGroupMember, Records
from chassis.decoding import Decoded, RawRecord
from chassis.eventsourcing.event_store import Message
from chassis.outbox import relay
from chassis.outbox.cursor import Ends, Page, RelayPosition
from chassis.outbox.producer import Publisher
from portal_gateway.adapters.api import overview
from portal_gateway.adapters.view_notifier import ViewNotifier
from portal_gateway.application.live import ChangeSignal, Ended, Pulse, Update
from portalctl.local.folder import Folder
from portalctl.local.layout import ExternalServers
from portalctl.local.programs import Program
from portalctl.local.services import SERVICES, Service
from portalctl.local.supervisor import supervise

READ, ACKNOWLEDGED, FETCHED, COMMITTED, SENT = "relay read", "broker acknowledged", "fetched", "committed", "SSE sent"
INSIDE: Final = (READ, ACKNOWLEDGED, FETCHED, COMMITTED, SENT)
"""The stages that services record, in order."""
ALL: Final = ("answered", *INSIDE, "arrived")
STEPS: Final = tuple(f"{before} → {after}" for before, after in pairwise(ALL))
FILE: Final = "stages"
"""A file in the stack's folder."""
_PROGRAM: Final = f"""
import runpy, sys
sys.path.insert(0, {MODULES["PYTHONPATH"]!r})
runpy.run_module("bench.stages", run_name="__main__")
"""
"""A stack starts without PYTHONPATH, so the command adds this package's folder."""
SUPERVISOR: Final = (sys.executable, "-c", _PROGRAM, "supervise")
_GATEWAY: Final = "portal_gateway"


@dataclass(frozen=True, slots=True)
class Passage:
    """One event: when its command was sent and answered, and when its message arrived, in seconds of CLOCK_REALTIME."""

    key: str
    """`<merchant>/<aggregate>`, the key of its record."""
    customer: str
    """`<merchant>/<customer>`"""
    began: float
    answered: float
    arrived: float


def durations(passage: Passage, noted: Mapping[str, Mapping[str, Sequence[float]]]) -> list[float] | None:
    """Seconds from each stage to the next. None if a stage was not recorded between the command and the arrival.

    The first may be negative, because the relay does not wait for the response.
    """
    times = [passage.answered]
    for stage in INSIDE:
        key = passage.customer if stage == SENT else passage.key
        at = next((at for at in noted.get(stage, {}).get(key, ()) if passage.began <= at <= passage.arrived), None)
        if at is None:
            return None
        times.append(at)
    return [after - before for before, after in pairwise((*times, passage.arrived))]


def read_notes(file: Path) -> dict[str, dict[str, list[float]]]:
    """The times at which each key passed each stage, in seconds, ascending."""
    notes: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for line in file.read_text().splitlines():
        stage, at, *keys = line.split("\t")
        for key in keys:
            notes[stage][key].append(int(at) / 1e9)
    return notes


class Notes:
    """Appends lines to one file for all services, each with one write."""

    def __init__(self, file: Path) -> None:
        self._descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def add(self, stage: str, keys: Iterable[bytes | None]) -> None:
        now = time.time_ns()
        if named := b"\t".join(dict.fromkeys(key for key in keys if key)):
            os.write(self._descriptor, b"%s\t%d\t%s\n" % (stage.encode(), now, named))


def wrap_relay(notes: Notes) -> None:
    names: Any = relay
    read_page, send = names.read_page, Publisher.send

    async def noting_page(connection: asyncpg.Connection, after: RelayPosition, limit: int) -> Page:
        page: Page = await read_page(connection, after, limit)
        notes.add(READ, (message.key for message in page.messages))
        return page

    async def noting_send(self: Publisher, messages: Sequence[Message]) -> Ends:
        ends = await send(self, messages)
        notes.add(ACKNOWLEDGED, (message.key for message in messages))
        return ends

    names.read_page = noting_page
    Publisher.send = noting_send  # type: ignore[method-assign]


def wrap_consumer(notes: Notes) -> None:
    on_batch, handle = ConsumerGroupMember._on_batch, BatchProcessor.handle

    @wraps(on_batch)
    async def noting_batch(self: ConsumerGroupMember, records: Records) -> None:
        notes.add(FETCHED, (record.key for record in records))
        await on_batch(self, records)

    async def noting_handle(
        self: BatchProcessor,
        records: Sequence[RawRecord],
        commit_offsets: CommitOffsets,
        decoded: Sequence[Decoded] | None = None,
    ) -> set[CustomerKey]:
        changed = await handle(self, records, commit_offsets, decoded)
        notes.add(COMMITTED, (record.key for record in records))
        return changed

    ConsumerGroupMember._on_batch = noting_batch  # type: ignore[method-assign]
    BatchProcessor.handle = noting_handle  # type: ignore[method-assign]


def wrap_stream(notes: Notes) -> None:
    names: Any = overview
    of, sse = ViewNotifier.of, names.sse
    watched: ContextVar[str] = ContextVar("watched")

    @contextmanager
    def noting_of(self: ViewNotifier, merchant_id: UUID, customer_id: UUID, session_id: UUID) -> Iterator[ChangeSignal]:
        watched.set(f"{merchant_id}/{customer_id}")
        with of(self, merchant_id, customer_id, session_id) as signal:
            yield signal

    def noting_sse(message: Update | Pulse | Ended) -> str:
        if isinstance(message, Update):
            notes.add(SENT, [watched.get().encode()])
        text: str = sse(message)
        return text

    ViewNotifier.of = noting_of  # type: ignore[method-assign, assignment]
    names.sse = noting_sse


def _serve(package: str, file: Path) -> None:
    notes = Notes(file)
    wrap_relay(notes)
    if package == _GATEWAY:
        wrap_consumer(notes)
        wrap_stream(notes)
    sys.argv = [package, "serve"]
    runpy.run_module(package, run_name="__main__")


def _supervise(folder: Path) -> None:
    original = Service.program

    def staged(self: Service) -> Program:
        program = original(self)
        command = [sys.executable, "-m", "bench.stages", "serve", self.package, str(folder / FILE)]
        return replace(program, command=command, environment={**program.environment, **MODULES})

    Service.program = staged  # type: ignore[method-assign]
    supervise(Folder(folder), SERVICES, ExternalServers())


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["supervise", folder]:
            _supervise(Path(folder))
        case ["serve", package, file]:
            _serve(package, Path(file))
