"""The committed ratios of an earlier run, to detect regressions."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from bench.measuring import Compared
from portalctl.local.errors import StackError

ALLOWED: Final = 0.25
"""Share by which a ratio may differ from the baseline before it counts as drift."""


@dataclass(frozen=True, slots=True)
class Drift:
    """A line of this run compared with the baseline."""

    text: str
    before: float | None
    """None if the baseline does not have the line yet."""
    now: float | None
    """None if the run no longer measures the line."""

    @property
    def change(self) -> float:
        """The change as a share of the baseline's ratio; 0 if one of them is missing."""
        return self.now / self.before - 1 if self.now is not None and self.before else 0.0

    @property
    def worse(self) -> bool:
        return self.change > ALLOWED

    def __str__(self) -> str:
        if self.before is None:
            return f"{self.text}: {self.now:.2f}; the baseline does not have it"
        if self.now is None:
            return f"{self.text}: not measured; the baseline has {self.before:.2f}"
        verdict = ""
        if abs(self.change) > ALLOWED:
            verdict = f": DRIFT, more than {ALLOWED:.0%} {'worse' if self.worse else 'better'}"
        return f"{self.text}: {self.now:.2f} × hello-world, baseline {self.before:.2f} ({self.change:+.0%}){verdict}"


def drifts(compared: Sequence[Compared], ratios: Mapping[str, float]) -> list[Drift]:
    now = {one.line.text: one.judged for one in compared}
    return [Drift(text, ratios.get(text), now.get(text)) for text in dict.fromkeys((*now, *ratios))]


def read(path: Path) -> dict[str, float]:
    """The ratios by line. Raises StackError without a readable baseline."""
    try:
        ratios = json.loads(path.read_text())["ratios"]
        return {str(text): float(ratio) for text, ratio in ratios.items()}
    except OSError:
        raise StackError(f"{path} does not exist: RECORD=1 writes it") from None
    except (ValueError, TypeError, KeyError, AttributeError):
        raise StackError(f"{path} is not a baseline: RECORD=1 writes a new one") from None


def write(path: Path, compared: Sequence[Compared], machine: Mapping[str, Any]) -> None:
    document = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine,
        "ratios": {one.line.text: round(one.judged, 3) for one in compared},
    }
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
