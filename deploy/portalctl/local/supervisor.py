"""Starts the stack in order, restarts processes that end, and stops the stack in order."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from signal import SIGUSR1
from typing import Any, Protocol

from chassis.runtime.signals import STOP_SIGNALS
from portalctl import topics
from portalctl.local import databases
from portalctl.local.cleanup import finish_wipe, sweep
from portalctl.local.errors import PortTaken, StackError, within
from portalctl.local.folder import Folder
from portalctl.local.layout import ExternalServers, Layout, layout_for_start
from portalctl.local.locks import held
from portalctl.local.migrations import migrate
from portalctl.local.process_table import Records
from portalctl.local.programs import Child, Program
from portalctl.local.progress import Report
from portalctl.local.services import ServiceKind
from portalctl.local.state import update_state
from portalctl.settings import DEADLINE_SECONDS

_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 15.0
_STEADY_SECONDS = 30.0
_LOCK_SECONDS = 1.0
_WATCH_SECONDS = 1.0
_STARTS = 5
"""Attempts while other programs take the chosen ports. Each attempt replaces the ports in use."""

log = logging.getLogger(__name__)


class Part(Protocol):
    """A process that the supervisor keeps running."""

    @property
    def name(self) -> str: ...

    async def prepare(self, report: Report) -> None: ...

    def program(self) -> Program: ...


class Supervisor:
    """One per folder. `SIGUSR1` ends the pauses before restarts; a stop signal stops the stack."""

    def __init__(self, folder: Folder, kinds: Sequence[ServiceKind], external: ExternalServers, deadline_seconds: float) -> None:
        self._folder, self._kinds, self._external, self._deadline_seconds = folder, kinds, external, deadline_seconds
        self._identity = folder.identity
        self._records = Records(folder)
        self._children: dict[str, Child] = {}
        self._stopping = asyncio.Event()
        self._woken = asyncio.Event()

    async def run(self) -> None:
        """Run until a stop signal arrives. Raises the error that prevented the start. In both cases no process is left."""
        loop = asyncio.get_running_loop()
        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, self._stopping.set)
        loop.add_signal_handler(SIGUSR1, self._wake)
        working = asyncio.create_task(self._work())
        stopping = asyncio.create_task(self._stopping.wait())
        watching = asyncio.create_task(self._watch())
        await asyncio.wait({working, stopping, watching}, return_when=asyncio.FIRST_COMPLETED)
        lost = watching.done() and watching.exception() is None
        for task in (stopping, watching, working):
            task.cancel()
        try:
            await working
        except asyncio.CancelledError:
            if lost:
                await self._kill_everything()
                raise StackError(f"{self._folder.root} was moved, deleted or replaced; its processes were stopped") from None
            await self._stop_everything()
            self._records.phase("stopped")
        except Exception as error:
            await self._stop_everything()
            self._records.phase("failed", str(error) if isinstance(error, StackError) else repr(error))
            raise

    async def _work(self) -> None:
        taken: list[str] = []
        for attempt in range(1, _STARTS + 1):
            try:
                parts = await self._start_all(taken)
                break
            except PortTaken as error:
                if attempt == _STARTS:
                    raise
                log.warning("%s; trying other ports", error)
                taken = [error.name]
                await self._stop_everything()
        self._records.phase("ready")
        await _run_all(self._keep_running(part) for part in parts)

    async def _watch(self) -> None:
        """Return when the folder is lost. Unwritten records are written as soon as possible."""
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            try:
                if self._folder.identity != self._identity:
                    return
            except (FileNotFoundError, NotADirectoryError):
                return
            except OSError:
                # A transient fault of the file system.
                continue
            if self._records.flush():
                # Processes that ended because of a full disk can start now.
                self._wake()

    async def _start_all(self, taken: Iterable[str] = ()) -> list[Part]:
        layout = layout_for_start(self._folder, self._kinds, self._external, taken)
        # First, because the file may be a copy with another stack's addresses.
        update_state(self._folder, **layout.state(), processes={})
        self._records.published = True
        for service in layout.services:
            service.write_secrets()
        servers: list[Part] = [server for server in (layout.postgres, layout.kafka) if server]
        others: list[Part] = [*layout.services, layout.event_pages]
        for part in [*servers, *others]:
            self._records.entry(part.name, "waiting")
        await _run_all([self._create_tables(layout), self._create_topics(layout)])
        await _run_all(self._start(part) for part in others)
        return [*servers, *others]

    async def _create_tables(self, layout: Layout) -> None:
        if layout.postgres:
            await self._start(layout.postgres)
        for database in layout.databases:
            what = f"creating the database {database.name}"
            async with self._step(what, layout.postgres.log if layout.postgres else None):
                await databases.create(layout.admin_url, database, own=layout.postgres is not None)
        await _run_all(self._migrate(layout, kind) for kind in layout.kinds)
        for database in layout.databases:
            await databases.require_reconciled(layout.owner_url(database), own=layout.postgres is not None)

    async def _migrate(self, layout: Layout, kind: ServiceKind) -> None:
        async with self._step(f"migrating the tables of {kind.name}", layout.postgres.log if layout.postgres else None):
            await migrate(layout, kind)

    async def _create_topics(self, layout: Layout) -> None:
        if layout.kafka:
            await self._start(layout.kafka)
        where = f"creating the topics on {layout.kafka_access.servers}"
        async with self._step(where, layout.kafka.log if layout.kafka else None):
            await topics.apply(layout.kafka_access)

    @asynccontextmanager
    async def _step(self, what: str, log: Path | None) -> AsyncIterator[None]:
        """Report the start of a step. Raises StackError with the step and the end of its log after the deadline."""
        self._records.step(what)
        async with within(self._deadline_seconds, what, log):
            yield

    async def _start(self, part: Part) -> None:
        """Raises StackError."""
        program = part.program()
        async with self._step(f"starting {part.name}", program.log):
            await part.prepare(self._records.step)
            child = self._children[program.name] = await Child.spawn(program)
        self._records.entry(program.name, "starting", child.pid)
        try:
            await child.until_ready(self._deadline_seconds)
        except BaseException:
            await child.stop()
            raise
        self._records.entry(program.name, "ready", child.pid)
        self._records.step(f"{program.name} is ready")

    async def _keep_running(self, part: Part) -> None:
        name = part.name
        pause = _FIRST_PAUSE_SECONDS
        while True:
            since = asyncio.get_running_loop().time()
            code = await self._children[name].process.wait()
            if asyncio.get_running_loop().time() - since > _STEADY_SECONDS:
                pause = _FIRST_PAUSE_SECONDS
            problem = f"ended with exit code {code}"
            while problem:
                log.warning("%s: %s; restarting in %.1f s", name, problem, pause)
                self._records.entry(name, "restarting", problem=problem)
                await self._pause(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
                try:
                    await self._start(part)
                    problem = ""
                except Exception as error:
                    # Any error: a full disk, a process limit, an unreadable record.
                    problem = str(error) or repr(error)

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), seconds)

    def _wake(self) -> None:
        self._woken.set()
        self._woken.clear()

    async def _stop_everything(self) -> None:
        """Stop services first: they finish their work while their servers run."""
        self._records.phase("stopping")
        servers = {"postgres", "kafka"}
        for names in (self._children.keys() - servers, self._children.keys() & servers):
            await _run_all(self._children[name].stop() for name in names)
            for name in names:
                self._records.entry(name, "stopped")
        self._children.clear()

    async def _kill_everything(self) -> None:
        """Kill all processes at once. Kafka writes by path and must not write into another folder."""
        for child in self._children.values():
            child.kill()
        await _run_all(child.stop() for child in self._children.values())


def supervise(
    folder: Folder, kinds: Sequence[ServiceKind], external: ExternalServers, deadline_seconds: float = DEADLINE_SECONDS
) -> None:
    """Run the stack of this folder until a stop signal arrives. Raises Held if another supervisor runs, StackError if the start
    fails."""
    logging.raiseExceptions = False  # do not fail on a log that cannot be written, for example on a full disk
    folder.make()
    # A command that checks the lock holds it for an instant.
    with held(folder.lock, wait_seconds=_LOCK_SECONDS):
        sweep(folder)
        finish_wipe(folder)
        asyncio.run(Supervisor(folder, kinds, external, deadline_seconds).run())


async def _run_all(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run all concurrently. The first error cancels the others and is raised alone."""
    try:
        async with asyncio.TaskGroup() as group:
            for one in work:
                group.create_task(one)
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
