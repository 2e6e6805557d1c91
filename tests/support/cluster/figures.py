"""The table of docs/reliability.md: what customers noticed of each fault."""

from dataclasses import dataclass
from pathlib import Path

from support.cluster.load import Measurement

DOCUMENT = Path(__file__).parents[3] / "docs" / "reliability.md"
_BEGIN, _END = "<!-- figures: make reliability -->\n", "<!-- end of the figures -->"
_HEAD = """\
| fault | pages | not served | longest gap | command requests | repeated | longest gap |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |
"""


@dataclass(frozen=True)
class Row:
    fault: str
    measurement: Measurement
    ended: float

    def __str__(self) -> str:
        cells = [self.fault]
        for answers in (self.measurement.pages, self.measurement.commands):
            failed = Measurement.failed(answers)
            cells += [str(len(answers)), f"{failed} ({failed / max(1, len(answers)):.1%})"]
            cells.append(f"{self.measurement.longest_gap(answers, self.ended):.1f} s")
        return f"| {' | '.join(cells)} |\n"


def write(rows: list[Row], document: Path = DOCUMENT) -> None:
    """Replace the table in the document."""
    text = document.read_text()
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    document.write_text(f"{before}{_BEGIN}{_HEAD}{''.join(map(str, rows))}{_END}{after}")
