"""`portalctl rebuild` finds and replaces damaged documents while the services run, and continues after an interruption."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from aiokafka import TopicPartition

from chassis.consumers import offsets
from portal_gateway.adapters.storage.view_projector import recompose
from portalctl.demo.backend import Backend
from portalctl.local.folder import Folder
from portalctl.rebuild.command import Outcome, Rebuild, rebuild_views
from portalctl.rebuild.shadow import ShadowComparison
from portalctl.rebuild.targets import VIEWS, target_of
from portalctl.rebuild_cli import finish_upgrade
from portalctl.settings import Settings
from support.http_client import http_client
from support.system_stack import Customer, Shop, Stack, eventually
from verify import topics
from verify.sources import Sources, sources_of

SUBSCRIPTIONS = "portal-gateway.subscription"
GROUP = "portal-gateway.views"
CONFIRM: Callable[[ShadowComparison], bool] = lambda _: True  # noqa: E731
REFUSE: Callable[[ShadowComparison], bool] = lambda _: False  # noqa: E731


class Killed(Exception):
    pass


def sources(stack: Stack) -> Sources:
    return sources_of(stack.state, stack.folder / "none", Settings())


async def rebuild(
    stack: Stack,
    name: str = SUBSCRIPTIONS,
    *,
    confirm: Callable[[ShadowComparison], bool] = CONFIRM,
    progress: Callable[[int, int], None] = lambda _, __: None,
    fence_seconds: float = 0.2,
) -> Outcome:
    work = Rebuild(sources(stack), target_of(name), patience=30, fence_seconds=fence_seconds)
    return await work.run(restart=False, most=1000, confirm=confirm, progress=progress)


@asynccontextmanager
async def gateway(stack: Stack) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(stack.state["postgres"]["portal_gateway"])
    try:
        yield connection
    finally:
        await connection.close()


async def projected(stack: Stack, customer: Customer) -> None:
    """Wait until the page shows the active subscription."""
    async with customer.portal() as visit:
        await visit.sees(lambda overview: [each["status"] for each in overview["subscriptions"]] == ["active"])


async def damage(stack: Stack, customer: Customer) -> None:
    """The customer's subscription is shown as unpaid, on the page too."""
    async with gateway(stack) as connection, connection.transaction():
        changed = await connection.execute(
            "UPDATE projection SET doc = jsonb_set(doc, '{status}', '\"unpaid\"') WHERE name = 'subscription' AND aggregate = $1",
            f"subscription-{customer.subscription}",
        )
        assert changed == "UPDATE 1"
        await recompose(connection, {(UUID(customer.shop.id), UUID(customer.id))})


def about(outcome: Outcome, *customers: Customer) -> dict[str, tuple[str, tuple[str, ...]]]:
    merchants = {customer.shop.id for customer in customers}
    return {
        each.aggregate: (each.what, each.fields) for each in outcome.comparison.differences if str(each.merchant_id) in merchants
    }


async def shown_status(customer: Customer) -> str:
    async with customer.portal() as visit:
        return str((await visit.subscription())["status"])


async def test_damaged_documents_are_reported_and_then_right_on_the_page(stack: Stack, a_shop: Shop) -> None:
    damaged, lost = await a_shop.customer(), await a_shop.customer()
    for customer in (damaged, lost):
        await projected(stack, customer)
    await damage(stack, damaged)
    superfluous = f"subscription-{uuid4()}"
    async with gateway(stack) as connection:
        await connection.execute("DELETE FROM projection WHERE aggregate = $1", f"subscription-{lost.subscription}")
        insert = "INSERT INTO projection (merchant_id, name, aggregate, sequence, doc) VALUES ($1, 'subscription', $2, 1, '{}')"
        await connection.execute(insert, UUID(a_shop.id), superfluous)
    assert await shown_status(damaged) == "unpaid"
    expected = {
        f"subscription-{damaged.subscription}": ("different", ("doc.status",)),
        f"subscription-{lost.subscription}": ("missing", ()),
        superfluous: ("superfluous", ()),
    }

    tried = await asyncio.to_thread(stack.portalctl, "rebuild", SUBSCRIPTIONS, "--dry-run", "--json", "--limit", "1000")
    assert tried.returncode == 1, tried.stderr
    report = json.loads(tried.stdout)
    assert not report["replaced"]
    differences = {each["aggregate"]: (each["what"], tuple(each["fields"])) for each in report["differences"]}
    assert differences.items() >= expected.items()
    assert await shown_status(damaged) == "unpaid"

    outcome = await rebuild(stack)
    assert outcome.switched
    assert about(outcome, damaged) == expected
    assert await shown_status(damaged) == "active"
    assert about(await rebuild(stack, confirm=REFUSE), damaged) == {}


async def test_what_an_upgrade_left_in_an_earlier_form_is_rebuilt(stack: Stack, a_shop: Shop) -> None:
    customer = await a_shop.customer()
    await projected(stack, customer)
    mine, key = "WHERE merchant_id = $1 AND customer_id = $2", (UUID(a_shop.id), UUID(customer.id))
    ready = f"{stack.state.get('admin_urls', stack.urls)['portal-gateway']}/health/ready"
    async with gateway(stack) as connection, http_client() as client:

        async def upgrade() -> None:
            earlier = f"UPDATE customer_view SET doc = (doc::jsonb - 'payment_methods')::json {mine}"
            assert await connection.execute(earlier, *key) == "UPDATE 1"
            await connection.execute("INSERT INTO due_rebuild (projection) VALUES ('view')")
            assert "portalctl rebuild --due" in (await client.get(ready)).json()["degraded"]["documents"]

        async def is_complete() -> bool:
            complete: bool = await connection.fetchval(
                f"SELECT doc::jsonb ? 'payment_methods' AND NOT EXISTS (SELECT FROM due_rebuild) FROM customer_view {mine}", *key
            )
            return complete

        await upgrade()
        ended = await asyncio.to_thread(stack.portalctl, "rebuild", "--due", "--yes", "--json")
        assert ended.returncode == 0, ended.stderr
        assert json.loads(ended.stdout)["projection"] == VIEWS
        assert await is_complete()

        await upgrade()
        await asyncio.to_thread(finish_upgrade, Folder(stack.folder), stack.state)
        assert await is_complete()
        await asyncio.to_thread(finish_upgrade, Folder(stack.folder), stack.state)


async def test_events_that_arrive_meanwhile_are_in_the_rebuilt_projection(stack: Stack, a_shop: Shop) -> None:
    damaged, going = await a_shop.customer(), await a_shop.customer()
    for customer in (damaged, going):
        await projected(stack, customer)
    await damage(stack, damaged)

    async def cancel_and_see() -> None:
        path = f"/v1/subscriptions/{going.subscription}/cancellation"
        async with Backend(stack.urls, a_shop.backend.key) as backend:
            await backend.call("subscriptions", "POST", path, json={}, headers={"idempotency-key": str(uuid4())})
        shown = "SELECT (doc -> 'cancellation' ->> 'mode') IS NOT NULL FROM projection WHERE aggregate = $1"
        async with gateway(stack) as connection:
            await eventually(lambda: connection.fetchval(shown, f"subscription-{going.subscription}"), bool)

    outcome = await rebuild(stack, confirm=lambda _: elsewhere(cancel_and_see()))
    assert outcome.switched
    assert await shown_status(damaged) == "active"
    async with going.portal() as visit:
        await visit.sees(lambda overview: bool(overview["subscriptions"][0]["cancellation"]))
    assert about(await rebuild(stack, confirm=REFUSE), damaged, going) == {}


def elsewhere(work: Coroutine[Any, Any, None]) -> bool:
    """The confirmation is given after the work, in another thread's event loop."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()
    return True


async def test_a_killed_rebuild_continues_where_it_stopped(stack: Stack, a_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    for customer in [await a_shop.customer() for _ in range(2)]:
        await projected(stack, customer)
    monkeypatch.setattr(topics, "_RECORDS_MAX", 2)
    killed_at = 0

    def kill(done: int, total: int) -> None:
        nonlocal killed_at
        if 2 * done >= total:
            killed_at = done
            raise Killed

    with pytest.raises(Killed):
        await rebuild(stack, progress=kill)
    async with gateway(stack) as connection:
        assert await connection.fetchval("SELECT count(*) FROM rebuild_subscription.projection") > 0
    examined = await asyncio.to_thread(stack.portalctl, "doctor", "--json")
    left = [json.loads(line) for line in examined.stdout.splitlines() if "rebuild_subscription" in line]
    assert [each["status"] for each in left] == ["warning"]

    done: list[int] = []
    outcome = await rebuild(stack, progress=lambda now, _: done.append(now), confirm=REFUSE)
    assert done[0] > killed_at
    assert about(outcome, customer) == {}
    async with gateway(stack) as connection:
        assert await connection.fetchval("SELECT count(*) FROM pg_namespace WHERE nspname = 'rebuild_subscription'") == 0


async def test_a_batch_that_loaded_old_documents_cannot_be_committed(stack: Stack, a_shop: Shop) -> None:
    customer = await a_shop.customer()
    await projected(stack, customer)
    async with gateway(stack) as connection:
        places = [TopicPartition("billing.subscriptions", partition) for partition in range(6)]
        loaded = {each: at for each, at in (await offsets.stored(connection, GROUP, places)).items() if at.next > 0}
        await damage(stack, customer)
        switching = asyncio.create_task(rebuild(stack, fence_seconds=5))
        status = "SELECT doc ->> 'status' FROM projection WHERE aggregate = $1"
        key = f"subscription-{customer.subscription}"
        await eventually(lambda: connection.fetchval(status, key), lambda now: now == "active", seconds=60)
        with pytest.raises(offsets.Fenced):
            async with connection.transaction():
                await offsets.move(connection, GROUP, {each: (at, at.next + 1) for each, at in loaded.items()})
        assert (await switching).switched
        after = await offsets.stored(connection, GROUP, places)
    assert all(after[each].next >= at.next for each, at in loaded.items())


async def test_a_damaged_view_is_composed_again(stack: Stack, a_shop: Shop) -> None:
    customer = await a_shop.customer()
    await projected(stack, customer)
    async with gateway(stack) as connection:
        query = "UPDATE customer_view SET doc = '{}' WHERE customer_id = $1 RETURNING revision"
        revision = await connection.fetchval(query, UUID(customer.id))
        outcome = await rebuild_views(sources(stack), target_of(VIEWS), most=1000, confirm=CONFIRM, progress=lambda _, __: None)
        assert f"customer-{customer.id}" in about(outcome, customer)
        now = await connection.fetchval("SELECT revision FROM customer_view WHERE customer_id = $1", UUID(customer.id))
    assert now > revision
    assert await shown_status(customer) == "active"


@pytest.mark.parametrize("name", ["subscriptions.merchant", "payments.subscription", "invoicing.customer"])
async def test_other_services_projections_are_rebuilt_too(stack: Stack, a_shop: Shop, name: str) -> None:
    customer = await a_shop.customer()
    target = target_of(name)
    connection = await asyncpg.connect(stack.state["postgres"][target.database])
    try:
        count = "SELECT count(*) FROM projection WHERE name = $1 AND merchant_id = $2"
        await eventually(lambda: connection.fetchval(count, target.projection, UUID(a_shop.id)), bool)
        spoil = "UPDATE projection SET doc = doc || '{\"odd\": 1}' WHERE name = $1 AND merchant_id = $2"
        assert await connection.execute(spoil, target.projection, UUID(a_shop.id)) != "UPDATE 0"
        outcome = await rebuild(stack, name)
        assert outcome.switched
        assert set(about(outcome, customer).values()) == {("different", ("doc.odd",))}
        odd = "SELECT count(*) FROM projection WHERE doc ? 'odd' AND merchant_id = $1"
        assert await connection.fetchval(odd, UUID(a_shop.id)) == 0
    finally:
        await connection.close()
