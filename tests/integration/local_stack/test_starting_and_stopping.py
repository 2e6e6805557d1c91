"""The whole local stack: real servers, real signals."""

import asyncio
import signal
import socket
import stat
from collections.abc import Iterator

import asyncpg
import pytest

from portalctl.local.folder import read_json
from portalctl.local.process_table import read_processes
from portalctl.local.state import read_state, update_state
from support.local_stack import LocalStack, local_stack

PROCESSES = {"postgres", "kafka", "trivial", "events"}


@pytest.fixture
def stack() -> Iterator[LocalStack]:
    with local_stack() as stack:
        yield stack


def starts_recorded(stack: LocalStack) -> int:
    """At least how often the service's migration has written its row."""

    async def count() -> int:
        connection = await asyncpg.connect(read_state(stack.folder)["postgres"]["trivial_service"])
        try:
            return int(await connection.fetchval("SELECT count(*) FROM starts"))
        finally:
            await connection.close()

    return asyncio.run(count())


def test_down_keeps_the_data_and_the_addresses(stack: LocalStack) -> None:
    assert stack.up().stdout == "ready\n"
    before = read_state(stack.folder)
    assert set(before["processes"]) == PROCESSES
    assert before["processes"]["kafka"] == stack.identity("kafka").pid
    assert stack.portalctl("status").returncode == 0
    assert stack.portalctl("topics", "diff").stdout == ""

    assert stack.portalctl("down").stdout == "stopped\n"
    assert stack.left == []
    assert stack.portalctl("status").returncode == 1
    assert read_state(stack.folder)["processes"] == {}

    assert stack.up().returncode == 0
    after = read_state(stack.folder)
    assert (after["urls"], after["kafka"], after["postgres"]) == (before["urls"], before["kafka"], before["postgres"])
    assert starts_recorded(stack) == 2


def test_a_wipe_deletes_data_and_keys_and_keeps_addresses(stack: LocalStack) -> None:
    stack.up()
    update_state(stack.folder, customers={"ana": {}})
    ports, secrets = read_json(stack.folder.ports), read_json(stack.folder.secrets)
    assert stack.portalctl("down", "--wipe").returncode == 0
    assert not stack.folder.postgres.exists()
    assert not stack.folder.kafka.exists()
    assert stack.up().returncode == 0
    assert starts_recorded(stack) == 1
    assert "customers" not in read_state(stack.folder)
    assert read_json(stack.folder.ports) == ports
    assert read_json(stack.folder.secrets) != secrets


def test_a_killed_process_is_restarted_and_recorded(stack: LocalStack) -> None:
    stack.up()
    killed = {name: stack.identity(name) for name in PROCESSES}
    for identity in killed.values():
        assert identity.send(signal.SIGKILL)
    stack.wait_until(lambda: not any(identity.running for identity in killed.values()))
    stack.wait_until(lambda: read_processes(stack.folder).all_ready)
    assert all(stack.identity(name) != identity for name, identity in killed.items())
    stack.remember()
    assert read_state(stack.folder)["processes"] == {name: stack.identity(name).pid for name in PROCESSES}
    assert starts_recorded(stack) == 1


def test_a_second_up_starts_missing_processes(stack: LocalStack) -> None:
    stack.up()
    before = {name: stack.identity(name) for name in PROCESSES}
    supervisor = stack.supervisor
    before["trivial"].send(signal.SIGKILL)
    stack.wait_until(lambda: not before["trivial"].running)
    assert stack.up().stdout == "ready\n"
    assert stack.supervisor == supervisor
    assert stack.identity("trivial") != before["trivial"]
    assert stack.identity("kafka") == before["kafka"]
    assert stack.portalctl("down").returncode == 0
    assert stack.left == []


def test_down_stops_all_processes_after_the_supervisor_was_killed(stack: LocalStack) -> None:
    stack.up()
    assert stack.supervisor.send(signal.SIGKILL)
    assert stack.portalctl("down").returncode == 0
    assert stack.left == []
    assert stack.up().returncode == 0
    assert starts_recorded(stack) == 2


def test_the_stack_ends_with_a_killed_attached_up(stack: LocalStack) -> None:
    with stack.up_in_front() as process:
        process.kill()
    stack.wait_until(lambda: stack.left == [])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_attached_up_stops_the_stack(stack: LocalStack, number: signal.Signals) -> None:
    with stack.up_in_front() as process:
        process.send_signal(number)
        assert process.wait(60) == 0
    assert stack.left == []


def test_ports_in_use_are_replaced_for_good(stack: LocalStack) -> None:
    stack.up()
    before = read_json(stack.folder.ports)
    stack.portalctl("down")
    with socket.create_server(("127.0.0.1", before["postgres"])), socket.create_server(("127.0.0.1", before["trivial"])):
        assert stack.up().returncode == 0
        after = read_json(stack.folder.ports)
        assert {name for name in before if before[name] != after[name]} == {"postgres", "trivial"}
        stack.portalctl("down")
    stack.up()
    assert read_json(stack.folder.ports) == after


def test_a_failed_start_reports_the_step_with_its_log_and_leaves_no_process(stack: LocalStack) -> None:
    result = stack.up("--broken")
    assert result.returncode == 1
    assert "broken migrate: failed with exit code 1" in result.stderr
    assert "No module named no_such_package" in result.stderr
    stack.wait_until(lambda: stack.left == [])


def test_external_servers_are_used(stack: LocalStack, elsewhere: dict[str, str]) -> None:
    assert stack.up(environment=elsewhere).returncode == 0
    state = read_state(stack.folder)
    assert set(state["processes"]) == {"trivial", "events"}
    assert state["kafka"]["bootstrap_servers"] == elsewhere["KAFKA_BOOTSTRAP_SERVERS"]
    assert not stack.folder.postgres.exists()
    assert starts_recorded(stack) == 1


def test_files_with_secrets_are_private(stack: LocalStack) -> None:
    stack.up()
    for path in (stack.folder.secrets, stack.folder.state, stack.folder.processes):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
