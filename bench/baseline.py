"""An earlier run's ratios, kept in the repository: what a change made dearer shows as drift."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from bench.measuring import Compared
from portalctl.local.errors import StackError

ALLOWED: Final = 0.25
"""Share by which a ratio may differ from the baseline's before it is drift."""


@dataclass(frozen=True, slots=True)
class Drift:
    """A line of this run beside the baseline's."""

    text: str
    before: float | None
    """None: the baseline does not have the line yet."""
    now: float | None
    """None: the run does not measure the line any more."""

    @property
    def change(self) -> float:
        """As a share of the baseline's ratio; 0 where one of both is missing."""
        return self.now / self.before - 1 if self.now is not None and self.before else 0.0

    @property
    def dearer(self) -> bool:
        return self.change > ALLOWED

    def __str__(self) -> str:
        if self.before is None:
            return f"{self.text}: {self.now:.2f}, and the baseline does not have it"
        if self.now is None:
            return f"{self.text}: not measured, and the baseline has {self.before:.2f}"
        verdict = ""
        if abs(self.change) > ALLOWED:
            verdict = f": DRIFT, more than {ALLOWED:.0%} {'dearer' if self.dearer else 'cheaper'}"
        return f"{self.text}: {self.now:.2f} × hello-world, baseline {self.before:.2f} ({self.change:+.0%}){verdict}"


def drifts(compared: Sequence[Compared], ratios: Mapping[str, float]) -> list[Drift]:
    now = {one.line.text: one.judged for one in compared}
    return [Drift(text, ratios.get(text), now.get(text)) for text in dict.fromkeys((*now, *ratios))]


def read(path: Path) -> dict[str, float]:
    """The ratios by line. Raises StackError when there is no baseline, or one that cannot be read."""
    try:
        ratios = json.loads(path.read_text())["ratios"]
        return {str(text): float(ratio) for text, ratio in ratios.items()}
    except OSError:
        raise StackError(f"{path} is not there: RECORD=1 writes it") from None
    except (ValueError, TypeError, KeyError, AttributeError):
        raise StackError(f"{path} is no baseline: RECORD=1 writes another") from None


def write(path: Path, compared: Sequence[Compared], machine: Mapping[str, Any]) -> None:
    document = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine,
        "ratios": {one.line.text: round(one.judged, 3) for one in compared},
    }
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
