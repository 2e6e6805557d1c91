"""One click is one trace: the request's span, the event's header on Kafka, and the reaction's span."""

import asyncio
from uuid import UUID, uuid4

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer
from httpx import ASGITransport, AsyncClient
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, format_span_id, format_trace_id

from billing_contracts.envelope import EventData
from chassis.consumers import run_consumers
from chassis.consumers.consumer import Consumer
from chassis.consumers.unit_of_work import UnitOfWork
from chassis.decoding import Received
from chassis.event_store.postgres_store import PostgresEventStore
from chassis.eventsourcing.command_handler import CommandHandler
from chassis.http.app import create_app
from chassis.kafka_access import KafkaAccess
from chassis.outbox.relay import Relay
from support.consumer_events import make_topic
from support.databases import ServiceDatabase
from support.lamps import CONTEXT, LAMP, NOON, LampSwitched, SwitchOn
from support.spans import new_exporter
from support.system_stack import eventually

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture(scope="session")
def exporter() -> InMemorySpanExporter:
    return new_exporter()


@pytest.fixture
async def topics(kafka_bootstrap: str) -> str:
    await make_topic(kafka_bootstrap, "billing.lamps")
    await make_topic(kafka_bootstrap, "billing.watermarks", 1)
    return kafka_bootstrap


async def test_a_request_its_event_and_its_reaction_share_a_trace(
    exporter: InMemorySpanExporter,
    postgres_store: PostgresEventStore,
    pool: asyncpg.Pool,
    service: ServiceDatabase,
    topics: str,
) -> None:
    lamp = uuid4()
    handler = CommandHandler(postgres_store, LAMP)
    app = create_app("lamps", service="lamps")
    reacted: list[UUID] = []

    @app.post("/lamps/{id}")
    async def switch(id: UUID) -> None:
        await handler.handle(CONTEXT, id, SwitchOn(NOON))

    async def react(received: Received[EventData], _: UnitOfWork) -> None:
        reacted.append(UUID(received.envelope.subject.removeprefix("lamp-")))

    consumer = Consumer(
        f"traces.{lamp}", ("billing.lamps",), lambda event: LampSwitched.model_validate(event.data), {LampSwitched.TYPE: react}
    )
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(Relay("lamps", service.url, KafkaAccess(topics)).run(stop))
        reading = run_consumers([consumer], service="lamps", pool=pool, kafka=KafkaAccess(topics), instance="0", stop=stop)
        tasks.create_task(reading)
        async with AsyncClient(transport=ASGITransport(app), base_url="http://lamps") as client:
            clicked = {"traceparent": f"00-{TRACE_ID}-b7ad6b7169203331-01"}
            assert (await client.post(f"/lamps/{lamp}", headers=clicked)).status_code == 200

        async def has_reacted() -> bool:
            return lamp in reacted

        await eventually(has_reacted, bool)
        carried = await traceparent_of(topics, lamp)
        stop.set()

    spans = [
        span for span in exporter.get_finished_spans() if span.context and format_trace_id(span.context.trace_id) == TRACE_ID
    ]
    [request] = [span for span in spans if span.kind == SpanKind.SERVER]
    [reaction] = [span for span in spans if span.name == f"traces.{lamp} {LampSwitched.TYPE}"]
    assert request.context
    assert request.parent
    assert format_span_id(request.parent.span_id) == "b7ad6b7169203331"
    assert carried.split("-")[1:3] == [TRACE_ID, format_span_id(request.context.span_id)]
    assert reaction.parent
    assert reaction.parent.span_id == request.context.span_id


async def traceparent_of(bootstrap: str, lamp: UUID) -> str:
    consumer = AIOKafkaConsumer("billing.lamps", bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        async with asyncio.timeout(20):
            async for record in consumer:
                if str(lamp).encode() in (record.key or b""):
                    return str(dict(record.headers)["traceparent"], "ascii")
    finally:
        await consumer.stop()
    raise AssertionError("unreachable")
