"""Repeated, reordered, unknown and undecodable records on the topics of a running system: nothing is lost or repeated, and
doubtful data is shown as stale."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient

from billing_contracts.envelope import Envelope, record_key
from billing_contracts.registry import TOPICS
from chassis.decoding import Record
from chassis.kafka_access import KafkaAccess
from portalctl import topics
from support.any_records import send_raw
from support.consumer_events import producer, publish, record
from support.server_folders import server_folder
from support.system_stack import CARDS, Customer, Json, Shop, Stack, eventually, running, shop

FEBRUARY, MARCH = datetime(2024, 2, 10, 16, tzinfo=UTC), datetime(2024, 3, 10, 16, tzinfo=UTC)
OF_EVENTS = ("billing.subscriptions", "billing.payments", "billing.invoicing")


@pytest.fixture(scope="module")
async def own_stack() -> AsyncIterator[Stack]:
    """A stack for this module alone, because its topics get records without a history."""
    with server_folder() as folder:
        async with running(folder / "portal") as stack:
            yield stack


@pytest.fixture
async def own_shop(own_stack: Stack) -> AsyncIterator[Shop]:
    async with shop(own_stack) as own_shop:
        yield own_shop


async def send(stack: Stack, topic: str, records: Sequence[Record | Envelope]) -> None:
    async with producer(stack.state["kafka"]["bootstrap_servers"]) as kafka:
        await publish(kafka, topic, records)


async def history(customer: Customer, topic: str) -> list[Envelope]:
    """The customer's public events on the topic, from the owner's store."""
    connection = await asyncpg.connect(customer.shop.stack.state["postgres"][topic.removeprefix("billing.")])
    try:
        sql = "SELECT value FROM events WHERE merchant_id = $1 AND topic = $2 ORDER BY position"
        rows = await connection.fetch(sql, UUID(customer.shop.id), topic)
    finally:
        await connection.close()
    events = [Envelope.model_validate_json(row["value"]) for row in rows]
    return [event for event in events if event.customerid == UUID(customer.id)]


async def ignored_events(stack: Stack, service: str) -> float:
    """The number of events of unknown types that the service has ignored."""
    text = (await stack.admin_get(service, "/metrics")).text
    lines = [line for line in text.splitlines() if line.startswith("consumer_unknown_types_total{")]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


async def quarantined_records(stack: Stack, merchant_id: str) -> dict[str, int]:
    """The number of the merchant's quarantined records, by service."""
    counts = {}
    for name, url in stack.state["postgres"].items():
        connection = await asyncpg.connect(url)
        try:
            sql = "SELECT count(*) FROM quarantine WHERE position($1::bytea IN key) = 1 AND state = 'kept'"
            counts[name] = await connection.fetchval(sql, f"{merchant_id}/".encode())
        finally:
            await connection.close()
    return counts


async def wait_until_read(stack: Stack) -> None:
    """Wait until every service has read its topics to the end."""

    async def behind() -> float:
        lag = 0.0
        for service in ("subscriptions", "payments", "invoicing", "portal-gateway"):
            text = (await stack.admin_get(service, "/metrics")).text
            lag += sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith("consumer_lag_records{"))
        return lag

    await asyncio.sleep(1)
    await eventually(behind, lambda lag: lag == 0)


async def wait_until_paid(customer: Customer) -> None:
    """Wait until the first period is paid and the page shows it."""

    def knows(page: Json) -> bool:
        paid = [row["status"] for row in page["invoices"]["items"]] == ["paid"]
        return paid and page["payment_method"] and [each["status"] for each in page["subscriptions"]] == ["active"]

    async with customer.portal() as visit:
        await visit.sees(knows)


async def test_events_sent_again_in_reverse_order_change_nothing(own_shop: Shop) -> None:
    lucia = await own_shop.customer()
    await wait_until_paid(lucia)
    async with lucia.portal() as visit:
        await visit.sees(lambda page: not page["stale"])  # shortly after the start the view is stale
        before = await visit.overview()
        for topic in OF_EVENTS:
            events = await history(lucia, topic)
            assert events
            await send(own_shop.stack, topic, [*reversed(events), *events, *events])
        await wait_until_read(own_shop.stack)
        after = await visit.overview()
        assert {**after, "as_of": None} == {**before, "as_of": None}
        assert len(await lucia.charges()) == len(await lucia.invoices()) == 1
        assert (await visit.change_card(CARDS["mastercard"])).status_code == 200
        await own_shop.clock(FEBRUARY)
        await visit.sees(lambda page: [row["status"] for row in page["invoices"]["items"]] == ["paid", "paid"])
    assert len(await lucia.charges()) == len(await lucia.invoices()) == 2
    assert set((await quarantined_records(own_shop.stack, own_shop.id)).values()) == {0}


async def test_undecodable_records_are_quarantined_and_their_subscription_is_stale(own_shop: Shop) -> None:
    lucia, marta = await own_shop.customer(), await own_shop.customer()
    await wait_until_paid(lucia)
    await wait_until_paid(marta)
    key = record_key(UUID(own_shop.id), f"subscription-{lucia.subscription}")
    genuine = record((await history(lucia, "billing.subscriptions"))[-1])
    assert genuine.value is not None
    await send(
        own_shop.stack,
        "billing.subscriptions",
        [
            Record("", 0, 0, key, b"\xff\xfe no text"),
            Record("", 0, 0, key, b'{"id": "half'),
            Record("", 0, 0, key, None),
            replace(genuine, value=genuine.value.replace(b'"sequence"', b'"sequins"')),
        ],
    )
    async with lucia.portal() as hers, marta.portal() as others:
        await hers.sees(lambda page: page["stale"])
        assert (await hers.overview())["subscriptions"][0]["status"] == "active"
        await others.sees(lambda page: not page["stale"])
        assert (await hers.overview())["stale"]
        assert (await others.cancel()).status_code == 202
        await others.sees(lambda page: page["subscriptions"][0]["cancellation"] is not None)

        async def count() -> dict[str, int]:
            return await quarantined_records(own_shop.stack, own_shop.id)

        readers = {"subscriptions": 0, "payments": 4, "invoicing": 4, "portal_gateway": 4}
        await eventually(count, lambda counts: counts == readers)
        assert (await hers.cancel()).status_code == 202
        await hers.sees(lambda page: page["subscriptions"][0]["cancellation"] is not None and not page["stale"])


ODD_HEADERS: list[tuple[str, bytes | None]] = [("traceparent", None), ("a\0b", b"\xff"), ("\udcff", b""), ("", b"")]


async def test_no_record_stops_a_service_and_operators_resolve_the_quarantine(own_shop: Shop) -> None:
    stack, bootstrap = own_shop.stack, own_shop.stack.state["kafka"]["bootstrap_servers"]

    async def quarantined() -> list[list[str]]:
        listing = await asyncio.to_thread(stack.portalctl, "quarantine", "list", "payments")
        assert listing.returncode == 0, listing.stderr
        return [line.split("\t") for line in listing.stdout.splitlines()]

    lucia = await own_shop.customer()
    await wait_until_paid(lucia)
    of_other_tests = {row[0] for row in await quarantined()}
    for topic in (*OF_EVENTS, "billing.customers"):
        for partition in range(TOPICS[topic].partitions):
            odd = [Record("", 0, 0, key, b"\0 \xff", ODD_HEADERS) for key in (b"\xff\0", b"", b"/", b"x" * 5000)]
            if TOPICS[topic].config["cleanup.policy"] == "delete":
                odd.append(Record("", 0, 0, None, None, ODD_HEADERS))
            await send_raw(bootstrap, topic, partition, odd)
    await wait_until_read(stack)
    await stack.ready()
    async with lucia.portal() as visit:
        assert (await visit.change_card(CARDS["mastercard"])).status_code == 200
        await own_shop.clock(FEBRUARY)
        await visit.sees(lambda page: [row["status"] for row in page["invoices"]["items"]] == ["paid", "paid"])
    judged = await asyncio.to_thread(stack.portalctl, "verify")
    assert judged.returncode == 0, judged.stdout + judged.stderr

    id, state, group, place, *_ = next(row for row in await quarantined() if row[0] not in of_other_tests)
    assert (state, group) == ("kept", "payments.collection")
    shown = await asyncio.to_thread(stack.portalctl, "quarantine", "show", "payments", id)
    assert all(each in shown.stdout for each in (place, r"b'\x00 \xff'", r"'\udcff' b''"))
    as_object = json.loads((await asyncio.to_thread(stack.portalctl, "quarantine", "show", "payments", id, "--json")).stdout)
    assert (as_object["id"], as_object["group"], base64.b64decode(as_object["value"])) == (int(id), group, b"\0 \xff")
    for action in ("discard", "retry"):
        unconfirmed = await asyncio.to_thread(stack.portalctl, "quarantine", action, "payments", id)
        assert unconfirmed.returncode == 1, unconfirmed.stdout
    assert id in [row[0] for row in await quarantined()], "nothing was changed without a confirmation"
    given_up = await asyncio.to_thread(stack.portalctl, "quarantine", "discard", "payments", id, "--yes", "--json")
    assert json.loads(given_up.stdout) == {"action": "discard", "service": "payments", "id": int(id)}, given_up.stderr
    await eventually(quarantined, lambda left: id not in [row[0] for row in left])
    topic, _, at = place.rpartition("/")
    skipped = await asyncio.to_thread(stack.portalctl, "quarantine", "skip", "payments", topic, *at.split("@"), "--yes")
    assert skipped.returncode == 1
    assert "yet" in skipped.stderr or "stands at offset" in skipped.stderr


async def test_an_unknown_event_type_is_ignored_and_counted(own_shop: Shop) -> None:
    lucia = await own_shop.customer()
    await wait_until_paid(lucia)
    [first, *_] = await history(lucia, "billing.subscriptions")
    readers = ("payments", "invoicing", "portal-gateway")
    counts = [await ignored_events(own_shop.stack, service) for service in readers]
    news = {"id": uuid4(), "type": "billing.subscriptions.SubscriptionDreamt.v1", "subject": f"subscription-{uuid4()}"}
    async with lucia.portal() as visit:
        await visit.sees(lambda page: not page["stale"])
        before = await visit.overview()
        await send(own_shop.stack, "billing.subscriptions", [first.model_copy(update={**news, "data": {"of": "sheep"}})])
        await wait_until_read(own_shop.stack)
        assert {**await visit.overview(), "as_of": None} == {**before, "as_of": None}
    assert [await ignored_events(own_shop.stack, service) for service in readers] == [count + 1 for count in counts]
    assert set((await quarantined_records(own_shop.stack, own_shop.id)).values()) == {0}


async def test_early_events_wait_for_their_predecessor_and_act_once(own_shop: Shop) -> None:
    lucia = await own_shop.customer()
    await wait_until_paid(lucia)
    events = await history(lucia, "billing.subscriptions")
    second = uuid4()
    started, due, renewed = (
        event.model_copy(update={"id": uuid4(), "subject": f"subscription-{second}"}) for event in events[:3]
    )

    def hers(page: Json) -> Json:
        return next((each for each in page["subscriptions"] if each["id"] == str(second)), {})

    async with lucia.portal() as visit:
        await send(own_shop.stack, "billing.subscriptions", [renewed, started, renewed, started])
        page = await visit.sees(lambda page: page["stale"] and bool(hers(page)))
        assert hers(page)["status"] == "incomplete"
        await send(own_shop.stack, "billing.subscriptions", [due, started, due, renewed])
        page = await visit.sees(lambda page: not page["stale"] and hers(page)["status"] == "active")
        await visit.sees(lambda page: [row["status"] for row in page["invoices"]["items"]] == ["paid", "paid"])
        await wait_until_read(own_shop.stack)
    assert len(await lucia.charges()) == len(await lucia.invoices()) == 2


async def test_a_recreated_topic_is_read_from_its_beginning(own_shop: Shop) -> None:
    lucia = await own_shop.customer()
    await wait_until_paid(lucia)
    stack = own_shop.stack
    bootstrap = stack.state["kafka"]["bootstrap_servers"]
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.delete_topics(["billing.invoicing"])
    finally:
        await admin.close()

    async def topic_recreated() -> bool:
        try:
            await topics.apply(KafkaAccess(bootstrap), {"billing.invoicing": TOPICS["billing.invoicing"]})
        except Exception:
            return False
        return True

    await eventually(topic_recreated, bool)
    async with lucia.portal() as visit:
        for month, invoices in ((FEBRUARY, 2), (MARCH, 3)):
            await own_shop.clock(month)
            await visit.sees(lambda page: [row["status"] for row in page["invoices"]["items"]] == ["paid"] * invoices, 60)  # noqa: B023
    assert len(await lucia.charges()) == len(await lucia.invoices()) == 3
    assert [row["total"]["amount_minor"] for row in await lucia.invoices()] == [2999] * 3
