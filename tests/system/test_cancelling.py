"""A cancellation is shown immediately, published when it takes effect, and nothing is charged afterwards."""

from datetime import UTC, datetime

from billing_contracts.registry import data_of
from billing_contracts.subscriptions import SubscriptionCancelled
from support.system_stack import Shop

FEBRUARY, MAY = datetime(2024, 2, 10, 16, tzinfo=UTC), datetime(2024, 5, 20, tzinfo=UTC)


async def test_nothing_is_charged_after_a_cancellation_takes_effect(a_shop: Shop) -> None:
    lucia = await a_shop.customer()
    async with lucia.portal() as visit:
        await visit.sees(lambda page: page["subscriptions"] and page["subscriptions"][0]["status"] == "active")
        answer = await visit.cancel(feedback="too_expensive", comment="¡Demasiado caro! <script>alert(1)</script> 💸")
        assert answer.status_code == 202, answer.text
        page = await visit.sees(lambda page: page["subscriptions"][0]["cancellation"] is not None)
        assert page["subscriptions"][0]["cancellation"]["effective_at"].startswith("2024-02-10")
        await a_shop.clock(MAY)
        page = await visit.sees(lambda page: page["subscriptions"][0]["status"] == "canceled")
        assert len(page["invoices"]["items"]) == 1
    announced = [data_of(event) for event in await a_shop.stack.public_events("billing.subscriptions", lucia.id)]
    endings = [event for event in announced if isinstance(event, SubscriptionCancelled)]
    assert [(end.cause, end.feedback) for end in endings] == [("customer", "too_expensive")]
    assert "caro" not in str(announced)
    assert len(await lucia.charges()) == 1


async def test_a_customer_can_withdraw_a_cancellation(a_shop: Shop) -> None:
    lucia = await a_shop.customer()
    async with lucia.portal() as visit:
        await visit.sees(lambda page: page["subscriptions"] and page["subscriptions"][0]["status"] == "active")
        assert (await visit.cancel()).status_code == 202
        assert (await visit.keep()).status_code == 202
        await visit.sees(lambda page: page["subscriptions"][0]["cancellation"] is None)
        await a_shop.clock(FEBRUARY)
        await visit.sees(lambda page: len(page["invoices"]["items"]) == 2)
        assert (await visit.keep()).status_code == 409
    assert len(await lucia.charges()) == 2


async def test_cancelling_an_unpaid_period_ends_it_immediately_and_voids_its_invoice(a_shop: Shop) -> None:
    lucia = await a_shop.customer()
    await a_shop.backend.attach_card(lucia.id, "tok_saves_then_declines")
    await a_shop.clock(FEBRUARY)
    async with lucia.portal() as visit:
        await visit.sees(lambda page: page["subscriptions"][0]["status"] == "past_due")
        assert (await visit.cancel()).status_code == 202
        page = await visit.sees(lambda page: page["invoices"]["items"][0]["status"] == "void")
        assert page["subscriptions"][0]["status"] == "canceled"
    await a_shop.clock(MAY)
    assert len(await lucia.charges()) == 1
