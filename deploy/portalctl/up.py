"""The command `up`: start the stack and show it."""

import contextlib
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import Any

from chassis.runtime.signals import STOP_SIGNALS
from portalctl.local.errors import StackError
from portalctl.local.folder import Folder
from portalctl.local.lifecycle import follow_start, is_up, launch, take_down, wake
from portalctl.local.state import read_state
from portalctl.settings import DEADLINE_SECONDS
from portalctl.terminal import progress, say

Show = Callable[[dict[str, Any]], None]
"""Gets the content of state.json once everything is ready, and shows it."""


def bring_up(
    folder: Folder,
    *,
    detach: bool,
    then: Show,
    command: Sequence[str] | None = None,
    deadline_seconds: float = DEADLINE_SECONDS,
) -> None:
    """Start the stack, or the missing parts of a running one, then call `then`. Detached, or when the stack already ran, return;
    otherwise stay until Ctrl-C and take the stack down. `command` runs another supervisor. Raises StackError."""
    with _signals_interrupt():
        started = False
        process: subprocess.Popen[bytes] | None = None
        try:
            folder.make()
            if is_up(folder):
                progress("the stack runs already: starting what is missing")
                wake(folder)
            else:
                process = launch(folder, detach=detach, command=command)
            follow_start(folder, process, progress, deadline_seconds)
            started = True
            then(read_state(folder))
            if detach or process is None or process.poll() is not None:
                return
            say("Ctrl-C stops everything.")
            process.wait()
        except KeyboardInterrupt:
            if process is not None:
                say("Stopping …")
                take_down(folder)
            return
        except Exception:
            if process is not None and not (detach and started):
                take_down(folder)
            raise
    raise StackError(f"the stack ended unexpectedly; {folder.log('supervisor')} says why")


@contextlib.contextmanager
def _signals_interrupt() -> Iterator[None]:
    """Treat SIGTERM and a closed terminal like Ctrl-C, even if this process inherited them as ignored."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
