"""`make bench`: every row, both sides in the same run, as one table. `make bench ROWS=append,relay` runs a part."""

import argparse
import asyncio
import importlib
import importlib.util
import signal
import sys
import time
import traceback
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import uvloop
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench import plots, report
from bench.measuring import Compared, Rounds, Row, compare, run
from portalctl.local.failures import StackError

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
WHEN_ASKED: Final = ("million",)
"""Rows that take too long to be run with all others."""
PEERS: Final = ("eventsourcing", "faststream_outbox", "psycopg", "matplotlib")
ROUNDS: Final = 3


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--rows", default="", help=f"some of {', '.join(ROWS + WHEN_ASKED)}; {', '.join(ROWS)} when empty")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--folder", type=Path, default=Path(".portal"))
    asked = parser.parse_args()
    names = list(dict.fromkeys(name.strip().replace("-", "_") for name in asked.rows.split(",") if name.strip())) or list(ROWS)
    if unknown := [name for name in names if name not in ROWS + WHEN_ASKED]:
        return _refuse(f"there is no row {', '.join(unknown)}; there are {', '.join(ROWS + WHEN_ASKED)}")
    if asked.rounds < 1:
        return _refuse("--rounds is at least 1")
    if missing := [name for name in PEERS if importlib.util.find_spec(name) is None]:
        return _refuse(f"{', '.join(missing)} not installed: `make bench` installs what is compared with")
    try:
        asked.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return _refuse(f"nothing can be written: {error}")
    try:
        return uvloop.run(bench(names, asked.rounds, asked.folder))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return _refuse("stopped, and what it had started with it", 130)


async def bench(names: list[str], rounds: int, folder: Path) -> int:
    """Runs these rows; 0 however fast they were: a miss is a finding, not a failure.

    A row that breaks leaves the others their turn: 2 when only what the machine lacks kept rows from running, 1 otherwise.
    Told to end (SIGTERM) it stops the servers of its row first, and raises CancelledError.
    """
    _cancelled_by(signal.SIGTERM)
    console, begun = Console(width=None if sys.stdout.isatty() else 180), time.perf_counter()
    found: dict[str, Rounds] = {}
    compared: dict[str, list[Compared]] = {}
    broken: dict[str, Exception] = {}
    with _progress(console) as progress:
        everything = progress.add_task("all rows", total=len(names))
        for name in names:
            try:
                row, rounds_of_row = await _row(name, rounds, progress)
                compared[name], found[name] = compare(row.lines, rounds_of_row), rounds_of_row
            except Exception as error:
                broken[name] = error
                console.print(f"{name} broke: {_in_words(error)}", markup=False, highlight=False, style="red")
            else:
                console.print(report.table({name: compared[name]}))
            progress.advance(everything)
    if len(compared) > 1:
        console.print(report.table(compared))
    report.write(folder / "bench.json", found, compared, time.perf_counter() - begun, list(broken))
    (folder / "bench.md").write_text(report.markdown(compared))
    for written in (*plots.draw(found, folder), folder / "bench.json", folder / "bench.md"):
        console.print(f"wrote {written}")
    if not broken:
        return 0
    return _refuse(
        f"not measured: {', '.join(broken)}", 2 if all(isinstance(error, StackError) for error in broken.values()) else 1
    )


def _cancelled_by(number: signal.Signals) -> None:
    task = asyncio.current_task()
    assert task, "this is called in the task that is to end"
    asyncio.get_running_loop().add_signal_handler(number, task.cancel)


async def _row(name: str, rounds: int, progress: Progress) -> tuple[Row, Rounds]:
    task = progress.add_task(name, total=None)
    async with AsyncExitStack() as stack:
        row: Row = await stack.enter_async_context(importlib.import_module(f"bench.rows.{name}").opened())
        progress.update(task, total=(row.rounds or rounds) * len(row.trials))
        return row, await run(row, rounds, lambda: progress.advance(task))


def _in_words(error: Exception) -> str:
    return str(error) if isinstance(error, StackError) else "".join(traceback.format_exception(error))


def _progress(console: Console) -> Progress:
    return Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console)


def _refuse(why: str, code: int = 2) -> int:
    print(f"bench: {why}", file=sys.stderr)  # noqa: T201
    return code


if __name__ == "__main__":
    raise SystemExit(main())
