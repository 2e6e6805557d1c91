"""Every Kafka client of services and portalctl reaches a broker with TLS and authentication."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest
import trustme
from typer.testing import CliRunner

from billing_contracts.envelope import EventData
from chassis.consumers import run_consumers
from chassis.consumers.consumer import Consumer
from chassis.consumers.unit_of_work import UnitOfWork
from chassis.decoding import Received
from chassis.event_store.postgres_store import PostgresEventStore
from chassis.eventsourcing.command_handler import CommandHandler
from chassis.kafka_access import KafkaAccess
from chassis.outbox.relay import Relay
from chassis.runtime.health import Health
from chassis.service.kafka_settings import kafka_variables
from portalctl import topics
from portalctl.cli import app
from portalctl.doctor.brokers import check_topics
from portalctl.events.tail import EVENT_TOPICS, Filter, tail
from portalctl.local.errors import StackError
from support.consumer_events import make_topic
from support.databases import ServiceDatabase, fresh_database
from support.lamps import CONTEXT, LAMP, NOON, LampSwitched, SwitchOn
from support.ports import free_port
from support.running_service import set_password, with_files, with_password
from support.secure_kafka import SECOND_PASSWORD, SECOND_USER, SecureKafka, secure_kafka
from verify.spool import Spool
from verify.topics import read_all, reading

ACCESSES = ("SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN", "certificate")


@pytest.fixture(scope="module")
async def kafka() -> AsyncIterator[SecureKafka]:
    async with secure_kafka() as server:
        await topics.apply(server.with_password)
        await make_topic(server.server.bootstrap_servers, "billing.lamps")
        yield server


@pytest.mark.parametrize("name", ACCESSES)
async def test_an_event_is_relayed_and_consumed(
    kafka: SecureKafka, postgres_store: PostgresEventStore, pool: asyncpg.Pool, service: ServiceDatabase, name: str
) -> None:
    """The first bootstrap server does not answer."""
    lamp, arrived = uuid4(), asyncio.Event()
    known = kafka.accesses[name]
    access = replace(known, servers=f"127.0.0.1:{free_port()},{known.servers}")

    async def react(received: Received[EventData], _: UnitOfWork) -> None:
        if UUID(received.envelope.subject.removeprefix("lamp-")) == lamp:
            arrived.set()

    consumer = Consumer(
        f"access.{lamp}", ("billing.lamps",), lambda event: LampSwitched.model_validate(event.data), {LampSwitched.TYPE: react}
    )
    await CommandHandler(postgres_store, LAMP).handle(CONTEXT, lamp, SwitchOn(NOON))
    stop, health = asyncio.Event(), Health()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(Relay("lamps", service.url, access).run(stop))
        consuming = run_consumers([consumer], service="lamps", pool=pool, kafka=access, instance="0", stop=stop, health=health)
        tasks.create_task(consuming)
        async with asyncio.timeout(30):
            await arrived.wait()
        stop.set()


@pytest.mark.parametrize("name", ACCESSES)
async def test_topics_are_compared_and_read(kafka: SecureKafka, name: str) -> None:
    access = kafka.accesses[name]
    assert await topics.diff(access) == []
    async with reading(access) as consumer:
        with closing(Spool()) as spool:
            await read_all(consumer, access, {}, spool)
            assert spool.undecodable == []
    assert {result.status for result in await check_topics(access)} == {"ok"}
    since = datetime(2000, 1, 1, tzinfo=UTC)
    assert [line async for line in tail(access, EVENT_TOPICS, Filter(), since, limit=10, follow=False)] == []


@pytest.fixture(scope="module")
def strangers(kafka: SecureKafka, tmp_path_factory: pytest.TempPathFactory) -> dict[str, KafkaAccess]:
    """Accesses that are not accepted, or that do not accept the broker."""
    folder, authority = tmp_path_factory.mktemp("strangers"), trustme.CA()
    ca, own = folder / "ca.pem", folder / "own.pem"
    authority.cert_pem.write_to_path(str(ca))
    authority.issue_cert("portal.clients").private_key_and_cert_chain_pem.write_to_path(str(own))
    return {
        "wrong password": replace(kafka.with_password, password="another"),
        "unknown user": replace(kafka.with_password, username="stranger"),
        "broker of another authority": replace(kafka.with_password, ca_file=ca),
        "certificate of another authority": replace(kafka.with_certificate, certificate_file=own, key_file=None),
        "without a certificate": replace(kafka.with_certificate, certificate_file=None, key_file=None),
        "without TLS": KafkaAccess(kafka.with_password.servers),
    }


STRANGERS = {
    "wrong password": "Authentication failed",
    "unknown user": "Authentication failed",
    "broker of another authority": "CERTIFICATE_VERIFY_FAILED",
    "certificate of another authority": "",
    "without a certificate": "",
    "without TLS": "",
}
"""With a part of the reason, if the client learns one: a broker may close the connection without any."""


@pytest.mark.parametrize(("name", "reason"), STRANGERS.items())
async def test_a_stranger_is_refused_and_portalctl_says_so(
    strangers: dict[str, KafkaAccess], tmp_path: Path, name: str, reason: str
) -> None:
    access = strangers[name]
    with pytest.raises(StackError):
        await topics.diff(access)
    with pytest.raises(StackError):
        async with reading(access):
            pass
    settings = {**kafka_variables(access), "PORTAL_DEADLINE_SECONDS": "60"}
    followed = ["--folder", str(tmp_path), "events", "tail"]
    tailed = await asyncio.to_thread(CliRunner().invoke, app, followed, env=settings)
    assert (tailed.exit_code, tailed.stderr.startswith("portalctl: Kafka cannot be reached at ")) == (1, True)
    command = ["--folder", str(tmp_path), "topics", "diff"]
    ended = await asyncio.to_thread(CliRunner().invoke, app, command, env=settings)
    assert ended.exit_code == 1
    assert ended.stderr.startswith(f"portalctl: Kafka cannot be reached at {access.servers} with {access.protocol}: ")
    assert reason in ended.stderr
    assert not access.password or access.password not in ended.stderr


async def test_a_running_service_uses_changed_credentials_once_they_work(
    kafka: SecureKafka, postgres_url: str, tmp_path: Path
) -> None:
    """No request fails meanwhile."""
    async with (
        fresh_database(postgres_url, "subscriptions") as database,
        with_files(database, kafka.with_password, tmp_path) as service,
    ):
        service.write(DATABASE_URL=with_password(database.url, "a wrong one"))
        refused = await service.until_logged("settings.not_reloaded", 1)
        assert refused["problems"][0].startswith("DATABASE_URL cannot be used: InvalidPasswordError")
        assert "a wrong one" not in str(refused)

        service.write(DATABASE_URL=await set_password(database, "the new one"))
        assert (await service.until_logged("settings.reloaded", 1))["changed"] == ["database_url"]
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(database.url)
        await service.until_logged("relay.started", 2)

        service.write(KAFKA_PASSWORD="a wrong one")
        refused = await service.until_logged("settings.not_reloaded", 2)
        assert refused["problems"][0].startswith("KAFKA_PASSWORD cannot be used: ")

        service.write(KAFKA_USERNAME=SECOND_USER, KAFKA_PASSWORD=SECOND_PASSWORD)
        service.send(signal.SIGHUP)
        await service.until_logged("settings.reloaded", 2)
        await service.until_logged("relay.started", 3)
        await service.until_sent(len(service.statuses) + 1)
        assert set(service.statuses) == {201}
        service.send(signal.SIGTERM)
        await service.until_logged("service.stopped", 1)
