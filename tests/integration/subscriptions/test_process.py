"""The service in a separate process, with a real database and a real Kafka."""

import asyncio
import hashlib
import json
import os
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from httpx import AsyncClient, TransportError
from integration.subscriptions.conftest import ANA, PREMIUM, TECHSOLUTIONS
from integration.subscriptions.stack import GATEWAY, OWN, outcome, paid, subscription_of

from billing_contracts.envelope import Envelope
from billing_contracts.money import Money
from billing_contracts.registry import data_of
from billing_contracts.subscriptions import SubscriptionRenewalDue
from chassis.kafka_access import KafkaAccess
from portalctl import topics
from support.databases import ServiceDatabase
from support.ports import free_port
from support.processes import exit_code, process, python
from support.service import OPERATOR


def environment(database: ServiceDatabase, kafka: str, port: int) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": database.url,
        "DATABASE_OWNER_URL": database.owner_url,
        "KAFKA_BOOTSTRAP_SERVERS": kafka,
        "HTTP_PORT": str(port),
        "ADMIN_PORT": str(free_port()),
        "ENVIRONMENT": "local",
        "SERVICE_PRIVATE_KEY": json.dumps(OWN.as_dict(private=True)),
        "SERVICE_PUBLIC_KEYS": json.dumps({"keys": [key.as_dict(private=False) for key in (GATEWAY, OWN)]}),
        "OPERATOR_KEY_SHA256": hashlib.sha256(OPERATOR.encode()).hexdigest(),
        "CURSOR_KEY": "a cursor key that is used in tests only",
        "TENANTS_SERVICE": "subscriptions",
        "TENANTS_URL": "http://127.0.0.1:1",
    }


@asynccontextmanager
async def served(settings: dict[str, str]) -> AsyncIterator[tuple[Process, AsyncClient]]:
    async with (
        process(*python("-m", "subscriptions"), env=settings) as running,
        AsyncClient(base_url=f"http://127.0.0.1:{settings['HTTP_PORT']}", trust_env=False) as http,
    ):
        async with asyncio.timeout(60):
            while not await ready(http, settings["ADMIN_PORT"]):
                assert running.returncode is None, "the service ended"
                await asyncio.sleep(0.1)
        yield running, http


async def ready(http: AsyncClient, admin_port: str) -> bool:
    try:
        return (await http.get(f"http://127.0.0.1:{admin_port}/health/ready")).status_code == 200
    except TransportError:
        return False


async def heard(consumer: AIOKafkaConsumer, merchant_id: str, name: str) -> Envelope:
    """The first event of this name that the merchant's aggregates announce from here on."""
    async with asyncio.timeout(60):
        async for record in consumer:
            if record.value is None or not record.key.decode().startswith(merchant_id):
                continue
            envelope = Envelope.model_validate_json(record.value)
            if envelope.type.split(".")[2] == name:
                return envelope
    raise AssertionError("unreachable")


async def test_a_click_reaches_kafka_and_events_from_kafka_reach_the_subscription(
    database: ServiceDatabase, kafka_bootstrap: str
) -> None:
    await topics.apply(KafkaAccess(kafka_bootstrap))
    settings = environment(database, kafka_bootstrap, free_port())
    assert await exit_code(*python("-m", "subscriptions", "migrate"), env=settings) == 0
    names = ("billing.subscriptions", "billing.customers")
    consumer = AIOKafkaConsumer(*names, bootstrap_servers=kafka_bootstrap, auto_offset_reset="earliest")
    producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap)
    async with served(settings) as (running, http), consumer, producer:
        operator = {"authorization": f"Bearer {OPERATOR}"}
        merchant = (await http.post("/v1/merchants", json=TECHSOLUTIONS, headers=operator)).json()
        http.headers["authorization"] = f"Bearer {merchant['api_key']}"
        plan = (await http.post("/v1/plans", json=PREMIUM)).json()["id"]
        ana = (await http.post("/v1/customers", json=ANA)).json()["id"]
        body: dict[str, Any] = {"customer_id": ana, "plan_id": plan}
        started = (await http.post("/v1/subscriptions", json=body)).json()

        due = await heard(consumer, merchant["id"], "SubscriptionRenewalDue")
        assert (due.subject, str(due.customerid), due.sequence) == (started["aggregate"], ana, 2)
        period = data_of(due)
        assert isinstance(period, SubscriptionRenewalDue)
        answer = outcome(due, paid(subscription_of(due), period.period, Money(amount_minor=2999, currency="USD"), due.time))
        await producer.send_and_wait(answer.topic, answer.value, answer.key)
        renewed = await heard(consumer, merchant["id"], "SubscriptionRenewed")
        assert (renewed.sequence, renewed.correlationid) == (3, Envelope.model_validate_json(answer.value or b"").correlationid)
        assert (await http.get(f"/v1/subscriptions/{started['id']}")).json()["status"] == "active"

        running.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(running.wait(), 15) == 0
