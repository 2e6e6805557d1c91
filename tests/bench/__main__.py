"""`make bench`: every row, both sides in the same run, as one table. `make bench ROWS=append,relay` runs a part."""

import argparse
import importlib
import importlib.util
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import uvloop
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench import plots, report
from bench.measuring import Compared, Rounds, compare, run
from portalctl.local.failures import StackError

ROWS: Final = ("append", "gap_safety", "relay", "consume", "project", "overview", "command", "start")
PEERS: Final = ("eventsourcing", "faststream_outbox", "psycopg", "matplotlib")
ROUNDS: Final = 3


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--rows", default="", help=f"some of {', '.join(ROWS)}; all when empty")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--folder", type=Path, default=Path(".portal"))
    asked = parser.parse_args()
    names = [name.strip().replace("-", "_") for name in asked.rows.split(",") if name.strip()] or list(ROWS)
    if unknown := [name for name in names if name not in ROWS]:
        return _refuse(f"there is no row {', '.join(unknown)}; there are {', '.join(ROWS)}")
    if asked.rounds < 1:
        return _refuse("--rounds is at least 1")
    if missing := [name for name in PEERS if importlib.util.find_spec(name) is None]:
        return _refuse(f"{', '.join(missing)} not installed: `make bench` installs what is compared with")
    try:
        return uvloop.run(bench(names, asked.rounds, asked.folder))
    except StackError as error:
        return _refuse(str(error))


async def bench(names: list[str], rounds: int, folder: Path) -> int:
    """Runs these rows; 0 however fast they were: a miss is a finding, not a failure."""
    console, begun = Console(width=None if sys.stdout.isatty() else 130), time.perf_counter()
    found: dict[str, Rounds] = {}
    compared: dict[str, list[Compared]] = {}
    with _progress(console) as progress:
        everything = progress.add_task("all rows", total=len(names))
        for name in names:
            task = progress.add_task(name, total=None)
            async with AsyncExitStack() as stack:
                row = await stack.enter_async_context(importlib.import_module(f"bench.rows.{name}").opened())
                progress.update(task, total=(row.rounds or rounds) * len(row.trials))
                found[name] = await run(row, rounds, lambda task=task: progress.advance(task))  # type: ignore[misc]
            compared[name] = compare(row.lines, found[name])
            progress.advance(everything)
            console.print(report.table(name, compared[name]))
    report.write(folder / "bench.json", found, compared, time.perf_counter() - begun)
    for picture in plots.draw(found, folder):
        console.print(f"wrote {picture}")
    console.print(f"wrote {folder / 'bench.json'}")
    return 0


def _progress(console: Console) -> Progress:
    return Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console)


def _refuse(why: str) -> int:
    print(f"bench: {why}", file=sys.stderr)  # noqa: T201
    return 2


if __name__ == "__main__":
    raise SystemExit(main())
