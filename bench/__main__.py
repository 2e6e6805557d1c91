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
ON_REQUEST: Final = ("smoke", "killbill", "million")
"""Rows that run only by name: they repeat other rows, download much, or take long."""
WITH_BASELINE: Final = ("smoke",)
PEERS: Final = ("eventsourcing", "faststream_outbox", "psycopg", "matplotlib")
ROUNDS: Final = 3
MOST_ROUNDS: Final = 20
LIMIT_MINUTES: Final = 45
"""Limit of a row. The rows of LONGER have one more hour."""
LONGER: Final = ("million", "killbill")


@dataclass(frozen=True, slots=True)
class Options:
    rows: Sequence[str]
    rounds: int
    folder: Path
    record: bool = False
    """Write the baseline instead of comparing with it."""


class BadInput(Exception):
    """Wrong arguments, with a message for the person at the terminal."""


def main() -> int:
    try:
        options = _options(sys.argv[1:])
    except BadInput as bad:
        return _refuse(str(bad))
    try:
        return uvloop.run(bench(options))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return _refuse("stopped, with all of its processes", 130)


def _options(arguments: Sequence[str]) -> Options:
    """Raises BadInput before any process starts. argparse exits with 2 for unknown options."""
    every = ROWS + ON_REQUEST
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--rows", default="", help=f"some of {', '.join(every)}; {', '.join(ROWS)} when empty")
    parser.add_argument("--rounds", default=str(ROUNDS), help=f"1 to {MOST_ROUNDS}")
    parser.add_argument("--folder", type=Path, default=Path(".portal"))
    parser.add_argument("--record", action="store_true", help="write the baseline of smoke instead of comparing with it")
    options = parser.parse_args(arguments)
    names = [name.strip().replace("-", "_") for name in options.rows.split(",")] if options.rows.strip() else list(ROWS)
    if unknown := [name or "(empty)" for name in names if name not in every]:
        raise BadInput(f"unknown row {', '.join(unknown)}; expected {', '.join(every)}")
    try:
        rounds = int(options.rounds)
    except ValueError:
        rounds = 0
    if not 1 <= rounds <= MOST_ROUNDS:
        raise BadInput(f"--rounds is {options.rounds[:20]!r}; expected a number from 1 to {MOST_ROUNDS}")
    if options.record and not set(names) & set(WITH_BASELINE):
        raise BadInput(f"only {', '.join(WITH_BASELINE)} has a baseline to record")
    if missing := [name for name in PEERS if importlib.util.find_spec(name) is None]:
        raise BadInput(f"{', '.join(missing)} not installed: `make bench` installs the compared packages")
    try:
        options.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"the folder cannot be written: {error}") from None
    return Options(list(dict.fromkeys(names)), rounds, options.folder, options.record)


async def bench(options: Options) -> int:
    """Run the rows and return the exit code. A missed target is a finding, not a failure: 0.

    After a failed row the others still run: 2 if all failures are missing requirements of the machine, else 1. Also 1 if a
    line exceeds its baseline. A stop signal stops the servers of the row and raises CancelledError.
    """
    _cancelled_by(*STOP_SIGNALS)  # also if this process inherited them as ignored
    console, begun = Console(width=None if sys.stdout.isatty() else 180), time.perf_counter()
    rounds: dict[str, Rounds] = {}
    compared: dict[str, list[Compared]] = {}
    broken: dict[str, Exception] = {}
    drifted: list[Drift] = []
    with _progress(console) as progress:
        everything = progress.add_task("all rows", total=len(options.rows))
        for name in options.rows:
            try:
                row, rounds[name] = await _row(name, options, progress)
                compared[name] = compare(row.lines, rounds[name])
                drifted += _compare_with_baseline(row, compared[name], options.record)
            except Exception as error:
                broken[name] = error
                console.print(f"{name} failed: {_message(error)}", markup=False, highlight=False, style="red")
            else:
                console.print(report.table({name: compared[name]}))
            progress.advance(everything)
    if len(compared) > 1:
        console.print(report.table(compared))
    report.write(options.folder / "bench.json", rounds, compared, time.perf_counter() - begun, list(broken))
    (options.folder / "bench.md").write_text(report.markdown(compared))
    for written in (*plots.draw(rounds, options.folder), options.folder / "bench.json", options.folder / "bench.md"):
        console.print(f"wrote {written}")
    for drift in drifted:
        console.print(str(drift), markup=False, highlight=False, style="red" if drift.worse else None)
    if broken:
        lacking = all(isinstance(error, StackError) for error in broken.values())
        return _refuse(f"not measured: {', '.join(broken)}", 2 if lacking else 1)
    if worse := [drift.text for drift in drifted if drift.worse]:
        return _refuse(f"more than {baseline.ALLOWED:.0%} worse than the baseline: {'; '.join(worse)}", 1)
    return 0


def _cancelled_by(*numbers: signal.Signals) -> None:
    task = asyncio.current_task()
    assert task, "called in the task to cancel"
    for number in numbers:
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)


async def _row(name: str, options: Options, progress: Progress) -> tuple[Row, Rounds]:
    """Run one row. Raises StackError after its limit."""
    task, minutes = progress.add_task(name, total=None), LIMIT_MINUTES + 60 * (name in LONGER)
    try:
        async with asyncio.timeout(60 * minutes) as limit, AsyncExitStack() as stack:
            row: Row = await stack.enter_async_context(importlib.import_module(f"bench.rows.{name}").opened())
            if row.baseline and not options.record:
                baseline.read(row.baseline)  # fail before minutes have passed
            progress.update(task, total=(row.rounds or options.rounds) * len(row.trials))
            return row, await run(row, options.rounds, lambda: progress.advance(task))
    except TimeoutError:
        if not limit.expired():
            raise
        raise StackError(f"stopped: not finished after {minutes} minutes") from None


def _compare_with_baseline(row: Row, compared: Sequence[Compared], record: bool) -> list[Drift]:
    if row.baseline is None:
        return []
    if record:
        baseline.write(row.baseline, compared, report.machine())
    return baseline.drifts(compared, baseline.read(row.baseline))


def _message(error: Exception) -> str:
    return str(error) if isinstance(error, StackError) else "".join(traceback.format_exception(error))


def _progress(console: Console) -> Progress:
    return Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console)


def _refuse(why: str, code: int = 2) -> int:
    print(f"bench: {why}", file=sys.stderr)  # noqa: T201
    return code


if __name__ == "__main__":
    raise SystemExit(main())
