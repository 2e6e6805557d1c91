"""During a Kafka outage the portal shows its last view with its age, and cancelling works."""

import signal

from billing_contracts.subscriptions import SubscriptionCancellationScheduled
from support.system_stack import Shop


async def test_a_cancellation_is_accepted_shown_as_pending_and_delivered(a_shop: Shop) -> None:
    lucia = await a_shop.customer()
    stack = a_shop.stack
    async with lucia.portal() as visit:
        await visit.sees(lambda page: page["subscriptions"][0]["status"] == "active" and not page["stale"])
        stack.signal("kafka", signal.SIGSTOP)
        try:
            page = await visit.sees(lambda page: page["stale"], seconds=30)
            assert page["subscriptions"][0]["status"] == "active"
            answer = await visit.cancel(feedback="unused")
            assert answer.status_code == 202, answer.text
            page = await visit.overview()
            assert page["subscriptions"][0]["cancellation"] is None
            assert [waiting["aggregate"] for waiting in page["pending"]] == [f"subscription-{lucia.subscription}"]
            shown = await visit.browser.get("/")
            assert shown.status_code == 200
            assert 'data-status="pending"' in shown.text
        finally:
            stack.signal("kafka", signal.SIGCONT)
        page = await visit.sees(lambda page: page["subscriptions"][0]["cancellation"] is not None, seconds=60)
        assert page["pending"] == []
        await visit.sees(lambda page: not page["stale"], seconds=60)
    types = [event.type for event in await stack.public_events("billing.subscriptions", lucia.id)]
    assert types.count(SubscriptionCancellationScheduled.TYPE) == 1


async def test_a_command_to_a_stopped_service_fails_and_changes_nothing(a_shop: Shop) -> None:
    lucia = await a_shop.customer()
    stack = a_shop.stack
    async with lucia.portal() as visit:
        await visit.sees(lambda page: page["subscriptions"][0]["status"] == "active")
        stack.signal("payments", signal.SIGKILL)
        setup = await visit.browser.post("/api/payment-method/setup")
        if setup.status_code != 201:
            refusal = setup.status_code, setup.json()["code"]
            assert refusal in {(503, "service_unavailable"), (504, "outcome_unknown")}, "as it had not, or had, got the request"
        assert (await visit.browser.get("/")).status_code == 200
        await stack.ready()
        assert (await visit.browser.post("/api/payment-method/setup")).status_code == 201
