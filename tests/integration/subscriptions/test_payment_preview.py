"""Previews of the effect and the charges of a payment."""

from typing import Any

import pytest
from integration.subscriptions.conftest import Shop, opened
from integration.subscriptions.stack import Stack

DECLINED = "insufficient_funds"


async def preview(shop: Shop) -> list[dict[str, Any]]:
    answer = await shop.http.get(f"/v1/customers/{shop.ana}/payment-preview")
    assert answer.status_code == 200, answer.text
    body: list[dict[str, Any]] = answer.json()["subscriptions"]
    return body


async def test_nothing_is_listed_where_everything_is_paid(shop: Shop) -> None:
    await shop.subscribe()
    await shop.advance("2023-02-01T00:00:00Z")
    assert await preview(shop) == []


async def test_periods_that_have_begun_are_listed_with_the_ids_of_their_invoices(stack: Stack) -> None:
    shop = await opened(stack, policies={"retry_days": [1, 20, 45]})
    started = await shop.subscribe()
    await shop.advance("2023-02-01T00:00:00Z")
    stack.verdict = lambda *_: DECLINED
    await shop.advance("2023-03-20T00:00:00Z")
    [line] = await preview(shop)
    debt = (await shop.read(started["id"]))["debt"]
    assert (line["subscription_id"], line["invoice_id"], line["effect"]) == (
        started["id"],
        debt["invoice_id"],
        "continues",
    )
    assert [each["period"]["start"][:10] for each in line["begun"]] == ["2023-03-14"]
    assert [each["amount"]["amount_minor"] for each in line["begun"]] == [2999]
    assert line["until"][:10] == "2023-04-14"
    stack.obey()
    await shop.advance("2023-04-01T00:00:00Z")
    assert await preview(shop) == []


async def test_a_given_up_debt_is_only_settled(stack: Stack) -> None:
    shop = await opened(stack, policies={"retry_days": [1], "when_retries_end": "unpaid"})
    await shop.subscribe()
    await shop.advance("2023-02-01T00:00:00Z")
    stack.verdict = lambda *_: DECLINED
    await shop.advance("2023-02-20T00:00:00Z")
    assert [(it["effect"], it["begun"]) for it in await preview(shop)] == [("continues", [])]
    await shop.advance("2023-03-20T00:00:00Z")
    assert [(it["effect"], it["begun"], it["until"]) for it in await preview(shop)] == [("settles", [], None)]


@pytest.mark.parametrize(
    ("price", "quantity", "tax", "gross"),
    [
        ({"amount_minor": 2999, "currency": "EUR"}, 1, {"name": "IVA", "rate_basis_points": 2100, "inclusive": False}, 3629),
        ({"amount_minor": 2999, "currency": "EUR"}, 3, {"name": "IVA", "rate_basis_points": 2100, "inclusive": False}, 10886),
        ({"amount_minor": 2999, "currency": "EUR"}, 3, {"name": "IVA", "rate_basis_points": 2100, "inclusive": True}, 8997),
        ({"amount_minor": 999, "currency": "JPY"}, 2, {"name": "JCT", "rate_basis_points": 1000, "inclusive": False}, 2198),
        ({"amount_minor": 1235, "currency": "KWD"}, 1, None, 1235),
    ],
)
async def test_amounts_are_gross_in_every_currency(
    stack: Stack, price: dict[str, Any], quantity: int, tax: dict[str, Any] | None, gross: int
) -> None:
    shop = await opened(stack, policies={"retry_days": [90]}, **({"tax": tax} if tax else {}))
    plan = {"name": "P", "description": "D", "price": price, "interval": {"unit": "week", "count": 1}}
    shop.plan = (await shop.http.post("/v1/plans", json=plan)).json()["id"]
    stack.verdict = lambda *_: DECLINED
    await shop.subscribe(quantity=quantity)
    await shop.advance("2023-02-01T00:00:00Z")
    [line] = await preview(shop)
    assert line["effect"] == "starts"
    assert [each["amount"] for each in line["begun"]] == [{"amount_minor": gross, "currency": price["currency"]}] * 2


async def test_a_list_is_bounded_and_reports_that_more_exists(stack: Stack) -> None:
    shop = await opened(stack, policies={"retry_days": [90]})
    plan = {
        "name": "P",
        "description": "D",
        "price": {"amount_minor": 100, "currency": "USD"},
        "interval": {"unit": "day", "count": 1},
    }
    shop.plan = (await shop.http.post("/v1/plans", json=plan)).json()["id"]
    stack.verdict = lambda *_: DECLINED
    await shop.subscribe(started_at="2022-01-14T06:00:00Z")
    await shop.advance("2023-01-20T00:00:00Z")
    [line] = await preview(shop)
    assert (len(line["begun"]), line["more"]) == (100, True)


async def test_only_the_merchant_and_payments_see_it(shop: Shop) -> None:
    """The portal shows what payments makes of it: it may not ask for it in a customer's name."""
    await shop.subscribe()
    path = f"/v1/customers/{shop.ana}/payment-preview"
    assert (await shop.http.get(path)).status_code == 200
    assert (await shop.stack.customer(shop.id, shop.ana).get(path)).status_code == 403
    other = await opened(shop.stack)
    assert (await other.http.get(path)).status_code == 404
    assert (await shop.stack.client("nobody").get(path)).status_code == 401
