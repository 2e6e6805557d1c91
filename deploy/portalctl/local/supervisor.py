"""Starts the stack in order, starts again what ends, and stops it in order."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any, Protocol

from portalctl import topics
from portalctl.local import databases
from portalctl.local.board import BoardWriter, Status
from portalctl.local.failures import PortTaken, StackError
from portalctl.local.folder import Folder
from portalctl.local.layout import Elsewhere, Layout, layout_for_start
from portalctl.local.locking import held
from portalctl.local.programs import Child, Program
from portalctl.local.services import ServiceKind
from portalctl.local.state import update_state
from portalctl.local.sweeping import finish_wipe, sweep

_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 15.0
_STEADY_SECONDS = 30.0
_LOCK_SECONDS = 1.0

log = logging.getLogger(__name__)


class Part(Protocol):
    """Something that the supervisor keeps running."""

    @property
    def name(self) -> str: ...

    async def prepare(self) -> None: ...

    def program(self) -> Program: ...


class Supervisor:
    """One per folder. `wake` ends the pauses before restarts, `stop` ends everything."""

    def __init__(self, folder: Folder, kinds: Sequence[ServiceKind], elsewhere: Elsewhere) -> None:
        self._folder, self._kinds, self._elsewhere = folder, kinds, elsewhere
        self._board = BoardWriter(folder)
        self._children: dict[str, Child] = {}
        self._stopping = asyncio.Event()
        self._woken = asyncio.Event()
        self._published = False

    async def run(self) -> None:
        """Until told to stop. Raises what kept the stack from coming up; nothing of it runs afterwards either way."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self._stopping.set)
        loop.add_signal_handler(signal.SIGUSR1, self._wake)
        working = asyncio.create_task(self._work())
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        working.cancel()
        try:
            await working
        except asyncio.CancelledError:
            await self._stop_everything()
            self._board.phase("stopped")
        except Exception as error:
            await self._stop_everything()
            self._board.phase("failed", error=str(error) if isinstance(error, StackError) else repr(error))
            raise

    async def _work(self) -> None:
        try:
            parts = await self._start_all()
        except PortTaken as taken:
            log.warning("%s; other ports are tried", taken)
            await self._stop_everything()
            parts = await self._start_all([taken.name])
        self._board.phase("ready")
        await _together(self._keep(part) for part in parts)

    async def _start_all(self, taken: Iterable[str] = ()) -> list[Part]:
        layout = layout_for_start(self._folder, self._kinds, self._elsewhere, taken)
        servers: list[Part] = [server for server in (layout.postgres, layout.kafka) if server]
        for part in [*servers, *layout.services]:
            self._board.entry(part.name, "waiting")
        self._step("starting PostgreSQL and Kafka (the first time, Kafka is fetched)")
        await _together([self._make_tables(layout), self._make_topics(layout)])
        self._step("starting the services")
        await _together(self._bring(service) for service in layout.services)
        update_state(self._folder, **layout.state(), processes=self._board.pids())
        self._published = True
        return [*servers, *layout.services]

    async def _make_tables(self, layout: Layout) -> None:
        if layout.postgres:
            await self._bring(layout.postgres)
        for database in layout.databases:
            await databases.create(layout.admin_url, database)
        await _together(service.migrate() for service in layout.services)

    async def _make_topics(self, layout: Layout) -> None:
        if layout.kafka:
            await self._bring(layout.kafka)
        await topics.apply(layout.bootstrap_servers)

    async def _bring(self, part: Part) -> None:
        """Raises StartFailed or PortTaken."""
        await part.prepare()
        program = part.program()
        child = self._children[program.name] = await Child.spawn(program)
        self._note(program.name, "starting", child)
        try:
            await child.until_ready()
        except BaseException:
            await child.stop()
            raise
        self._note(program.name, "ready", child)
        log.info("%s is ready, process %d", program.name, child.pid)

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
                self._board.entry(name, "restarting", problem=problem)
                await self._pause(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
                try:
                    await self._bring(part)
                    problem = ""
                except (StackError, OSError) as error:
                    problem = str(error)

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), seconds)

    def _wake(self) -> None:
        self._woken.set()
        self._woken.clear()

    def _step(self, step: str) -> None:
        log.info(step)
        self._board.phase("starting", step=step)

    def _note(self, name: str, status: Status, child: Child) -> None:
        self._board.entry(name, status, child.pid)
        if self._published:
            update_state(self._folder, processes=self._board.pids())

    async def _stop_everything(self) -> None:
        """Services first: they finish what is in hand while their servers are there."""
        self._board.phase("stopping")
        servers = {"postgres", "kafka"}
        for names in (self._children.keys() - servers, self._children.keys() & servers):
            await _together(self._children[name].stop() for name in names)
            for name in names:
                self._board.entry(name, "stopped")
        self._children.clear()
        if self._folder.state.exists():
            update_state(self._folder, processes={})


def supervise(folder: Folder, kinds: Sequence[ServiceKind], elsewhere: Elsewhere) -> None:
    """Run the stack of this folder until told to stop. Raises Held when another supervisor does, StackError when it fails."""
    folder.make()
    # Another command that looks whether the lock is held has it for an instant itself.
    with held(folder.lock, wait_seconds=_LOCK_SECONDS):
        sweep(folder)
        finish_wipe(folder)
        asyncio.run(Supervisor(folder, kinds, elsewhere).run())


async def _together(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """All at once; the first failure ends the others and is raised by itself."""
    try:
        async with asyncio.TaskGroup() as group:
            for one in work:
                group.create_task(one)
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
