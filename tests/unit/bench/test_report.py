import json
from pathlib import Path

import pytest

from bench import report
from bench.measuring import Line, Rounds, Target, compare, cpu_figures

MET = Line("against theirs", "ours", "theirs", target=Target(at_least=0.5))
ROUNDS = Rounds([{"ours": 24_310.4, "theirs": 20_000}, {"ours": 15_000, "theirs": 20_000}, {"ours": 18_000, "theirs": 20_000}])


@pytest.mark.parametrize(
    ("value", "unit", "read"),
    [
        (24_310.4, "/s", "24\N{NARROW NO-BREAK SPACE}310/s"),
        (1.8349, "ms", "1.83 ms"),
        (0, "", "0"),
        (99.99, "s", "100 s"),
    ],
)
def test_a_figure_has_three_significant_digits_and_its_unit(value: float, unit: str, read: str) -> None:
    assert report.figure(value, unit) == read


def test_a_line_has_both_sides_the_ratio_with_its_spread_and_the_verdict() -> None:
    [compared] = compare([MET], ROUNDS)
    thousands = "\N{NARROW NO-BREAK SPACE}"
    assert report.cells(compared) == (
        "against theirs",
        f"18{thousands}000/s",
        f"20{thousands}000/s",
        "0.90 (0.75–1.22)",
        "",
        "",
        "≥ 0.5",
        "met",
    )


def test_the_processor_time_of_each_process_is_beside_a_rate_largest_first() -> None:
    used = cpu_figures("ours", {"postgres": 304.2, "portal-gateway": 1_916.0, "kafka": 0.4})
    [compared] = compare([MET], Rounds([{"ours": 900, "theirs": 9_000, **used, **cpu_figures("theirs", {"python": 52})}]))
    assert report.cells(compared)[4:6] == ("portal-gateway 1.92 ms + postgres 304 µs", "python 52 µs")


def test_processor_time_of_seconds_is_written_in_seconds() -> None:
    assert report.processor_time({"kafka": 4_120_000.0}) == "kafka 4.12 s"


def test_one_round_has_no_spread() -> None:
    [compared] = compare([MET], Rounds([{"ours": 1, "theirs": 4}]))
    assert report.cells(compared)[3:] == ("0.25", "", "", "≥ 0.5", "MISSED")


def test_a_reported_figure_has_neither_ratio_nor_target() -> None:
    [compared] = compare([Line("backlog", "ours", unit="")], Rounds([{"ours": 12}]))
    assert report.cells(compared) == ("backlog", "12", "", "", "", "", "", "")


def test_a_document_has_the_rows_name_once_and_each_of_its_lines() -> None:
    reported = Line("backlog", "ours", unit="")
    lines = report.markdown({"append": compare([MET, reported], ROUNDS), "relay": compare([reported], ROUNDS)}).splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| append", "| ", "| relay"]
    assert lines[0] == "| row | what | ours | other side | ratio (min–max) | CPU of ours | CPU of the other | target | met |"
    assert lines[1] == "| --- | --- | ---: | ---: | ---: | --- | --- | ---: | --- |"


def test_the_file_contains_rounds_lines_and_failed_rows(tmp_path: Path) -> None:
    report.write(tmp_path / "new" / "bench.json", {"append": ROUNDS}, {"append": compare([MET], ROUNDS)}, 61.27, ["relay"])
    written = json.loads((tmp_path / "new" / "bench.json").read_text())
    assert written["rounds"] == {"append": ROUNDS.figures}
    assert [(line["row"], line["what"], line["met"]) for line in written["lines"]] == [("append", "against theirs", "met")]
    assert (written["seconds"], written["broken"]) == (61.3, ["relay"])
    assert written["machine"]["cores"] >= 1
    assert "asyncpg" in written["machine"]["packages"]
