"""Every step has the same deadline. A step that exceeds it is reported with its log."""

import socket
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from portalctl.local.errors import StackError
from portalctl.local.programs import Program, start
from support.local_stack import LocalStack, local_stack

pytestmark = pytest.mark.timeout(400)


@pytest.fixture
def stack() -> Iterator[LocalStack]:
    with local_stack() as stack:
        yield stack


@contextmanager
def a_server_that_never_answers() -> Iterator[str]:
    """A server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


DEADLINE = {"PORTAL_DEADLINE_SECONDS": "6"}


def test_a_kafka_that_does_not_answer_is_named(stack: LocalStack, elsewhere: dict[str, str]) -> None:
    with a_server_that_never_answers() as address:
        up = stack.up(environment={**elsewhere, **DEADLINE, "KAFKA_BOOTSTRAP_SERVERS": address})
    assert up.returncode == 1
    assert f"creating the topics on {address}: " in up.stderr
    assert "TimeoutError()" not in up.stderr
    stack.wait_until(lambda: stack.left == [])


def test_a_postgresql_that_does_not_answer_is_named(stack: LocalStack, external_kafka: dict[str, str]) -> None:
    with a_server_that_never_answers() as address:
        url = f"postgresql://admin:only-a-test@{address}/postgres"
        up = stack.up(environment={**DEADLINE, "PORTAL_POSTGRES_URL": url, **external_kafka})
    assert up.returncode == 1
    assert "creating the database trivial_service: not done after 6 s (PORTAL_DEADLINE_SECONDS)" in up.stderr
    assert "only-a-test" not in up.stderr


def test_commands_that_wait_for_a_server_end_with_an_error_message(stack: LocalStack, monkeypatch: pytest.MonkeyPatch) -> None:
    key = f"sk_test_{'k' * 43}"
    monkeypatch.setenv("PORTAL_DEADLINE_SECONDS", "5")
    with a_server_that_never_answers() as address:
        monkeypatch.setenv("PORTAL_POSTGRES_URL", f"postgresql://admin:only-a-test@{address}/postgres")
        links = ("links", "create", "--customer", "c", "--api-key", key, "--url", f"http://{address}")
        expected = {
            ("topics", "diff", "--kafka", address): address,
            ("topics", "apply", "--kafka", address): address,
            ("migrate",): "migrating the tables: not done after 5 s",
            links: f"the portal gateway does not answer at http://{address} within 5 s",
        }
        with ThreadPoolExecutor(len(expected)) as threads:
            ended = list(threads.map(lambda words: stack.portalctl(*words), expected))
    for (words, message), command in zip(expected.items(), ended, strict=True):
        assert command.returncode == 1, words
        assert message in command.stderr, words
        assert "Traceback" not in command.stderr, words
        assert "only-a-test" not in command.stderr, words


async def test_a_program_that_never_becomes_ready_is_named_with_its_log(tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    log = tmp_path / "sleeper.log"
    command = [sys.executable, "-c", "import time; print('it sleeps', flush=True); time.sleep(60)"]
    with pytest.raises(StackError, match=r"sleeper is not ready: not done after 2 s") as late:
        await start(Program("sleeper", command, log, never), seconds=2)
    assert str(log) in str(late.value)
    assert "it sleeps" in str(late.value)
