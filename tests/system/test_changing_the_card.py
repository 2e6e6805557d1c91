"""A card entered on the card page becomes the default in all services and pays the listed debt once."""

from datetime import UTC, datetime, timedelta

from billing_contracts.payments import PaymentMethodUpdated
from billing_contracts.registry import data_of
from support.system_stack import CARDS, Shop

FEBRUARY = datetime(2024, 2, 10, 16, tzinfo=UTC)


async def test_the_new_card_is_on_the_page_and_on_kafka(a_shop: Shop) -> None:
    lucia = await a_shop.customer()
    async with lucia.portal() as visit:
        await visit.sees(lambda page: page["invoices"]["items"] and page["invoices"]["items"][0]["status"] == "paid")
        answer = await visit.change_card(CARDS["mastercard"])
        assert answer.status_code == 200, answer.text
        page = await visit.sees(lambda page: page["payment_method"]["last4"] == "4444")
    assert page["payment_method"]["text"].startswith("Mastercard")
    announced = await a_shop.stack.public_events("billing.payments", lucia.id)
    changes = [data_of(event) for event in announced if event.type == PaymentMethodUpdated.TYPE]
    assert [change.payment_method.last4 for change in changes if isinstance(change, PaymentMethodUpdated)] == ["4242", "4444"]
    assert len(await lucia.charges()) == 1


async def test_a_declined_card_does_not_replace_the_old_one(a_shop: Shop) -> None:
    lucia = await a_shop.customer()
    async with lucia.portal() as visit:
        await visit.sees(lambda page: page["payment_method"] is not None)
        answer = await visit.change_card(CARDS["declined"])
        assert (answer.status_code, answer.json()["code"]) == (402, "card_declined")
        assert (await visit.overview())["payment_method"]["last4"] == "4242"


async def test_a_new_card_pays_the_debt_once(a_shop: Shop) -> None:
    lucia = await a_shop.customer()
    await a_shop.backend.attach_card(lucia.id, "tok_saves_then_declines")
    await a_shop.clock(FEBRUARY)
    async with lucia.portal() as visit:
        page = await visit.sees(lambda page: page["subscriptions"][0]["status"] == "past_due")
        assert page["subscriptions"][0]["debt"]["amount"]["text"] == "29.99 USD"
        setup, typed = await visit.type_card(CARDS["visa"])
        assert [due["amount"]["text"] for due in setup["due"]] == ["29.99 USD"]
        paid = await visit.use_card(setup, typed.json()["token"])
        assert paid.status_code == 200, paid.text
        page = await visit.sees(lambda page: page["subscriptions"][0]["status"] == "active")
        assert [row["status"] for row in page["invoices"]["items"]] == ["paid", "paid"]
        again = await visit.use_card(setup, typed.json()["token"])
        assert again.is_error
    await a_shop.clock(FEBRUARY + timedelta(days=9))
    assert len(await lucia.charges()) == 2
