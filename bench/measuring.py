"""Rounds in which both sides do the same work one after the other, and their comparison. It has no dependency on servers.

Rates vary with the machine and the time, so ratios within one round are compared. Processor time varies less.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

Figures = Mapping[str, float]
"""The values of one trial by name: `{"portal@32": 24_310.0}`."""
Trial = Callable[[], Awaitable[Figures]]


@dataclass(frozen=True, slots=True)
class Target:
    at_least: float | None = None
    at_most: float | None = None

    def met_by(self, value: float) -> bool:
        return (self.at_least is None or value >= self.at_least) and (self.at_most is None or value <= self.at_most)

    def __str__(self) -> str:
        return f"≥ {self.at_least:g}" if self.at_least is not None else f"≤ {self.at_most:g}"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table: our figure, the compared figure, and the target of the comparison."""

    text: str
    ours: str
    """The figure's name."""
    other: str | None = None
    """The other side's figure; None if there is no comparison."""
    unit: str = "/s"
    target: Target | None = None
    """Target of the ratio ours ÷ other, or of our figure without another. None: no target."""
    pooled: bool = False
    """The figures of a round cover all rounds so far, so only the last round counts."""
    inverted: bool = False
    """The ratio is other ÷ ours."""


@dataclass(frozen=True, slots=True)
class Row:
    """The trials and lines of a row. Slow preparation was done before."""

    trials: Sequence[Trial]
    lines: Sequence[Line]
    rounds: int | None = None
    """A fixed number for long trials; None for the usual number."""
    baseline: Path | None = None
    """A file with the ratios of an earlier run for comparison."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A line with its values: medians over the rounds, and the ratio of each round."""

    line: Line
    ours: float
    other: float | None
    ratios: tuple[float, ...]
    ours_cpu: Mapping[str, float] = field(default_factory=dict)
    """Processor time of one operation in microseconds by process; empty if it was not measured."""
    other_cpu: Mapping[str, float] = field(default_factory=dict)

    @property
    def judged(self) -> float:
        return median(self.ratios) if self.ratios else self.ours

    @property
    def met(self) -> bool | None:
        return self.line.target.met_by(self.judged) if self.line.target else None


@dataclass(slots=True)
class Rounds:
    """The figures of each round, in order."""

    figures: list[dict[str, float]] = field(default_factory=list)

    def of(self, name: str) -> list[float]:
        """The figure of each round. Raises KeyError if a round did not measure it."""
        return [figures[name] for figures in self.figures]

    def cpu_of(self, name: str) -> dict[str, float]:
        """Processor time of one operation of this figure by process, medians over the rounds."""
        prefix = f"{name.removesuffix(_CPU)}{_CPU} "
        names = [each for each in self.figures[0] if each.startswith(prefix)]
        return {each.removeprefix(prefix): median(self.of(each)) for each in names}


_CPU = ", CPU"


def cpu_figures(name: str, microseconds: Mapping[str, float]) -> dict[str, float]:
    """Processor time of one operation: `{name}, CPU` for all processes, `{name}, CPU {process}` for each."""
    each = {f"{name}{_CPU} {process}": used for process, used in microseconds.items()}
    return {f"{name}{_CPU}": sum(microseconds.values()), **each}


async def run(row: Row, rounds: int, done: Callable[[], None]) -> Rounds:
    """Run every trial once per round, alternately in order and in reverse, so that no side always runs second."""
    results = Rounds()
    for number in range(row.rounds or rounds):
        trials = row.trials if number % 2 == 0 else tuple(reversed(row.trials))
        figures: dict[str, float] = {}
        for trial in trials:
            figures.update(await trial())
            done()
        results.figures.append(figures)
    return results


def compare(lines: Iterable[Line], rounds: Rounds) -> list[Compared]:
    return [_compared(line, rounds) for line in lines]


def _compared(line: Line, rounds: Rounds) -> Compared:
    counted = slice(-1, None) if line.pooled else slice(None)
    ours, ours_cpu = rounds.of(line.ours)[counted], rounds.cpu_of(line.ours)
    if line.other is None:
        return Compared(line, median(ours), None, (), ours_cpu)
    others = rounds.of(line.other)[counted]
    ratios = tuple(other / own if line.inverted else own / other for own, other in zip(ours, others, strict=True))
    return Compared(line, median(ours), median(others), ratios, ours_cpu, rounds.cpu_of(line.other))


def percentiles(seconds: Sequence[float], name: str) -> dict[str, float]:
    """Milliseconds at common percentiles, named `{name} p50` etc."""
    ordered = sorted(seconds)
    return {
        f"{name} p{share:g}": 1000 * ordered[min(len(ordered) - 1, int(len(ordered) * share / 100))]
        for share in (10, 25, 50, 75, 90, 95, 99, 99.9)
    }
