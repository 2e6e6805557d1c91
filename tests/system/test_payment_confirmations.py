"""A payment's effect is shown before and after it, and it charges exactly the confirmed list."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from html import unescape
from operator import eq
from typing import Any

from portalctl.settings import Settings
from support.http_client import http_client
from support.system_stack import CARDS, PREMIUM, Customer, Json, Shop, Stack, Visit, eventually, shop
from verify.running import verify
from verify.sources import sources_of

MAY, JULY = datetime(2023, 5, 14, 15, tzinfo=UTC), datetime(2023, 7, 20, 15, tzinfo=UTC)
A_DAY = {"unit": "day", "count": 1}
DAILY: Json = PREMIUM | {"name": "Diario", "price": {"amount_minor": 100, "currency": "USD"}, "interval": A_DAY}
LONG = [1, 20, 45]
JUNE = "14 de junio – 13 de julio"


@asynccontextmanager
async def declined_from_the_second_period(
    stack: Stack, until: datetime, plan: Json = PREMIUM, quantity: int = 1, **more: Any
) -> AsyncIterator[tuple[Shop, Customer, Visit]]:
    """A customer with a paid first period; later charges are declined."""
    async with shop(stack, starts=MAY, plan=plan, **more) as a_shop:
        lucia = await a_shop.customer(quantity=quantity)
        await a_shop.backend.attach_card(lucia.id, "tok_saves_then_declines")
        await a_shop.clock(until)
        async with lucia.portal() as visit:
            await visit.sees(lambda page: page["subscriptions"][0]["debt"] is not None)
            yield a_shop, lucia, visit


async def charged_amount(lucia: Customer) -> int:
    return sum(charge["amount_minor"] for charge in await lucia.charges())


async def open_invoice(visit: Visit) -> str:
    return str((await visit.subscription())["debt"]["invoice_id"])


async def advance_and_settle(a_shop: Shop, at: datetime) -> None:
    """Wait until all consequences have happened."""
    await a_shop.clock(at + timedelta(minutes=5))


async def charges_of(a_shop: Shop, invoice: str) -> list[str]:
    page = await a_shop.backend.call("payments", "GET", f"/v1/charges?invoice_id={invoice}")
    return [charge["status"] for charge in page["items"]]


async def test_a_new_card_pays_the_confirmed_total_with_begun_periods(stack: Stack) -> None:
    async with declined_from_the_second_period(stack, JULY, retry_days=LONG) as (a_shop, lucia, visit):
        before = await charged_amount(lucia)
        setup, typed = await visit.type_card(CARDS["visa"])
        assert setup["total"]["text"] == "59.98 USD"
        assert [due["amount"]["text"] for due in setup["due"]] == ["29.99 USD", "29.99 USD"]
        async with http_client() as frame:
            assert re.search(r'id="confirm"[^>]*>[^<]*59\.98 USD<', (await frame.get(setup["frame_url"])).text)
        assert JUNE in setup["statements"][0]
        paid = await visit.use_card(setup, typed.json()["token"])
        assert paid.status_code == 200, paid.text
        await eventually(lambda: charged_amount(lucia), lambda total: total == before + 5998)
        await advance_and_settle(a_shop, JULY)
        assert await charged_amount(lucia) == before + 5998
        page = await visit.sees(lambda page: page["subscriptions"][0]["renews_on"] == "2023-08-14")
        assert page["subscriptions"][0]["status"] == "active"


async def test_a_daily_plan_lists_every_begun_day(stack: Stack) -> None:
    later = MAY + timedelta(days=6, hours=1)
    async with declined_from_the_second_period(stack, later, plan=DAILY) as (a_shop, lucia, visit):
        before = await charged_amount(lucia)
        setup, typed = await visit.type_card(CARDS["visa"])
        assert (setup["total"]["text"], len(setup["due"])) == ("6.00 USD", 6)
        assert [line["amount_text"] for line in setup["lines"]] == ["1.00 USD", "5.00 USD"]
        paid = await visit.use_card(setup, typed.json()["token"])
        assert paid.status_code == 200, paid.text
        await eventually(lambda: charged_amount(lucia), lambda total: total == before + 600)
        await advance_and_settle(a_shop, later)
        assert await charged_amount(lucia) == before + 600


async def test_a_confirmation_without_the_begun_periods_is_refused(stack: Stack) -> None:
    async with declined_from_the_second_period(stack, JULY, retry_days=LONG) as (_, lucia, visit):
        before = await charged_amount(lucia)
        setup, typed = await visit.type_card(CARDS["visa"])
        body = {"setup_id": setup["setup_id"], "token": typed.json()["token"]}
        alone = [setup["due"][0]["invoice_id"]]
        refused = await visit.browser.put("/api/payment-method", json=body | {"charge_invoices": alone})
        assert (refused.status_code, refused.json()["code"]) == (409, "due_changed")
        assert refused.json()["total"]["text"] == "59.98 USD"
        assert (await visit.overview())["payment_method"]["last4"] == "0341"
        assert (await visit.browser.put("/api/payment-method", json=body | {"charge_invoices": []})).status_code == 200
        assert await charged_amount(lucia) == before


async def test_a_period_that_begins_before_the_confirmation_is_shown_first(stack: Stack) -> None:
    shown = MAY + timedelta(days=3, hours=1)
    async with declined_from_the_second_period(stack, shown, plan=DAILY) as (a_shop, lucia, visit):
        setup, typed = await visit.type_card(CARDS["visa"])
        assert setup["total"]["text"] == "3.00 USD"
        await a_shop.clock(shown + timedelta(days=1))
        refused = await visit.use_card(setup, typed.json()["token"])
        assert (refused.status_code, refused.json()["code"]) == (409, "due_changed")
        assert refused.json()["total"]["text"] == "4.00 USD"
        before = await charged_amount(lucia)
        again = await visit.use_card(setup | {"due": refused.json()["due"]}, typed.json()["token"])
        assert again.status_code == 200, again.text
        await eventually(lambda: charged_amount(lucia), lambda total: total == before + 400)
        # A boundary that is reached afterwards is an ordinary renewal.
        await a_shop.clock(shown + timedelta(days=2))
        assert await charged_amount(lucia) == before + 500


async def test_paying_an_old_debt_promises_nothing_else(stack: Stack) -> None:
    policies: Json = {"retry_days": [1], "when_retries_end": "unpaid"}
    async with declined_from_the_second_period(stack, JULY, **policies) as (a_shop, lucia, visit):
        await a_shop.backend.attach_card(lucia.id, "tok_visa")
        page = await visit.sees(lambda page: page["payment_method"]["last4"] == "4242")
        it, before = page["subscriptions"][0], await charged_amount(lucia)
        assert it["status"] == "unpaid"
        assert JUNE in it["payment_text"]
        assert "15 de junio" in it["payment_text"]
        assert "14 de agosto" not in it["payment_text"] + it["renewal_text"], "no period is promised"
        english = (await visit.browser.get("/api/overview?lang=en")).json()["subscriptions"][0]
        assert "June 14 – July 13" in english["payment_text"]
        assert "June 15" in english["payment_text"]
        invoice = await open_invoice(visit)
        begun = await visit.pay(invoice)
        assert (begun.status_code, begun.json()["total"]["text"]) == (202, "29.99 USD")
        page = await visit.sees(lambda page: page["subscriptions"][0]["status"] == "canceled")
        invoice_facts = (await visit.browser.get(f"/api/invoices/{invoice}")).json()
        assert JUNE in invoice_facts["payment_text"]
        assert "15 de junio" in invoice_facts["payment_text"]
        assert "15 de junio" in page["subscriptions"][0]["renewal_text"]
        await advance_and_settle(a_shop, JULY)
        assert await charged_amount(lucia) == before + 2999


async def test_the_card_on_file_pays_the_confirmed_total(stack: Stack) -> None:
    async with declined_from_the_second_period(stack, JULY, retry_days=LONG) as (a_shop, lucia, visit):
        await a_shop.backend.attach_card(lucia.id, "tok_visa")
        await visit.sees(lambda page: page["payment_method"]["last4"] == "4242")
        invoice, before = await open_invoice(visit), await charged_amount(lucia)
        alone = await visit.pay(invoice, amount_minor=2999)
        assert (alone.status_code, alone.json()["code"], alone.json()["amount"]["text"]) == (409, "amount_changed", "59.98 USD")
        assert await charges_of(a_shop, invoice) == ["failed"] * 3
        answers = [await visit.pay(invoice, key="one-click", amount_minor=5998, currency="USD") for _ in range(2)]
        assert [answer.status_code for answer in answers] == [202, 202]
        assert answers[0].json() == answers[1].json()
        await eventually(lambda: charged_amount(lucia), lambda total: total == before + 5998)
        await advance_and_settle(a_shop, JULY)
        assert await charged_amount(lucia) == before + 5998
        assert (await visit.browser.post(f"/api/invoices/{invoice}/payment", json={})).status_code == 422


async def test_a_payment_that_fails_leaves_the_schedule_as_it_was(stack: Stack) -> None:
    until = datetime(2023, 6, 16, 15, tzinfo=UTC)
    async with declined_from_the_second_period(stack, until) as (a_shop, _, visit):
        before = (await visit.subscription())["debt"]
        assert before["next_attempt_at"][:10] == "2023-06-17"
        for attempt in range(5):
            assert (await visit.pay(before["invoice_id"])).status_code == 202
            failed = ["failed"] * (3 + attempt)
            await eventually(partial(charges_of, a_shop, before["invoice_id"]), partial(eq, failed))
            await visit.sees(lambda page: page["invoices"]["items"][0]["status"] == "failed")
        again = await visit.pay(before["invoice_id"])
        assert (again.status_code, again.json()["code"]) == (429, "too_many_payments")
        assert int(again.headers["retry-after"]) > 86_000
        assert " 24 " in again.json()["detail"]
        after = await visit.sees(lambda page: page["subscriptions"][0]["debt"]["reason"] == "card_declined")
        assert after["subscriptions"][0]["debt"]["next_attempt_at"] == before["next_attempt_at"]
        await a_shop.clock(datetime(2023, 6, 17, 16, tzinfo=UTC))
        assert len(await charges_of(a_shop, before["invoice_id"])) == 8


async def test_a_debt_can_be_paid_without_javascript(stack: Stack) -> None:
    async with declined_from_the_second_period(stack, JULY, retry_days=LONG) as (a_shop, lucia, visit):
        await a_shop.backend.attach_card(lucia.id, "tok_visa")
        await visit.sees(lambda page: page["payment_method"]["last4"] == "4242")
        before, invoice = await charged_amount(lucia), await open_invoice(visit)
        home = unescape((await visit.browser.get("/")).text)
        assert 'id="pay-now"' in home
        assert 'id="pay"' in home
        dialog = unescape((await visit.browser.get(f"/invoices/{invoice}/payment")).text)
        assert re.search(r'type="submit"[^>]*>[^<]*59\.98 USD', dialog)
        form = dialog.partition("<form method")[2]
        sent = r'<input type="hidden" name="(\w+)" value="([^"]*)">', r'<input type="radio" name="(\w+)" value="([^"]*)" checked>'
        fields = {name: value for pattern in sent for name, value in re.findall(pattern, form)}
        answer = await visit.browser.post(f"/invoices/{invoice}/payment", data=fields)
        assert answer.status_code == 303, answer.text
        result = await eventually(lambda: visit.browser.get(answer.headers["location"]), lambda page: "every 2s" not in page.text)
        words = re.sub("</?span[^>]*>", "", unescape(result.text))
        assert JUNE in words
        assert "14 de agosto." in words
        assert result.text.count('data-status="paid"') == 2
        assert await charged_amount(lucia) == before + 5998


async def test_tax_quantity_and_currency_match_the_invoice(stack: Stack) -> None:
    plan = PREMIUM | {"price": {"amount_minor": 999, "currency": "JPY"}}
    tax = {"name": "JCT", "rate_basis_points": 1000, "inclusive": False}
    async with declined_from_the_second_period(stack, JULY, plan, 3, tax=tax, retry_days=LONG) as (a_shop, lucia, visit):
        before = await charged_amount(lucia)
        setup, typed = await visit.type_card(CARDS["visa"])
        assert [due["amount"]["amount_minor"] for due in setup["due"]] == [3297, 3297]
        assert (await visit.use_card(setup, typed.json()["token"])).status_code == 200
        await eventually(lambda: charged_amount(lucia), lambda total: total == before + 6594)
        await advance_and_settle(a_shop, JULY)
        assert [invoice["status"] for invoice in await lucia.invoices()] == ["paid"] * 3


async def test_two_subscriptions_are_listed_and_paid_together(stack: Stack) -> None:
    async with shop(stack, starts=MAY, retry_days=[1, 20, 65]) as a_shop:
        lucia = await a_shop.customer()
        daily = await a_shop.backend.create("plans", DAILY | {"interval": {"unit": "week", "count": 1}})
        other = await a_shop.backend.create("subscriptions", {"customer_id": lucia.id, "plan_id": daily})
        await eventually(Customer(a_shop, lucia.id, other).status, lambda status: status == "active")
        await a_shop.backend.attach_card(lucia.id, "tok_saves_then_declines")
        await a_shop.clock(JULY)
        before = await charged_amount(lucia)
        async with lucia.portal() as visit:
            await visit.sees(lambda page: [it["status"] for it in page["subscriptions"]] == ["past_due"] * 2)
            setup, typed = await visit.type_card(CARDS["visa"])
            assert setup["total"]["amount_minor"] == 2 * 2999 + 9 * 100
            assert {sentence.partition(":")[0] for sentence in setup["statements"]} == {"Premium Mensual", "Diario"}
            assert (await visit.use_card(setup, typed.json()["token"])).status_code == 200
            await eventually(lambda: charged_amount(lucia), lambda total: total == before + 6898)
            await advance_and_settle(a_shop, JULY)
            assert await charged_amount(lucia) == before + 6898


def waits_for_confirmation(subscription: Json) -> bool:
    debt = subscription["debt"]
    return bool(debt and debt["reason"] == "not_confirmed")


async def test_a_charge_above_the_confirmed_amount_needs_a_new_confirmation(stack: Stack) -> None:
    async with declined_from_the_second_period(stack, JULY, retry_days=LONG) as (a_shop, lucia, visit):
        before = await charged_amount(lucia)
        setup, typed = await visit.type_card(CARDS["visa"])
        assert setup["total"]["text"] == "59.98 USD"
        # The provider answers later than the merchant raises its tax.
        await stack.set_provider_behaviour(a_shop.id, "late", 4)
        assert (await visit.use_card(setup, typed.json()["token"])).status_code == 200
        tax = {"name": "IVA", "rate_basis_points": 2100, "inclusive": False}
        await a_shop.backend.call("subscriptions", "PATCH", f"/v1/merchants/{a_shop.id}", json={"tax": tax})
        await stack.set_provider_behaviour(a_shop.id, "normal")
        page = await visit.sees(lambda page: waits_for_confirmation(page["subscriptions"][0]), 40)
        it = page["subscriptions"][0]
        assert " 36.29 USD" in it["debt_text"]
        assert await charged_amount(lucia) == before + 2999
        begun = await visit.pay(it["debt"]["invoice_id"])
        assert (begun.status_code, begun.json()["total"]["text"]) == (202, "36.29 USD")
        await visit.sees(lambda page: page["subscriptions"][0]["status"] == "active")
        assert await charged_amount(lucia) == before + 2999 + 3629


async def test_a_merchant_charges_a_card_that_it_attached(stack: Stack) -> None:
    async with shop(stack) as a_shop:
        lucia = await a_shop.customer(card=None)
        [invoice] = await eventually(lucia.invoices, bool)
        await eventually(lambda: charges_of(a_shop, invoice["id"]), lambda statuses: statuses == ["failed"])
        await a_shop.backend.attach_card(lucia.id, "tok_visa")
        charge = await a_shop.backend.call("payments", "POST", "/v1/charges", json={"invoice_id": invoice["id"]})
        assert (charge["status"], charge["total"]["amount_minor"]) == ("open", 2999)
        await eventually(lucia.status, lambda status: status == "active")
        assert await charged_amount(lucia) == 2999


async def test_every_invariant_holds_afterwards(stack: Stack) -> None:
    sources = sources_of(stack.state, stack.folder / "logs", Settings())
    result = await verify(sources, patience=30, progress=lambda _: None)
    assert {it.invariant.id: it.differences for it in result.verdicts if not it.holds} == {}
