"""The whole local stack: real servers, real signals."""

import signal
import socket
from collections.abc import Iterator

import asyncpg
import pytest

from portalctl.local.folder import read_json
from portalctl.local.process_table import read_processes
from portalctl.local.state import read_state, update_state
from support.local_stack import LocalStack, local_stack
from support.processes import IGNORING

PROCESSES = {"postgres", "kafka", "trivial", "events"}


@pytest.fixture
def stack() -> Iterator[LocalStack]:
    with local_stack() as stack:
        yield stack


def addresses(stack: LocalStack) -> list[object]:
    state = read_state(stack.folder)
    return [state[name] for name in ("urls", "kafka", "postgres")]


async def test_data_and_addresses_survive_down_and_a_killed_supervisor(stack: LocalStack) -> None:
    # Given a detached stack that inherits ignored signals, for example from nohup or a CI runner
    assert stack.up(before=IGNORING).stdout == "ready\n"
    state, before = read_state(stack.folder), addresses(stack)
    assert await stack.visit() == 1
    assert set(state["processes"]) == PROCESSES
    assert state["processes"]["kafka"] == stack.identity("kafka").pid
    assert stack.portalctl("status").returncode == 0
    assert stack.portalctl("topics", "diff").stdout == ""

    # When it is taken down, it stops without force
    assert stack.portalctl("down").stdout == "stopped\n"
    assert stack.left == []
    assert "was killed" not in stack.folder.log("supervisor").read_text()
    assert stack.portalctl("status").returncode == 1
    assert read_state(stack.folder)["processes"] == {}

    # Then the next start finds its data
    assert stack.up().returncode == 0
    assert addresses(stack) == before
    assert await stack.visit() == 2

    # And when the supervisor is killed, `down` stops what it left, and the data is still complete
    assert stack.supervisor.send(signal.SIGKILL)
    assert stack.portalctl("down").returncode == 0
    assert stack.left == []
    assert stack.up().returncode == 0
    assert addresses(stack) == before
    assert await stack.visit() == 3


async def test_killed_processes_are_restarted_and_a_wipe_deletes_data_and_keys(stack: LocalStack) -> None:
    # Given a stack of which every process is killed
    stack.up()
    assert await stack.visit() == 1
    killed = {name: stack.identity(name) for name in PROCESSES}
    for identity in killed.values():
        assert identity.send(signal.SIGKILL)
    stack.wait_until(lambda: not any(identity.running for identity in killed.values()))

    # Then each is restarted and recorded
    stack.wait_until(lambda: read_processes(stack.folder).all_ready)
    assert all(stack.identity(name) != identity for name, identity in killed.items())
    stack.remember()
    assert read_state(stack.folder)["processes"] == {name: stack.identity(name).pid for name in PROCESSES}
    assert await stack.visit() == 2

    # And when it is wiped, data and keys are new, and the addresses stay
    update_state(stack.folder, customers={"ana": {}})
    ports, secrets = read_json(stack.folder.ports), read_json(stack.folder.secrets)
    assert stack.portalctl("down", "--wipe").returncode == 0
    assert stack.left == []
    assert not stack.folder.postgres.exists()
    assert not stack.folder.kafka.exists()
    assert stack.up().returncode == 0
    assert await stack.visit() == 1
    assert "customers" not in read_state(stack.folder)
    assert read_json(stack.folder.ports) == ports
    assert read_json(stack.folder.secrets) != secrets


def test_a_second_up_starts_missing_processes(stack: LocalStack, elsewhere: dict[str, str]) -> None:
    stack.up(environment=elsewhere)
    before = {name: stack.identity(name) for name in ("trivial", "events")}
    supervisor = stack.supervisor
    before["trivial"].send(signal.SIGKILL)
    stack.wait_until(lambda: not before["trivial"].running)
    assert stack.up(environment=elsewhere).stdout == "ready\n"
    assert stack.supervisor == supervisor
    assert stack.identity("trivial") != before["trivial"]
    assert stack.identity("events") == before["events"]
    assert stack.portalctl("down").returncode == 0
    assert stack.left == []


def test_the_stack_ends_with_a_killed_attached_up(stack: LocalStack, elsewhere: dict[str, str]) -> None:
    with stack.up_in_front(environment=elsewhere) as process:
        process.kill()
    stack.wait_until(lambda: stack.left == [])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_attached_up_stops_the_stack(stack: LocalStack, elsewhere: dict[str, str], number: signal.Signals) -> None:
    with stack.up_in_front(environment=elsewhere) as process:
        process.send_signal(number)
        assert process.wait(60) == 0
    assert stack.left == []


async def test_ports_in_use_are_replaced_for_good(stack: LocalStack, external_kafka: dict[str, str]) -> None:
    stack.up(environment=external_kafka)
    before = read_json(stack.folder.ports)
    assert await stack.visit() == 1
    stack.portalctl("down")
    with socket.create_server(("127.0.0.1", before["postgres"])), socket.create_server(("127.0.0.1", before["trivial"])):
        assert stack.up(environment=external_kafka).returncode == 0
        after = read_json(stack.folder.ports)
        assert {name for name in before if before[name] != after[name]} == {"postgres", "trivial"}
        stack.portalctl("down")
    stack.up(environment=external_kafka)
    assert read_json(stack.folder.ports) == after
    assert await stack.visit() == 2


def test_a_failed_start_reports_its_reason_and_leaves_no_process(stack: LocalStack) -> None:
    result = stack.up("--broken")
    assert result.returncode == 1
    assert "broken: the package no_such_package is not installed" in result.stderr
    stack.wait_until(lambda: stack.left == [])


async def test_a_changed_migration_is_the_reason_of_a_failed_start(stack: LocalStack, elsewhere: dict[str, str]) -> None:
    assert stack.up(environment=elsewhere).returncode == 0
    stack.portalctl("down")
    connection = await asyncpg.connect(read_state(stack.folder)["postgres"]["trivial_service"])
    await connection.execute("UPDATE migrations SET sha256 = 'another' WHERE component = 'trivial'")
    await connection.close()
    result = stack.up(environment=elsewhere)
    assert result.returncode == 1
    assert "trivial: trivial/0001_visits.sql: A migration file was changed after it was applied" in result.stderr
    assert stack.left == []


async def test_external_servers_are_used(stack: LocalStack, elsewhere: dict[str, str]) -> None:
    assert stack.up(environment=elsewhere).returncode == 0
    state = read_state(stack.folder)
    assert set(state["processes"]) == {"trivial", "events"}
    assert state["kafka"]["bootstrap_servers"] == elsewhere["KAFKA_BOOTSTRAP_SERVERS"]
    assert not stack.folder.postgres.exists()
    assert await stack.visit() == 1
