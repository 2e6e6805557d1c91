"""Parts of a cluster fail or are replaced while 50 customers use the portal."""

import asyncio
import sys
from dataclasses import replace

import pytest
from aiokafka.errors import KafkaError

from chassis.eventsourcing.event_store import Message
from chassis.kafka_access import KafkaAccess
from chassis.outbox.producer import Publisher
from support.cluster import brokers
from support.cluster.faults import FULL, ClusterInUse
from support.cluster.release import NoRelease, Release
from support.cluster.replicas import HTTP, WORKER

pytestmark = pytest.mark.timeout(900)
_OUTAGE_SECONDS = 15 if FULL else 6


async def test_every_process_is_replaced_by_one_of_this_release(used: ClusterInUse, previous: Release | NoRelease) -> None:
    if isinstance(previous, NoRelease):
        raise previous
    async with used.fault("rolling upgrade from the previous release"):
        await used.cluster.migrate()
        used.cluster.replicas.python = sys.executable
        await replace_processes(used)
        await used.cluster.finish_upgrade()


@pytest.mark.parametrize("node", brokers.NODES if FULL else brokers.NODES[:1])
async def test_a_broker_is_killed(used: ClusterInUse, node: str) -> None:
    async with used.fault(f"{node} killed"):
        await used.cluster.brokers.kill(node)
        await asyncio.sleep(_OUTAGE_SECONDS)
        await used.cluster.brokers.spawn(node)
        await used.cluster.brokers.ready()


async def test_the_primary_is_killed_and_the_standby_is_promoted(used: ClusterInUse) -> None:
    pair = used.cluster.postgres
    async with used.fault("primary killed, standby promoted at once"):
        await pair.kill(pair.primary)
        await pair.promote()
        await asyncio.sleep(_OUTAGE_SECONDS)
        await pair.add_standby()


async def test_the_primary_stops_answering_and_the_standby_is_promoted(used: ClusterInUse) -> None:
    pair = used.cluster.postgres
    async with used.fault("primary without answer, standby promoted at once"):
        lost = pair.primary
        pair.suspend(lost)
        await pair.promote()
        await asyncio.sleep(_OUTAGE_SECONDS)
        await pair.kill(lost)
        await pair.add_standby()


async def test_the_standby_is_killed(used: ClusterInUse) -> None:
    pair = used.cluster.postgres
    async with used.fault("standby killed; the primary stops to wait for it"):
        await pair.kill(pair.standby)
        await asyncio.sleep(_OUTAGE_SECONDS)
        await pair.wait_for_no_standby(pair.primary)
        await pair.add_standby()


async def test_each_worker_is_killed(used: ClusterInUse) -> None:
    replicas = used.cluster.replicas
    async with used.fault("each worker killed, one after the other"):
        for worker in replicas.of_role(WORKER):
            await replicas.kill(worker)
            await asyncio.sleep(_OUTAGE_SECONDS if FULL else 1)
            await replicas.spawn(worker)
            await replicas.ready(worker)


async def test_each_gateway_is_killed(used: ClusterInUse) -> None:
    replicas = used.cluster.replicas
    async with used.fault("each gateway killed, one after the other"):
        for gateway in replicas.serving("portal-gateway"):
            await replicas.kill(gateway)
            await asyncio.sleep(_OUTAGE_SECONDS)
            await replicas.spawn(gateway)
            await replicas.ready(gateway)


async def test_everything_is_restarted_one_by_one(used: ClusterInUse) -> None:
    pair, kafka = used.cluster.postgres, used.cluster.brokers
    async with used.fault("rolling restart of services, brokers and PostgreSQL"):
        await replace_processes(used)
        for node in brokers.NODES:
            await kafka.children[node].stop()
            await kafka.spawn(node)
            await kafka.ready()
        await pair.children[pair.primary].stop()
        await pair.promote()
        await pair.add_standby()


async def test_topics_are_applied_again_without_a_difference(used: ClusterInUse) -> None:
    applied = await asyncio.gather(*(used.cluster.portalctl("topics", "apply") for _ in range(2)))
    assert [(answer.returncode, answer.stdout) for answer in applied] == [(0, "")] * 2
    differences = await used.cluster.portalctl("topics", "diff")
    assert (differences.returncode, differences.stdout) == (0, "")


@pytest.mark.parametrize(
    ("user", "password", "topic"),
    [
        ("portal-gateway", None, "billing.subscriptions"),
        ("payments", None, "billing.invoicing"),
        ("payments", "wrong", "billing.payments"),
    ],
)
async def test_a_wrong_user_cannot_write(used: ClusterInUse, user: str, password: str | None, topic: str) -> None:
    access = used.cluster.brokers.access(user)
    with pytest.raises(KafkaError):
        await write(replace(access, password=password) if password else access, topic)


async def write(access: KafkaAccess, topic: str) -> None:
    """As a relay does."""
    async with Publisher(access) as publisher:
        await publisher.send([Message(topic, b"key", b"forged")])


async def replace_processes(used: ClusterInUse) -> None:
    """Replace the processes as four independent roll-outs do: one of each service at a time, workers first."""
    replicas = used.cluster.replicas
    for role in (WORKER, HTTP):
        for number in (1, 2):
            together = [replica for replica in replicas.of_role(role) if replica.number == number]
            await asyncio.gather(*map(replicas.replace, together))
