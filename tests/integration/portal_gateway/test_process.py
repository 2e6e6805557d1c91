"""The gateway as a process: migrated, fed by Kafka, with an open stream, and stopped."""

import asyncio
import json
import os
import signal
from uuid import uuid4

import httpx

from billing_contracts.envelope import EventData
from billing_contracts.registry import TOPICS
from chassis.kafka_access import KafkaAccess
from portalctl import topics
from support.consumer_events import producer, publish, until
from support.databases import ServiceDatabase
from support.http_client import http_client
from support.portal_gateway import story
from support.portal_gateway.gateway import Gateway, Merchant, enter, record, settings
from support.ports import free_port
from support.processes import exit_code, process, python

SECRETS = ("database_url", "service_private_key", "cursor_key", "link_pepper")


def environment(database: ServiceDatabase, kafka: str, port: int) -> dict[str, str]:
    gateway_settings = settings(database, f"http://127.0.0.1:{port}", "http://127.0.0.1:1")
    plain = gateway_settings.model_dump(mode="json", exclude_none=True, exclude=set(SECRETS))
    variables = {name.upper(): str(value) for name, value in plain.items()}
    variables |= {name.upper(): getattr(gateway_settings, name).get_secret_value() for name in SECRETS}
    variables["ADMIN_PORT"] = str(free_port())
    return os.environ | variables | {"KAFKA_BOOTSTRAP_SERVERS": kafka, "DATABASE_OWNER_URL": database.owner_url}


async def test_events_reach_an_open_page_and_streams_end_before_the_process(
    gateway: Gateway, database: ServiceDatabase, kafka_bootstrap: str
) -> None:
    await topics.apply(KafkaAccess(kafka_bootstrap), TOPICS)
    port = free_port()
    env = environment(database, kafka_bootstrap, port)
    assert await exit_code(*python("-m", "portal_gateway", "migrate"), env=env) == 0

    # announced in the names of another gateway's merchant, so that its envelopes need not be made twice
    merchant = Merchant(gateway, uuid4())
    own_url = f"http://127.0.0.1:{port}"
    browser = http_client(base_url=own_url, headers={"origin": own_url}, timeout=20)
    async with process(*python("-m", "portal_gateway"), env=env) as running, producer(kafka_bootstrap) as kafka, browser:

        async def tell(*events: EventData) -> None:
            for event in events:
                message = record(merchant.envelope(event))
                await publish(kafka, message.topic, [message])

        async def ready() -> bool:
            try:
                return (await browser.get(f"http://127.0.0.1:{env['ADMIN_PORT']}/health/ready")).status_code == 200
            except httpx.TransportError:
                return False

        about = f"merchant-{merchant.id}"
        configured = record(merchant.envelope(merchant.data(), about, customer=None))
        await publish(kafka, configured.topic, [configured])
        await tell(story.profile(), story.started())
        await until(ready, 60)

        key = {"authorization": f"Bearer {merchant.api_key}"}
        response = await browser.post("/v1/portal-links", json={"customer_id": str(story.ANA)}, headers=key)
        assert response.status_code == 201, response.text
        await enter(browser, response.json()["url"])
        assert len((await browser.get("/api/overview")).json()["subscriptions"]) == 1

        async with browser.stream("GET", "/api/stream") as stream:
            lines = stream.aiter_lines()
            await tell(story.issued(5))
            async with asyncio.timeout(60):
                line_of_panes = await anext(line async for line in lines if "panes" in line)
            assert json.loads(line_of_panes.removeprefix("data: "))["panes"] == ["invoices"]
            running.send_signal(signal.SIGTERM)
            async with asyncio.timeout(60):
                assert [line async for line in lines if line] == []
                assert await running.wait() == 0
