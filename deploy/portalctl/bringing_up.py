"""`up`, and what other commands do once the stack is up."""

import contextlib
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import Any

from portalctl.local.failures import StackError
from portalctl.local.folder import Folder
from portalctl.local.running import follow_start, is_up, launch, take_down, wake
from portalctl.local.state import read_state
from portalctl.terminal import err, say

Then = Callable[[dict[str, Any]], None]
"""Gets state.json's content once everything is ready, and says what there is to see."""


def bring_up(folder: Folder, *, detach: bool, then: Then, command: Sequence[str] | None = None) -> None:
    """Start the stack, or what is missing of a running one, then call `then`. Detached, or when the stack already ran, return;
    otherwise stay until Ctrl-C and take the stack down. `command` runs another supervisor. Raises StackError."""
    with _signals_interrupt():
        started = False
        process: subprocess.Popen[bytes] | None = None
        try:
            if is_up(folder):
                wake(folder)
            else:
                process = launch(folder, detach=detach, command=command)
            _follow(folder, process)
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
        except StackError:
            if process is not None and not (detach and started):
                take_down(folder)
            raise
    raise StackError(f"the stack ended by itself; {folder.log('supervisor')} says why")


def _follow(folder: Folder, process: subprocess.Popen[bytes] | None) -> None:
    with err.status("starting") as status:

        def report(step: str) -> None:
            status.update(step)
            if not err.is_terminal:
                err.print(step, markup=False)

        follow_start(folder, process, report)


@contextlib.contextmanager
def _signals_interrupt() -> Iterator[None]:
    """SIGTERM and a closed terminal are a Ctrl-C too."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
