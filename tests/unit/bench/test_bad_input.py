"""What `make bench` is asked wrongly, and what breaks while it runs: said in words, and never with exit code 0."""

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

import pytest

from bench.measuring import Figures, Line, Row
from portalctl.local.failures import PortTaken

program = importlib.import_module("bench.__main__")


def asked(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(program, "PEERS", ())
    monkeypatch.setattr(sys, "argv", ["bench", *words])
    code: int = program.main()
    return code


def a_row(
    monkeypatch: pytest.MonkeyPatch, name: str, *, opening: Exception | None = None, later: Sequence[Exception] = ()
) -> None:
    """A row that fails as it opens, or in the rounds after the first; or works."""
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


def test_a_row_that_there_is_not_is_named_together_with_those_there_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert asked(monkeypatch, "--rows", "append,apend") == 2
    said = capsys.readouterr().err
    assert "there is no row apend" in said
    assert "gap_safety" in said


def test_a_peer_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", "--rows", "append"])
    monkeypatch.setattr(program, "PEERS", ("json", "no_such_peer"))
    assert program.main() == 2
    assert capsys.readouterr().err.startswith("bench: no_such_peer not installed: `make bench`")


def test_no_rounds_are_no_run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert asked(monkeypatch, "--rounds", "0") == 2
    assert "at least 1" in capsys.readouterr().err


def test_a_folder_that_cannot_be_is_found_before_anything_is_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    assert asked(monkeypatch, "--folder", str(tmp_path / "file")) == 2
    assert "nothing can be written" in capsys.readouterr().err


@pytest.mark.parametrize("row", program.ROWS + program.WHEN_ASKED)
def test_every_row_that_is_offered_is_there(row: str) -> None:
    assert (Path(str(program.__file__)).parent / "rows" / f"{row}.py").exists()


async def test_a_disk_that_is_too_small_is_found_before_it_is_full(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=3 * 2**30))
    assert await program.bench(["million"], 1, tmp_path) == 2
    assert "GiB are needed in" in capsys.readouterr().out


async def test_a_port_that_is_taken_is_said_in_words_and_the_other_rows_are_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    a_row(monkeypatch, "works")
    a_row(monkeypatch, "blocked", opening=PortTaken("kafka", "another Kafka answers on port 9092"))
    assert await program.bench(["blocked", "works"], 1, tmp_path) == 2
    said = capsys.readouterr()
    assert "blocked broke: " in said.out
    assert "another Kafka answers on port 9092" in said.out
    assert "Traceback" not in said.out
    assert said.err == "bench: not measured: blocked\n"
    assert "works" in json.loads((tmp_path / "bench.json").read_text())["rounds"]


async def test_a_row_that_breaks_half_way_names_itself_and_leaves_what_the_others_found(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    a_row(monkeypatch, "before")
    a_row(monkeypatch, "breaks", later=[RuntimeError("80 000 events, 79 999 records")])
    a_row(monkeypatch, "after")
    assert await program.bench(["before", "breaks", "after"], 2, tmp_path) == 1
    said = capsys.readouterr()
    assert "80 000 events, 79 999 records" in said.out
    assert said.err == "bench: not measured: breaks\n"
    written = json.loads((tmp_path / "bench.json").read_text())
    assert written["broken"] == ["breaks"]
    assert [line["row"] for line in written["lines"]] == ["before", "after"]


async def test_a_run_whose_rows_all_work_ends_well_however_slow_they_were(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    a_row(monkeypatch, "works")
    assert await program.bench(["works"], 3, tmp_path) == 0


async def test_a_run_that_is_told_to_end_stops_what_its_row_had_started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
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
    running = asyncio.create_task(program.bench(["endless"], 1, tmp_path))
    await asyncio.wait([running])
    assert running.cancelled()
    assert stopped
