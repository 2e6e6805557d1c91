"""`make bench`: every row, both sides in the same run, as one table. `make bench ROWS=append,relay` runs a part."""

import argparse
import asyncio
import importlib
import importlib.util
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import uvloop
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench import baseline, plots, report
from bench.baseline import Drift
from bench.measuring import Compared, Rounds, Row, compare, run
from chassis.runtime.signals import STOP_SIGNALS
from portalctl.local.errors import StackError

ROWS: Final = (
    "append",
    "gap_safety",
    "relay",
    "consume",
    "project",
    "rebuild",
    "overview",
    "command",
    "renewal",
    "visible",
    "stages",
    "idle",
    "recovery",
    "growth",
    "start",
)
WHEN_ASKED: Final = ("smoke", "killbill", "million")
"""Rows that are not run with all others: what they find is in other rows, they fetch much, or they take long."""
WITH_BASELINE: Final = ("smoke",)
PEERS: Final = ("eventsourcing", "faststream_outbox", "psycopg", "matplotlib")
ROUNDS: Final = 3
MOST_ROUNDS: Final = 20
MINUTES: Final = 45
"""After which a row is given up; an hour more for each of the longer ones."""
LONGER: Final = ("million", "killbill")


@dataclass(frozen=True, slots=True)
class Options:
    rows: Sequence[str]
    rounds: int
    folder: Path
    record: bool = False
    """Write the baseline instead of comparing with it."""


class BadInput(Exception):
    """The message is for the person at the terminal."""


def main() -> int:
    try:
        options = _options(sys.argv[1:])
    except BadInput as bad:
        return _refuse(str(bad))
    try:
        return uvloop.run(bench(options))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return _refuse("stopped, and what it had started with it", 130)


def _options(arguments: Sequence[str]) -> Options:
    """Raises BadInput before anything is started; argparse ends the process with 2 for words that it does not know."""
    every = ROWS + WHEN_ASKED
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--rows", default="", help=f"some of {', '.join(every)}; {', '.join(ROWS)} when empty")
    parser.add_argument("--rounds", default=str(ROUNDS), help=f"1 to {MOST_ROUNDS}")
    parser.add_argument("--folder", type=Path, default=Path(".portal"))
    parser.add_argument("--record", action="store_true", help="write the baseline of smoke instead of comparing with it")
    given = parser.parse_args(arguments)
    names = [name.strip().replace("-", "_") for name in given.rows.split(",")] if given.rows.strip() else list(ROWS)
    if unknown := [name or "(empty)" for name in names if name not in every]:
        raise BadInput(f"there is no row {', '.join(unknown)}; there are {', '.join(every)}")
    try:
        rounds = int(given.rounds)
    except ValueError:
        rounds = 0
    if not 1 <= rounds <= MOST_ROUNDS:
        raise BadInput(f"--rounds is a number from 1 to {MOST_ROUNDS}, and not {given.rounds[:20]!r}")
    if given.record and not set(names) & set(WITH_BASELINE):
        raise BadInput(f"only {', '.join(WITH_BASELINE)} has a baseline to record")
    if missing := [name for name in PEERS if importlib.util.find_spec(name) is None]:
        raise BadInput(f"{', '.join(missing)} not installed: `make bench` installs what is compared with")
    try:
        given.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"nothing can be written: {error}") from None
    return Options(list(dict.fromkeys(names)), rounds, given.folder, given.record)


async def bench(options: Options) -> int:
    """Runs the rows. 0 however fast they were: a missed target is a finding, not a failure.

    A row that breaks leaves the others their turn: 2 when only what the machine lacks kept rows from running, 1 otherwise.
    1 also when a line needs more than its baseline allows. A stop signal stops the servers of the row first and
    raises CancelledError.
    """
    _cancelled_by(*STOP_SIGNALS)  # also where they are inherited as ignored
    console, begun = Console(width=None if sys.stdout.isatty() else 180), time.perf_counter()
    found: dict[str, Rounds] = {}
    compared: dict[str, list[Compared]] = {}
    broken: dict[str, Exception] = {}
    drifted: list[Drift] = []
    with _progress(console) as progress:
        everything = progress.add_task("all rows", total=len(options.rows))
        for name in options.rows:
            try:
                row, found[name] = await _row(name, options, progress)
                compared[name] = compare(row.lines, found[name])
                drifted += _beside_baseline(row, compared[name], options.record)
            except Exception as error:
                broken[name] = error
                console.print(f"{name} broke: {_in_words(error)}", markup=False, highlight=False, style="red")
            else:
                console.print(report.table({name: compared[name]}))
            progress.advance(everything)
    if len(compared) > 1:
        console.print(report.table(compared))
    report.write(options.folder / "bench.json", found, compared, time.perf_counter() - begun, list(broken))
    (options.folder / "bench.md").write_text(report.markdown(compared))
    for written in (*plots.draw(found, options.folder), options.folder / "bench.json", options.folder / "bench.md"):
        console.print(f"wrote {written}")
    for drift in drifted:
        console.print(str(drift), markup=False, highlight=False, style="red" if drift.dearer else None)
    if broken:
        lacking = all(isinstance(error, StackError) for error in broken.values())
        return _refuse(f"not measured: {', '.join(broken)}", 2 if lacking else 1)
    if dearer := [drift.text for drift in drifted if drift.dearer]:
        return _refuse(f"more than {baseline.ALLOWED:.0%} dearer than the baseline: {'; '.join(dearer)}", 1)
    return 0


def _cancelled_by(*numbers: signal.Signals) -> None:
    task = asyncio.current_task()
    assert task, "this is called in the task that is to end"
    for number in numbers:
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)


async def _row(name: str, options: Options, progress: Progress) -> tuple[Row, Rounds]:
    """Raises StackError when it takes too long."""
    task, minutes = progress.add_task(name, total=None), MINUTES + 60 * (name in LONGER)
    try:
        async with asyncio.timeout(60 * minutes) as limit, AsyncExitStack() as stack:
            row: Row = await stack.enter_async_context(importlib.import_module(f"bench.rows.{name}").opened())
            if row.baseline and not options.record:
                baseline.read(row.baseline)  # before minutes have passed
            progress.update(task, total=(row.rounds or options.rounds) * len(row.trials))
            return row, await run(row, options.rounds, lambda: progress.advance(task))
    except TimeoutError:
        if not limit.expired():
            raise
        raise StackError(f"not finished after {minutes} minutes: given up") from None


def _beside_baseline(row: Row, compared: Sequence[Compared], record: bool) -> list[Drift]:
    if row.baseline is None:
        return []
    if record:
        baseline.write(row.baseline, compared, report.machine())
    return baseline.drifts(compared, baseline.read(row.baseline))


def _in_words(error: Exception) -> str:
    return str(error) if isinstance(error, StackError) else "".join(traceback.format_exception(error))


def _progress(console: Console) -> Progress:
    return Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console)


def _refuse(why: str, code: int = 2) -> int:
    print(f"bench: {why}", file=sys.stderr)  # noqa: T201
    return code


if __name__ == "__main__":
    raise SystemExit(main())
