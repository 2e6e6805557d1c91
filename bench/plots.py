"""Two pictures for the README: throughput against callers, and latency percentiles."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import median

from bench.measuring import Rounds

_AT_CALLERS = re.compile(r"(.+) @(\d+)")
_PERCENTILE = re.compile(r"(.+) p([0-9.]+)")


def draw(results: Mapping[str, Rounds], folder: Path) -> list[Path]:
    """Write the pictures for the rows of this run and return their paths."""
    drawn = []
    if "append" in results and (series := _series(results["append"], _AT_CALLERS)):
        drawn.append(_plot(series, folder / "throughput.png", "Callers at the same time", "Committed per second", log=True))
    latencies = {
        name: points
        for row in ("overview", "visible")
        if row in results
        for name, points in _series(results[row], _PERCENTILE).items()
    }
    if latencies:
        drawn.append(_plot(latencies, folder / "latency.png", "Percentile", "Milliseconds", log=False))
    return drawn


def _series(rounds: Rounds, pattern: re.Pattern[str]) -> dict[str, list[tuple[float, float]]]:
    """(number in the name, median over the rounds) by series, for figures with names that match the pattern."""
    series: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for name in rounds.figures[0]:
        if match := pattern.fullmatch(name):
            series[match[1]].append((float(match[2]), median(rounds.of(name))))
    return {name: sorted(points) for name, points in series.items()}


def _plot(series: Mapping[str, Iterable[tuple[float, float]]], path: Path, x: str, y: str, *, log: bool) -> Path:
    import matplotlib as mpl  # installed for the bench only

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 4.5), dpi=140, layout="constrained")
    for name, points in series.items():
        along, up = zip(*points, strict=True)
        axes.plot(along, up, marker="o", linewidth=2 if name.startswith("portal") else 1.2, label=name)
    axes.set(xlabel=x, ylabel=y, xscale="log" if log else "linear", yscale="log")
    if log:
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter("{x:.0f}")
    axes.grid(visible=True, alpha=0.25)
    axes.legend(frameon=False, fontsize="small")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    pyplot.close(figure)
    return path
