"""The settings in use. Those in files are read again when a file changes, and after SIGHUP, without a restart."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any, Generic, TypeVar

import structlog
from prometheus_client import Gauge
from pydantic_settings import BaseSettings

from chassis.runtime.faults import describe_error
from chassis.runtime.health import Health
from chassis.runtime.wait import wait_for_event, woken_by
from chassis.service.settings import SettingsError

log = structlog.get_logger()

POLL_SECONDS = 1.0
"""Between two looks at the files. A changed file is read when two looks agree, so that it is not read while it is written."""

CURRENT = Gauge("settings_current_timestamp_seconds", "The last time at which the process used what its setting files contain")

S = TypeVar("S", bound=BaseSettings)
_Stamp = tuple[int, ...] | None
_Worker = Callable[[asyncio.Event], Coroutine[Any, Any, None]]


class LiveSettings(Generic[S]):
    """`current` are the settings in use. What is made of them registers with `on_change` or `restarting`."""

    def __init__(self, settings: S, read: Callable[[], S] | None = None) -> None:
        """`read` reads all settings again, and raises SettingsError. Without it they never change."""
        self.current = settings
        self._read = read
        self._users: list[tuple[frozenset[str], Callable[[S], None]]] = []
        self._checks: list[tuple[frozenset[str], Callable[[S], Awaitable[None]]]] = []
        self._used = self._seen = _stamps(settings)
        self._problems: list[str] = []
        self._reported: object = None
        self._again = asyncio.Event()
        # A file may have changed between the reading and this instant.
        self._again.set()

    def on_change(self, names: Iterable[str], apply: Callable[[S], None]) -> None:
        """Call `apply` with the new settings when one of these fields has changed."""
        self._users.append((frozenset(names), apply))

    def on_file_change(self, files: Iterable[Path], apply: Callable[[], None]) -> None:
        """Call `apply` when the content of one of these files, which settings name, has changed. It may raise OSError: a file can
        be replaced once more after its check, and is then looked at again."""
        paths = list(files)

        def use(_: S) -> None:
            try:
                apply()
            except OSError as error:
                log.error("settings.file_not_used", files=[*map(str, paths)], error=describe_error(error))

        self.on_change([name for name in type(self.current).model_fields if getattr(self.current, name) in paths], use)

    def check(self, names: Iterable[str], check: Callable[[S], Awaitable[None]]) -> None:
        """Before a change of these fields is used, await `check`. While it raises, the old settings stay in use."""
        self._checks.append((frozenset(names), check))

    def restarting(self, names: Iterable[str], worker: _Worker) -> _Worker:
        """The worker, stopped and started again when one of these fields has changed. It reads `current` at its start."""
        changed = asyncio.Event()
        self.on_change(names, lambda _: changed.set())

        async def run(stop: asyncio.Event) -> None:
            ended_on_purpose = True
            while ended_on_purpose and not stop.is_set():
                changed.clear()
                async with woken_by(stop, changed):
                    await worker(changed)
                ended_on_purpose = changed.is_set()

        return run

    def reload_soon(self) -> None:
        """Read the settings again, even if no file has changed. For a signal handler."""
        self._reported = None
        self._again.set()

    async def watch(self, stop: asyncio.Event) -> None:
        """Follow the files until `stop`."""
        async with woken_by(stop, self._again):
            while not stop.is_set():
                at_once = self._again.is_set()
                self._again.clear()
                await self.look(at_once=at_once)
                await wait_for_event(self._again, POLL_SECONDS)

    async def look(self, *, at_once: bool = False) -> None:
        """Read the settings if a file has changed and is not being written, or `at_once`."""
        looked_at, stamps = time.time(), _stamps(self.current)
        stable, self._seen = stamps == self._seen, stamps
        if at_once or (stamps != self._used and stable):
            await self._reload(stamps)
        if self._used == stamps and not self._problems:
            CURRENT.set(looked_at)

    def report_to(self, health: Health) -> None:
        """Report files that cannot be used as a degraded state."""

        async def problem() -> str | None:
            return "; ".join(self._problems) or None

        health.watch("settings", problem)

    async def _reload(self, stamps: dict[str, _Stamp]) -> None:
        if self._read is None:
            return
        try:
            settings = self._read()
            changed = self._changed(settings, stamps)
            await self._try(settings, changed)
        except SettingsError as error:
            self._problems = error.problems
            if self._reported != (stamps, error.problems):
                self._reported = stamps, error.problems
                log.error("settings.not_reloaded", problems=error.problems)
            return
        self._problems, self._used, self._reported = [], stamps, None
        self.current = settings
        in_use = {name for names, apply in self._users if names & changed for name in names}
        for names, apply in self._users:
            if names & changed:
                apply(settings)
        if changed & in_use:
            log.info("settings.reloaded", changed=sorted(changed & in_use))
        if unused := changed - in_use:
            log.warning("settings.restart_needed", changed=sorted(unused))

    def _changed(self, settings: S, stamps: dict[str, _Stamp]) -> set[str]:
        """The fields with another value, or that name a file with another content."""
        return {
            name
            for name in type(settings).model_fields
            if (value := getattr(settings, name)) != getattr(self.current, name)
            or (isinstance(value, Path) and stamps.get(name) != self._used.get(name))
        }

    async def _try(self, settings: S, changed: set[str]) -> None:
        """Raises SettingsError."""
        problems = []
        for names, check in self._checks:
            if concerned := sorted(name.upper() for name in names & changed):
                try:
                    await check(settings)
                except Exception as error:
                    problems.append(f"{', '.join(concerned)} cannot be used: {describe_error(error)}")
        if problems:
            raise SettingsError(problems)


def _stamps(settings: BaseSettings) -> dict[str, _Stamp]:
    """The state of each file that contains a setting, or that a setting names, by the field's name."""
    stamps = {}
    for name in type(settings).model_fields:
        value, variable = getattr(settings, name), f"{name.upper()}_FILE"
        if path := (str(value) if isinstance(value, Path) else os.environ.get(variable)):
            stamps[name] = _stamp(path)
    return stamps


def _stamp(path: str) -> _Stamp:
    """Changes when the file is written or replaced. None if it cannot be found."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
