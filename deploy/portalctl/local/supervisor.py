"""Starts the stack in order, starts again what ends, and stops it in order."""

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
from portalctl.local.layout import Elsewhere, Layout, layout_for_start
from portalctl.local.locks import held
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
"""Attempts while other programs take the chosen ports: each one exchanges those that were found taken."""

log = logging.getLogger(__name__)


class Part(Protocol):
    """Something that the supervisor keeps running."""

    @property
    def name(self) -> str: ...

    async def prepare(self, report: Report) -> None: ...

    def program(self) -> Program: ...


class Supervisor:
    """One per folder. `SIGUSR1` ends the pauses before restarts, a stop signal ends everything."""

    def __init__(self, folder: Folder, kinds: Sequence[ServiceKind], elsewhere: Elsewhere, deadline_seconds: float) -> None:
        self._folder, self._kinds, self._elsewhere, self._seconds = folder, kinds, elsewhere, deadline_seconds
        self._identity = folder.identity
        self._records = Records(folder)
        self._children: dict[str, Child] = {}
        self._stopping = asyncio.Event()
        self._woken = asyncio.Event()

    async def run(self) -> None:
        """Until a stop signal comes. Raises what kept the stack from starting; nothing of it runs afterwards either way."""
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
                raise StackError(f"{self._folder.root} was moved, deleted or replaced; what ran for it was ended") from None
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
                log.warning("%s; other ports are tried", error)
                taken = [error.name]
                await self._stop_everything()
        self._records.phase("ready")
        await _together(self._keep(part) for part in parts)

    async def _watch(self) -> None:
        """Until the folder is lost. Records that could not be written are written as soon as they can be."""
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            try:
                if self._folder.identity != self._identity:
                    return
            except (FileNotFoundError, NotADirectoryError):
                return
            except OSError:
                # A fault of the file system that may pass.
                continue
            if self._records.flush():
                # What ended for want of room need not wait any longer.
                self._wake()

    async def _start_all(self, taken: Iterable[str] = ()) -> list[Part]:
        layout = layout_for_start(self._folder, self._kinds, self._elsewhere, taken)
        # Before anything of this stack can be seen: the file may be a copied one, with another stack's addresses.
        update_state(self._folder, **layout.state(), processes={})
        self._records.published = True
        servers: list[Part] = [server for server in (layout.postgres, layout.kafka) if server]
        others: list[Part] = [*layout.services, layout.event_pages]
        for part in [*servers, *others]:
            self._records.entry(part.name, "waiting")
        await _together([self._make_tables(layout), self._make_topics(layout)])
        await _together(self._bring(part) for part in others)
        return [*servers, *others]

    async def _make_tables(self, layout: Layout) -> None:
        if layout.postgres:
            await self._bring(layout.postgres)
        for database in layout.databases:
            what = f"creating the database {database.name}"
            async with self._step(what, layout.postgres.log if layout.postgres else None):
                await databases.create(layout.admin_url, database, own=layout.postgres is not None)
        await _together(self._migrate(service.name, service.migrate(), service.log) for service in layout.services)

    async def _migrate(self, name: str, migration: Coroutine[Any, Any, None], log: Path) -> None:
        async with self._step(f"migrating the tables of {name}", log):
            await migration

    async def _make_topics(self, layout: Layout) -> None:
        if layout.kafka:
            await self._bring(layout.kafka)
        where = f"creating the topics on {layout.bootstrap_servers}"
        async with self._step(where, layout.kafka.log if layout.kafka else None):
            await topics.apply(layout.bootstrap_servers)

    @asynccontextmanager
    async def _step(self, what: str, log: Path | None) -> AsyncIterator[None]:
        """Reported when it begins. Raises StackError with what was waited for and its log when it takes too long."""
        self._records.step(what)
        async with within(self._seconds, what, log):
            yield

    async def _bring(self, part: Part) -> None:
        """Raises StackError."""
        program = part.program()
        async with self._step(f"starting {part.name}", program.log):
            await part.prepare(self._records.step)
            child = self._children[program.name] = await Child.spawn(program)
        self._records.entry(program.name, "starting", child.pid)
        try:
            await child.until_ready(self._seconds)
        except BaseException:
            await child.stop()
            raise
        self._records.entry(program.name, "ready", child.pid)
        self._records.step(f"{program.name} is ready")

    async def _keep(self, part: Part) -> None:
        name = part.name
        pause = _FIRST_PAUSE_SECONDS
        while True:
            since = asyncio.get_running_loop().time()
            code = await self._children[name].process.wait()
            if asyncio.get_running_loop().time() - since > _STEADY_SECONDS:
                pause = _FIRST_PAUSE_SECONDS
            problem = f"ended with exit code {code}"
            while problem:
                log.warning("%s: %s; starting it again in %.1f s", name, problem, pause)
                self._records.entry(name, "restarting", problem=problem)
                await self._pause(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
                try:
                    await self._bring(part)
                    problem = ""
                except Exception as error:
                    # Of any kind: a full disk, no process to be had, a record that cannot be read.
                    problem = str(error) or repr(error)

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), seconds)

    def _wake(self) -> None:
        self._woken.set()
        self._woken.clear()

    async def _stop_everything(self) -> None:
        """Services first: they finish what is in hand while their servers run."""
        self._records.phase("stopping")
        servers = {"postgres", "kafka"}
        for names in (self._children.keys() - servers, self._children.keys() & servers):
            await _together(self._children[name].stop() for name in names)
            for name in names:
                self._records.entry(name, "stopped")
        self._children.clear()

    async def _kill_everything(self) -> None:
        """Nothing may be written any more: Kafka writes by path."""
        for child in self._children.values():
            child.kill()
        await _together(child.stop() for child in self._children.values())


def supervise(
    folder: Folder, kinds: Sequence[ServiceKind], elsewhere: Elsewhere, deadline_seconds: float = DEADLINE_SECONDS
) -> None:
    """Run the stack of this folder until a stop signal comes. Raises Held when another supervisor does, StackError when it
    fails."""
    logging.raiseExceptions = False  # a log that cannot be written, as on a full disk, is lost
    folder.make()
    # Another command that looks whether the lock is held has it for an instant itself.
    with held(folder.lock, wait_seconds=_LOCK_SECONDS):
        sweep(folder)
        finish_wipe(folder)
        asyncio.run(Supervisor(folder, kinds, elsewhere, deadline_seconds).run())


async def _together(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """All at once; the first failure ends the others and is raised alone."""
    try:
        async with asyncio.TaskGroup() as group:
            for one in work:
                group.create_task(one)
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
