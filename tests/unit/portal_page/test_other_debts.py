"""A debt on a subscription that is not shown is named and payable from each other one."""

import re
from html import unescape
from typing import Any

import pytest

from portal_gateway.application.view import View
from support.portal_page import scenes
from support.portal_page.fakes import Stage

STORAGE, BACKUP = scenes.invoice_id(99), scenes.invoice_id(98)
OWED = {"es": "Tienes un importe pendiente de 9.99 USD por Almacenamiento.", "en": "You have 9.99 USD due for Almacenamiento."}


def owing_elsewhere(chosen: str = "active", **changes: Any) -> View:
    """Premium Mensual in a status, and a past-due subscription."""
    plan = scenes.plan(name="Almacenamiento", price={"amount_minor": 999, "currency": "USD"})
    debt = scenes.debt(amount=plan["price"], invoice_id=scenes.invoice_id(15), **changes)
    row = scenes.invoice(14, "failed", id=scenes.invoice_id(15), subscription_id=STORAGE)
    own = {"debt": scenes.debt()} if chosen == "past_due" else {}
    mine = scenes.subscription(chosen, **own)
    rows = [row, scenes.invoice(14, "failed" if own else "paid")]
    return scenes.view(mine, scenes.subscription("past_due", id=STORAGE, plan=plan, debt=debt), invoices=rows)


async def notices(path: str, view: View) -> list[str]:
    """The notices about other subscriptions, as HTML."""
    async with Stage(view).browser() as browser:
        html = unescape((await browser.get(path)).text)
    pane = html[html.index('id="pane-notice"') : html.index('id="pane-subscription"')]
    return re.findall(r'<div class="notice \w+" data-notice="other_debt">.*?</div></div></div>', pane, re.DOTALL)


@pytest.mark.parametrize("code", OWED)
async def test_a_debt_of_another_subscription_is_named_with_three_ways_to_it(code: str) -> None:
    (notice,) = await notices(f"/?lang={code}&year=2023", owing_elsewhere())
    assert re.sub("<[^>]+>", "", notice).strip().startswith(OWED[code])
    assert 'action="/payment-method"' in notice
    assert f'action="/invoices/{scenes.invoice_id(15)}/payment"' in notice
    assert f'href="/?year=2023&subscription={STORAGE}"' in notice


async def test_the_debt_of_the_shown_subscription_is_not_repeated() -> None:
    assert await notices(f"/?subscription={STORAGE}", owing_elsewhere()) == []


async def test_one_button_pays_for_all_when_both_owe() -> None:
    (notice,) = await notices("/", owing_elsewhere("past_due"))
    assert 'action="/payment-method"' not in notice
    assert f'href="/?subscription={STORAGE}"' in notice


async def test_a_debt_that_is_being_charged_is_not_offered_again() -> None:
    assert await notices("/", owing_elsewhere(retrying=True, next_attempt_at=None)) == []


async def test_the_debt_of_an_ended_subscription_is_named() -> None:
    view = owing_elsewhere()
    other = view.facts["subscriptions"][1]
    other["status"], other["ended_at"] = "canceled", scenes.instant(2023, 5, 19)
    assert len(await notices("/", view)) == 1


async def test_a_customer_with_a_healthy_second_subscription_sees_no_notice() -> None:
    assert await notices("/", scenes.view(scenes.subscription(), scenes.subscription(id=BACKUP))) == []


async def test_a_change_is_announced_with_the_other_debt() -> None:
    async with Stage(owing_elsewhere()).browser() as browser:
        html = unescape((await browser.get("/")).text)
    assert f'data-news="{OWED["es"]}"' in html
