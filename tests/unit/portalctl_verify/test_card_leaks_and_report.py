"""Card numbers in files and rows, the sources of a verification, and its report."""

import io
import re
from pathlib import Path

import pytest
from pydantic import SecretStr
from rich.console import Console
from unit.portalctl_verify.recording import Recording, consistent_recording

from chassis.kafka_access import KafkaAccess
from portalctl.local.errors import StackError
from portalctl.settings import Settings
from verify import invariants
from verify.card_leaks import PATTERN, holds_card_number, leaking_files
from verify.invariants import INVARIANTS, Verdict, judge
from verify.report import as_json, show
from verify.running import Result
from verify.sources import DATABASES, sources_of

LEAKS = ["4242424242424242", "4242 4242 4242 4242", "3782-822463-10005", '{"number":"5555555555554444"}', "x4000000000000341y"]


@pytest.mark.parametrize("leak", LEAKS)
def test_a_number_is_found_in_bytes_and_in_the_text_of_a_row(leak: str) -> None:
    assert holds_card_number(leak.encode())
    assert re.search(PATTERN, leak)
    assert re.search(PATTERN, f"(1,\\x{leak.encode().hex()})")


@pytest.mark.parametrize("harmless", ["4242", "4242424242424241", "**** 4242", "0190a000-4242-7000-8000-424242424240"])
def test_other_numbers_are_no_leak(harmless: str) -> None:
    assert not holds_card_number(harmless.encode())
    assert not re.search(PATTERN, harmless)


def test_a_number_across_two_chunks_of_a_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "payments.log").write_bytes(b"." * ((1 << 20) - 8) + b"4242424242424242")
    (tmp_path / "invoicing.log").write_bytes(b"nothing")
    assert list(leaking_files(tmp_path)) == ["log file payments.log"]


def test_the_environment_takes_precedence_over_the_stack(tmp_path: Path) -> None:
    state = {"postgres": {name: f"postgresql://here/{name}" for name in DATABASES}, "kafka": {"bootstrap_servers": "here:1"}}
    sources = sources_of(state, tmp_path, Settings(payments_database_url=SecretStr("postgresql://a:b@there/payments")))
    assert sources.databases["payments"] == "postgresql://a:b@there/payments"
    assert sources.databases["invoicing"] == "postgresql://here/invoicing"
    assert (sources.kafka, sources.logs) == (KafkaAccess("here:1"), tmp_path)


def test_missing_sources_are_named(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"SUBSCRIPTIONS_DATABASE_URL.*KAFKA_BOOTSTRAP_SERVERS"):
        sources_of({}, tmp_path / "none", Settings())


def test_an_invariant_that_cannot_be_judged_does_not_hold() -> None:
    recording: Recording = consistent_recording()
    recording.tables["invoicing", "series"][0].pop("last")
    verdicts = {verdict.invariant.id: verdict for verdict in judge(recording.recorded_state())}
    assert verdicts["I4"].differences == ["cannot be judged: KeyError: 'last'"]
    assert [id for id, verdict in verdicts.items() if not verdict.holds] == ["I4"]


def test_the_report_lists_every_invariant_including_unchecked_ones() -> None:
    verdicts = judge(consistent_recording().recorded_state())
    written = io.StringIO()
    show(Result(verdicts, 10, 20, 0.5), Console(file=written, width=200), most=2)
    lines = written.getvalue().splitlines()[:-1]
    numbers = [int(line.split()[0].removeprefix("I")) for line in lines]
    assert numbers == list(range(1, len(lines) + 1))
    assert len(lines) >= 16
    without = {line.split()[0]: line for line in lines if line.split()[1] != "ok"}
    assert set(without) == {"I3", "I13", "I14"}
    assert without["I3"] == "I3  not checked no charge stays unknown without a timer: I16 includes it"


def test_the_report_limits_the_differences_of_each_invariant() -> None:
    verdicts = [Verdict(INVARIANTS[0], []), Verdict(INVARIANTS[1], [f"invoice {number}" for number in range(5)])]
    written = io.StringIO()
    show(Result(verdicts, 10, 20, 0.5), Console(file=written, width=200), most=2)
    lines = written.getvalue().splitlines()
    assert lines[0].startswith("I1  ok ")
    assert lines[1].startswith("I2  broken ")
    assert [line.strip() for line in lines[2:]] == ["invoice 0", "invoice 1", "… and 3 more", "10 events, 20 records, 0.5 s"]


def test_the_report_as_json_has_a_status_and_differences_for_each_invariant() -> None:
    recording = consistent_recording()
    recording.tables["invoicing", "series"][0]["last"] = 9
    report = as_json(Result(judge(recording.recorded_state()), 10, 20, 0.5), most=1)
    statuses = {each["id"]: each["status"] for each in report["invariants"]}
    assert [id for id, status in statuses.items() if status == "broken"] == ["I4"]
    [broken] = [each for each in report["invariants"] if each["id"] == "I4"]
    assert (len(broken["differences"]), broken["further_differences"]) == (1, 0)
    assert (report["events"], report["records"]) == (10, 20)


def test_of_very_many_differences_the_first_are_kept_and_the_others_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invariants, "_DIFFERENCES_MAX", 2)
    recording = consistent_recording()
    recording.records.clear()
    [undelivered] = [verdict for verdict in judge(recording.recorded_state()) if verdict.invariant.id == "I1"]
    assert (len(undelivered.differences), undelivered.more > 5) == (2, True)
