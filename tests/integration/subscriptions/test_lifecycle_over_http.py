"""The life cycle of a subscription, from the merchant's calls to the public events."""

import asyncio
from typing import Any
from uuid import UUID

from integration.subscriptions.conftest import Shop, opened
from integration.subscriptions.stack import Stack


async def test_a_year_of_renewals_by_the_test_clock(shop: Shop) -> None:
    started = await shop.subscribe()
    assert (started["status"], started["aggregate"]) == ("incomplete", f"subscription-{started['id']}")

    rest = await shop.advance("2024-01-20T12:00:00Z")

    assert (rest["at_rest"], rest["running"], rest["to"]) == (True, [], "2024-01-20T12:00:00Z")
    it = await shop.read(started["id"])
    assert it["status"] == "active"
    assert it["current_period"]["start"].startswith("2024-01-14T06:00:0")
    published = await shop.event_names(started["aggregate"])
    assert published == ["SubscriptionStarted", *["SubscriptionRenewalDue", "SubscriptionRenewed"] * 13]


async def test_each_renewal_carries_the_customers_profile_as_it_is_then(shop: Shop) -> None:
    started = await shop.subscribe()
    await shop.http.patch(f"/v1/customers/{shop.ana}", json={"address": "Calle Mayor 1"})
    await shop.advance("2023-03-01T00:00:00Z")
    events = (await shop.http.get(f"/v1/streams/{started['aggregate']}")).json()["events"]
    revisions = [e["data"]["customer_revision"] for e in events if e["type"].endswith("RenewalDue.v1")]
    assert revisions == [1, 2]


async def test_a_start_in_the_past_bills_each_period_since(shop: Shop) -> None:
    started = await shop.subscribe(started_at="2022-10-14T06:00:00Z", quantity=2)
    await shop.advance("2023-01-15T00:00:00Z")
    it = await shop.read(started["id"])
    assert (it["status"], it["quantity"]) == ("active", 2)
    assert it["current_period"]["start"] == "2023-01-14T07:00:00Z", "the wall time of October, when clocks were ahead"
    assert (await shop.event_names(started["aggregate"])).count("SubscriptionRenewed") == 4


async def test_a_declined_card_is_retried_until_the_subscription_ends(shop: Shop) -> None:
    started = await shop.subscribe()
    await shop.advance("2023-02-01T00:00:00Z")
    shop.stack.verdict = lambda *_: "insufficient_funds"

    await shop.advance("2023-02-15T00:00:00Z")
    it = await shop.read(started["id"])
    assert (it["status"], it["debt"]["reason"], it["debt"]["amount"]["amount_minor"]) == ("past_due", "insufficient_funds", 2999)
    assert it["debt"]["next_attempt_at"][:10] == "2023-02-15"
    assert it["debt"]["access_until"][:10] == "2023-02-21"

    await shop.advance("2023-03-30T00:00:00Z")
    assert (await shop.read(started["id"]))["status"] == "canceled"
    published = (await shop.event_names(started["aggregate"]))[3:]
    failed_four_times = ["SubscriptionPastDue", "SubscriptionRetryDue"] * 4
    assert published == ["SubscriptionRenewalDue", *failed_four_times, "SubscriptionCancelled"]


async def test_a_retry_that_is_paid_recovers_it(shop: Shop) -> None:
    started = await shop.subscribe()
    await shop.advance("2023-02-01T00:00:00Z")
    shop.stack.verdict = lambda _, request: "insufficient_funds" if request.TYPE.endswith("RenewalDue.v1") else None
    await shop.advance("2023-02-20T00:00:00Z")
    it = await shop.read(started["id"])
    assert (it["status"], it["debt"]) == ("active", None)
    assert (await shop.event_names(started["aggregate"]))[-1] == "SubscriptionRecovered"


async def test_a_hard_decline_without_a_new_card_ends_by_the_policy(stack: Stack) -> None:
    shop = await opened(stack, policies={"retry_days": [2], "when_retries_end": "unpaid"})
    stack.verdict = lambda *_: "expired_card"
    started = await shop.subscribe()
    await shop.advance("2023-01-15T00:00:00Z")
    it = await shop.read(started["id"])
    assert (it["status"], it["debt"]["next_attempt_at"]) == ("incomplete", None)
    await shop.advance("2023-06-01T00:00:00Z")
    assert (await shop.read(started["id"]))["status"] == "unpaid"
    assert (await shop.event_names(started["aggregate"]))[-1] == "SubscriptionUnpaid"


async def test_a_cancelled_subscription_is_never_charged_again(shop: Shop) -> None:
    started = await shop.subscribe()
    await shop.advance("2023-02-20T00:00:00Z")
    end = "2023-03-14T06:00:0"

    shown = (await shop.http.get(f"/v1/subscriptions/{started['id']}/cancellation/preview")).json()
    assert (shown["mode"], shown["open_amount"], shown["open_invoices"]) == ("at_period_end", None, None)
    answer = await shop.http.post(f"/v1/subscriptions/{started['id']}/cancellation", json={"feedback": "unused"})
    assert answer.status_code == 202
    assert (answer.json()["mode"], answer.json()["version"]) == ("at_period_end", 6)
    assert answer.json()["effective_at"] == shown["effective_at"] == shown["access_until"]
    assert shown["effective_at"].startswith(end)

    await shop.advance("2023-06-01T00:00:00Z")
    it = await shop.read(started["id"])
    assert (it["status"], it["ended_at"]) == ("canceled", shown["effective_at"])
    assert (await shop.event_names(started["aggregate"]))[-2:] == ["SubscriptionCancellationScheduled", "SubscriptionCancelled"]


async def test_a_cancellation_can_be_withdrawn(shop: Shop) -> None:
    started = await shop.subscribe()
    await shop.advance("2023-01-20T00:00:00Z")
    url = f"/v1/subscriptions/{started['id']}/cancellation"
    assert (await shop.http.delete(url)).json()["code"] == "no_cancellation"
    await shop.http.post(url, json={})
    withdrawn = (await shop.http.delete(url)).json()
    assert withdrawn == {"aggregate": started["aggregate"], "version": 5, "effective_at": None, "mode": None}
    await shop.advance("2023-02-20T00:00:00Z")
    assert (await shop.read(started["id"]))["status"] == "active"


async def test_cancelling_while_the_charge_hangs_and_each_way_that_it_ends(shop: Shop) -> None:
    will_fail, will_pay = await shop.subscribe(), await shop.subscribe()
    await shop.advance("2023-02-13T00:00:00Z")
    shop.stack.held = True
    running = await move(shop, "2023-02-14T12:00:00Z")
    for each in (will_fail, will_pay):
        cancelled = await shop.http.post(f"/v1/subscriptions/{each['id']}/cancellation", json={})
        assert cancelled.json()["effective_at"].startswith("2023-03-14T06")
    shop.stack.verdict = lambda id, _: "card_declined" if str(id) == will_fail["id"] else None
    shop.stack.held = False
    await running
    assert (await shop.read(will_fail["id"]))["status"] == "canceled"
    subscription = await shop.read(will_pay["id"])
    assert (subscription["status"], subscription["cancellation"]["mode"]) == ("active", "at_period_end")


async def move(shop: Shop, to: str) -> "asyncio.Task[dict[str, Any]]":
    """The clock on its way; returns once every renewal due by then has been decided."""
    task = asyncio.create_task(shop.advance(to))
    while await shop.stack.pool.fetchval("SELECT count(*) FROM open_sagas WHERE merchant_id = $1", UUID(shop.id)) < 2:
        await asyncio.sleep(0.01)
    return task
