"""`portalctl wallets migrate`: the mapping file, and what the API of payments answers to its lines."""

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from portalctl import wallets
from portalctl.cli import app
from portalctl.local.errors import StackError

KEY = "sk_test_" + "k" * 43
MAPPING = "old,new,note\ncard-1,pm_1,x\ncard-2,pm_2,y\n"


class Handler(http.server.BaseHTTPRequestHandler):
    """Migrates what it knows; `answers` has status and body by old id."""

    answers: dict[str, tuple[int, dict[str, Any]]]
    received: list[dict[str, Any]]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        assert self.path == "/v1/payment-method-migrations"
        self.received.append(body | {"key": self.headers["authorization"]})
        outcome = "possible" if body["dry_run"] else "migrated"
        status, answer = self.answers.get(body["old"], (200, {"status": outcome, "customer_id": "c1"}))
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def handler() -> type[Handler]:
    return type("Own", (Handler,), {"answers": {}, "received": []})


@pytest.fixture
def url(handler: type[Handler]) -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def mapping(folder: Path, text: str = MAPPING) -> Path:
    file = folder / "mapping.csv"
    file.write_bytes(text.encode())
    return file


def run(file: Path, url: str, *more: str) -> tuple[int, str]:
    words = ["--folder", str(file.parent / "none"), "wallets", "migrate", str(file), "--api-key", KEY, "--url", url, *more]
    ended = CliRunner().invoke(app, words)
    return ended.exit_code, ended.stdout


def test_the_file_is_read_by_its_column_names(tmp_path: Path) -> None:
    cards = [wallets.MappedCard(2, "card-1", "pm_1"), wallets.MappedCard(3, "card-2", "pm_2")]
    assert wallets.read_mapping(mapping(tmp_path)) == cards
    assert wallets.read_mapping(mapping(tmp_path, "\ufeffnew,old\r\npm_1,card-1\r\n")) == [cards[0]]
    assert wallets.read_mapping(mapping(tmp_path, "old,new\n")) == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the first line"),
        ("card-1,pm_1\n", "the first line"),
        ("old,new\ncard-1\n", "line 2 has no id in the column new"),
        ("old,new\n,pm_1\n", "line 2 has no id in the column old"),
        ("old,new\ncard-1,pm_1\ncard-2,pm 2\n", "line 3 has no id in the column new"),
        ("old,new\n4242424242424242,pm_1\n", "line 2 contains what looks like a card number"),
        ("old,new\ncard-1,pm_1\ncard-1,pm_2\n", "lines 2 and 3 have the same id in the column old"),
        ("old,new\ncard-1,pm_1\ncard-2,pm_1\n", "lines 2 and 3 have the same id in the column new"),
    ],
)
def test_a_wrong_file_is_refused_without_its_content_and_nothing_is_sent(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(wallets.WrongMapping, match=reason) as wrong:
        wallets.read_mapping(mapping(tmp_path, text))
    assert "4242" not in str(wrong.value)
    code, printed = run(tmp_path / "mapping.csv", "http://127.0.0.1:1", "--yes")
    assert (code, printed) == (2, "")


def test_nothing_is_changed_without_a_yes(tmp_path: Path, handler: type[Handler], url: str) -> None:
    code, printed = run(mapping(tmp_path), url)
    assert code == 0
    assert [line.split("\t") for line in printed.splitlines()[:2]] == [
        ["2", "card-1", "pm_1", "possible"],
        ["3", "card-2", "pm_2", "possible"],
    ]
    expected = {"old": "card-1", "new": "pm_1", "dry_run": True, "key": f"Bearer {KEY}"}
    assert handler.received[0] == expected
    assert {each["dry_run"] for each in handler.received} == {True}


def test_a_refused_line_stops_no_other_and_is_reported(tmp_path: Path, handler: type[Handler], url: str) -> None:
    handler.answers["card-1"] = 422, {"title": "No such card", "code": "invalid_token"}
    code, printed = run(mapping(tmp_path), url, "--yes", "--json")
    result = json.loads(printed)
    assert (code, result["dry_run"], result["counts"]) == (1, False, {"refused": 1, "migrated": 1})
    first, second = result["cards"]
    assert (first["status"], first["problem"]) == ("refused", "No such card (invalid_token)")
    assert (second["status"], second["customer_id"], second["problem"]) == ("migrated", "c1", None)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, {"status": "migrated_before", "customer_id": "c1"}, (0, "migrated_before")),
        (503, {"title": "No answer", "code": "service_unavailable"}, (1, "unanswered")),
        (429, {"title": "Too many", "code": "rate_limited"}, (1, "unanswered")),
        (409, {"title": "Running", "code": "charge_running"}, (1, "refused")),
    ],
)
def test_what_can_be_repeated_is_told_apart_from_what_cannot(
    tmp_path: Path, handler: type[Handler], url: str, status: int, body: dict[str, Any], expected: tuple[int, str]
) -> None:
    handler.answers["card-1"] = status, body
    code, printed = run(mapping(tmp_path), url, "--yes")
    assert (code, printed.splitlines()[0].split("\t")[3]) == expected


def test_a_refused_key_and_another_server_end_the_command(handler: type[Handler], url: str) -> None:
    cards = [wallets.MappedCard(2, "card-1", "pm_1")]
    handler.answers["card-1"] = 401, {"title": "Unknown key", "code": "unauthorized"}
    with pytest.raises(StackError, match=r"answered 401: Unknown key \(unauthorized\)"):
        list(wallets.migrate(wallets.Payments(url, KEY), cards, dry_run=True))
    handler.answers["card-1"] = 200, {"hello": "world"}
    with pytest.raises(StackError, match="is not payments"):
        list(wallets.migrate(wallets.Payments(url, KEY), cards, dry_run=True))
    with pytest.raises(StackError, match="does not answer"):
        list(wallets.migrate(wallets.Payments("http://127.0.0.1:1", KEY), cards, dry_run=True))


def test_a_merchant_is_named_or_its_key_is_given() -> None:
    state = {"urls": {"payments": "http://127.0.0.1:2"}, "merchants": {"first": {"id": "m1", "api_key": "key-1"}}}
    assert wallets.payments_of(state, "first", None, None).api_key == "key-1"
    assert wallets.payments_of({}, None, "own", "http://elsewhere").url == "http://elsewhere"
    with pytest.raises(StackError, match="known: first"):
        wallets.payments_of(state, None, None, None)
    with pytest.raises(StackError, match="no stack"):
        wallets.payments_of({}, None, "own", None)
