"""Wrong arguments of `make bench` and failures during a run: a message, and never exit code 0."""

import asyncio
import importlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from bench.measuring import Figures, Line, Row
from portalctl.local.errors import PortTaken

program = importlib.import_module("bench.__main__")


def run_main(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(program, "PEERS", ())
    monkeypatch.setattr(sys, "argv", ["bench", *words])
    code: int = program.main()
    return code


def options(folder: Path, *rows: str, rounds: int = 1, record: bool = False) -> Any:
    return program.Options(rows, rounds, folder, record)


def a_row(
    monkeypatch: pytest.MonkeyPatch, name: str, *, opening: Exception | None = None, later: Sequence[Exception] = ()
) -> None:
    """Add a row that fails when it opens, or in later rounds, or works."""
    fails = [None, *later]

    async def trial() -> Figures:
        if error := fails.pop(0) if fails else None:
            raise error
        return {"figure": 1.0}

    @asynccontextmanager
    async def opened() -> AsyncIterator[Row]:
        if opening:
            raise opening
        yield Row([trial], [Line("what it found", "figure")])

    module = ModuleType(f"bench.rows.{name}")
    module.__dict__["opened"] = opened
    monkeypatch.setitem(sys.modules, module.__name__, module)


def test_an_unknown_row_is_named_with_the_known_ones(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_main(monkeypatch, "--rows", "append,apend") == 2
    printed = capsys.readouterr().err
    assert "unknown row apend" in printed
    assert "gap_safety" in printed


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", "--rows", "append"])
    monkeypatch.setattr(program, "PEERS", ("json", "no_such_peer"))
    assert program.main() == 2
    assert capsys.readouterr().err.startswith("bench: no_such_peer not installed: `make bench`")


@pytest.mark.parametrize("rounds", ["0", "-1", "21", "three", "1.5", "", "²", "9" * 5_000])
def test_a_wrong_number_of_rounds_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], rounds: str
) -> None:
    assert run_main(monkeypatch, f"--rounds={rounds}") == 2
    assert "expected a number from 1 to 20" in capsys.readouterr().err


@pytest.mark.parametrize("rows", [",", "append,", "append,,relay"])
def test_a_row_without_a_name_is_refused_instead_of_running_all(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], rows: str
) -> None:
    assert run_main(monkeypatch, "--rows", rows) == 2
    assert "unknown row (empty)" in capsys.readouterr().err


def test_only_a_row_with_a_baseline_records_one(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_main(monkeypatch, "--rows", "append", "--record") == 2
    assert capsys.readouterr().err == "bench: only smoke has a baseline to record\n"


def test_an_unwritable_folder_is_refused_before_a_measurement(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    assert run_main(monkeypatch, "--folder", str(tmp_path / "file")) == 2
    assert "the folder cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize("row", program.ROWS + program.ON_REQUEST)
def test_every_listed_row_exists(row: str) -> None:
    assert (Path(str(program.__file__)).parent / "rows" / f"{row}.py").exists()


async def test_a_disk_that_is_too_small_is_refused_before_it_is_full(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=3 * 2**30))
    assert await program.bench(options(tmp_path, "million")) == 2
    assert "GiB free" in capsys.readouterr().out


async def test_a_port_in_use_is_reported_and_the_other_rows_are_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    a_row(monkeypatch, "works")
    a_row(monkeypatch, "blocked", opening=PortTaken("kafka", "another Kafka answers on port 9092"))
    assert await program.bench(options(tmp_path, "blocked", "works")) == 2
    printed = capsys.readouterr()
    assert "blocked failed: " in printed.out
    assert "another Kafka answers on port 9092" in printed.out
    assert "Traceback" not in printed.out
    assert printed.err == "bench: not measured: blocked\n"
    assert "works" in json.loads((tmp_path / "bench.json").read_text())["rounds"]


async def test_a_failing_row_is_named_and_the_results_of_others_stay(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    a_row(monkeypatch, "before")
    a_row(monkeypatch, "breaks", later=[RuntimeError("80 000 events, 79 999 records")])
    a_row(monkeypatch, "after")
    assert await program.bench(options(tmp_path, "before", "breaks", "after", rounds=2)) == 1
    printed = capsys.readouterr()
    assert "80 000 events, 79 999 records" in printed.out
    assert printed.err == "bench: not measured: breaks\n"
    written = json.loads((tmp_path / "bench.json").read_text())
    assert written["broken"] == ["breaks"]
    assert [line["row"] for line in written["lines"]] == ["before", "after"]


async def test_a_run_without_failures_exits_with_zero_regardless_of_speed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    a_row(monkeypatch, "works")
    assert await program.bench(options(tmp_path, "works", rounds=3)) == 0


async def test_an_endless_row_is_stopped_and_the_others_are_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    stopped = False

    @asynccontextmanager
    async def opened() -> AsyncIterator[Row]:
        nonlocal stopped
        try:
            await asyncio.sleep(60)
            yield Row([], [])
        finally:
            stopped = True

    module = ModuleType("bench.rows.endless")
    module.__dict__["opened"] = opened
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(program, "LIMIT_MINUTES", 0.0001)
    a_row(monkeypatch, "works")
    assert await program.bench(options(tmp_path, "endless", "works")) == 2
    printed = capsys.readouterr()
    assert "endless failed: stopped: not finished after 0.0001 minutes" in printed.out
    assert stopped
    assert "works" in json.loads((tmp_path / "bench.json").read_text())["rounds"]


def a_row_with_a_baseline(monkeypatch: pytest.MonkeyPatch, file: Path, figure: float, hello: float = 50.0) -> list[str]:
    """Add a row with a baseline. Returns the growing list of its measurements."""
    measured: list[str] = []

    async def trial() -> Figures:
        measured.append("figure")
        return {"figure": figure, "hello": hello}

    @asynccontextmanager
    async def opened() -> AsyncIterator[Row]:
        yield Row([trial], [Line("overview", "figure", "hello", "µs")], baseline=file)

    module = ModuleType("bench.rows.guarded")
    module.__dict__["opened"] = opened
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return measured


@pytest.mark.parametrize(
    ("figure", "hello", "code", "words"),
    [
        (1_000.0, 50.0, 0, "overview: 20.00 × hello-world, baseline 20.00 (+0%)"),
        (1_240.0, 50.0, 0, "(+24%)"),
        (1_260.0, 50.0, 1, "(+26%): DRIFT, more than 25% worse"),
        (700.0, 50.0, 0, "(-30%): DRIFT, more than 25% better"),
        (2_000.0, 100.0, 0, "(+0%)"),
    ],
)
async def test_a_regression_above_a_quarter_fails_the_run(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    figure: float,
    hello: float,
    code: int,
    words: str,
) -> None:
    file = tmp_path / "baseline.json"
    a_row_with_a_baseline(monkeypatch, file, 1_000.0)
    assert await program.bench(options(tmp_path, "guarded", record=True)) == 0
    capsys.readouterr()
    a_row_with_a_baseline(monkeypatch, file, figure, hello)
    assert await program.bench(options(tmp_path, "guarded")) == code
    printed = capsys.readouterr()
    assert words in printed.out
    assert (printed.err == "bench: more than 25% worse than the baseline: overview\n") is (code == 1)


@pytest.mark.parametrize("content", [None, "", "{}", "[]", '{"ratios": {"overview": "much"}}', '{"ratios": [1]}'])
async def test_without_a_readable_baseline_nothing_is_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "baseline.json"
    if content is not None:
        file.write_text(content)
    measured = a_row_with_a_baseline(monkeypatch, file, 1_000.0)
    assert await program.bench(options(tmp_path, "guarded")) == 2
    assert f"guarded failed: {file} " in capsys.readouterr().out.replace("\n", "")
    assert measured == []


async def test_a_line_without_counterpart_is_reported_and_does_not_fail_the_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "baseline.json"
    file.write_text('{"ratios": {"page": 40}}')
    a_row_with_a_baseline(monkeypatch, file, 1_000.0)
    assert await program.bench(options(tmp_path, "guarded")) == 0
    printed = capsys.readouterr().out
    assert "overview: 20.00; the baseline does not have it" in printed
    assert "page: not measured; the baseline has 40.00" in printed


async def test_a_stop_signal_stops_the_servers_of_the_row(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stopped = False

    @asynccontextmanager
    async def opened() -> AsyncIterator[Row]:
        nonlocal stopped
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(10)
            yield Row([], [])
        finally:
            stopped = True

    module = ModuleType("bench.rows.endless")
    module.__dict__["opened"] = opened
    monkeypatch.setitem(sys.modules, module.__name__, module)
    running = asyncio.create_task(program.bench(options(tmp_path, "endless")))
    await asyncio.wait([running])
    assert running.cancelled()
    assert stopped
