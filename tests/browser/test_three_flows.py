"""The specification's three flows in a real browser, with fakes behind the page."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from browser.fast_time import control_time, forward_until
from browser.keyboard import Keyboard
from browser.live_stage import DECLINED, MASTERCARD, LiveStage
from playwright.async_api import Page, expect

from portal_gateway.adapters.page.overview import KEEP_CONFIRMATION
from support.portal_page import scenes
from support.portal_page.page_objects import Visitor, badge, log_out, paste_link, press, problem
from support.portal_page.sentences import spanish

Open = Callable[..., Any]


@pytest.fixture
async def opened() -> AsyncIterator[Open]:
    async with AsyncExitStack() as stack:

        async def open_stage(view: Any = None) -> LiveStage:
            return await stack.enter_async_context(LiveStage(view).open())

        yield open_stage


async def test_a_link_opens_the_four_panes_and_leaves_no_trace(page: Page, opened: Open) -> None:
    stage = await opened()
    portal = await Visitor(page, stage.link).enter()
    await expect(page).to_have_title(re.compile(r"\S · TechSolutions Inc\."))
    await expect(portal.summary).to_contain_text("29.99 USD")
    await expect(badge(portal.subscription, "active")).to_be_visible()
    await expect(portal.subscription).to_contain_text("14 de junio de 2023")
    await expect(portal.method).to_contain_text("12/2025")
    await expect(portal.invoices.get_by_role("listitem")).to_have_count(12)
    assert "#" not in page.url


async def test_the_card_is_changed_without_a_reload(page: Page, opened: Open) -> None:
    stage = await opened()
    portal = await stage.enter(page)
    await page.evaluate("window.stillHere = true")
    dialog = await portal.edit_card()
    await dialog.fill(MASTERCARD)
    await dialog.confirm()
    await expect(page.locator("dialog [data-new-card]")).to_contain_text("Mastercard •••• 4444")
    await dialog.close()
    await expect(portal.method).to_contain_text("Mastercard •••• 4444")
    await expect(portal.method).to_contain_text("12/2030")
    await expect(portal.page.locator("#edit-method")).to_be_focused()
    assert await page.evaluate("window.stillHere") is True


async def test_a_declined_card_leaves_the_old_one_and_the_dialog_open(page: Page, opened: Open) -> None:
    stage = await opened()
    portal = await stage.enter(page)
    dialog = await portal.edit_card()
    await dialog.fill(DECLINED)
    await dialog.confirm()
    await expect(problem(dialog.frame, "card_declined")).to_be_visible()
    await dialog.fill("4242424242424242")
    await dialog.confirm()
    await expect(page.locator("dialog [data-new-card]")).to_contain_text("Visa •••• 4242")
    assert len({request["key"] for request in stage.live_payments.requests}) == 2


async def test_a_debt_is_listed_paid_and_announced(page: Page, opened: Open) -> None:
    stage = await opened(scenes.owing())
    portal = await stage.enter(page)
    await expect(page.locator("[data-notice=failed] b")).to_contain_text("29.99 USD")
    dialog = await portal.pay_debt()
    await expect(portal.dialog.locator("[data-due]")).to_contain_text("TS-000014")
    await expect(dialog.confirm_button).to_contain_text("29.99 USD")
    await dialog.fill("4242424242424242")
    await dialog.confirm()
    charge = portal.dialog.locator("[data-charge]").filter(has_text="TS-000014 · 29.99 USD")
    await expect(badge(charge, "paid")).to_be_visible()
    assert stage.live_payments.requests[0]["charges"] == [scenes.invoice_id(14)]
    await dialog.close()
    await expect(page.locator("[data-notice]")).to_have_count(0)


async def test_the_outcome_of_a_payment_is_announced_when_its_invoice_is_not_shown(page: Page, opened: Open) -> None:
    stage = await opened(scenes.owing())
    portal = await stage.enter(page)
    await page.goto(f"{stage.origin}/?status=void")
    await expect(portal.no_match).to_be_visible()
    dialog = await portal.pay_debt()
    await dialog.fill("4242424242424242")
    await dialog.confirm()
    await expect(badge(portal.dialog.locator("[data-charge] dd"), "paid")).to_be_visible()


async def test_a_silent_frame_can_be_retried(page: Page, opened: Open) -> None:
    await control_time(page)
    stage = await opened()
    portal = await stage.enter(page)
    stage.live_payments.answers = False
    await portal.page.locator("#edit-method").click()
    await portal.dialog.locator("iframe").wait_for(state="attached")
    await forward_until(page, portal.dialog.locator("[data-problem=noAnswer]"))
    stage.live_payments.answers = True
    await portal.dialog.locator("[data-retry]").click()
    await portal.card_dialog()


async def test_its_button_and_escape_close_the_card_dialog(page: Page, opened: Open) -> None:
    stage = await opened()
    portal = await stage.enter(page)
    dialog = await portal.edit_card()
    await press(dialog.back_button)
    await expect(portal.dialog).to_be_hidden()
    dialog = await portal.edit_card()
    await dialog.number.focus()
    await Keyboard(page).press("Escape")
    await expect(portal.dialog).to_be_hidden()
    await expect(portal.page.locator("#edit-method")).to_be_focused()


async def test_a_message_from_another_origin_is_ignored(page: Page, opened: Open) -> None:
    stage = await opened()
    portal = await stage.enter(page)
    await portal.edit_card()
    await page.evaluate("""() => {
        const frame = document.querySelector("iframe").src;
        window.postMessage({ v: 1, setup_id: frame.split("/").pop(), type: "token", token: "forged" }, location.origin);
    }""")
    await page.wait_for_timeout(300)
    assert stage.live_payments.requests == []


async def test_a_subscription_is_cancelled_and_then_kept(page: Page, opened: Open) -> None:
    stage = await opened()
    portal = await stage.enter(page)
    dialog = await portal.cancel()
    await expect(dialog.root.locator(".facts")).to_contain_text("14 de junio de 2023")
    await dialog.fill("too_expensive", "Quizá vuelva")
    await expect(dialog.root.locator("#comment-limit")).to_contain_text("488")
    await dialog.confirm()
    await expect(dialog.outcome("scheduled")).to_be_visible()
    await expect(dialog.root).to_contain_text(f"{scenes.PREMIUM[:8].upper()}-13")
    await dialog.close()
    await expect(badge(portal.subscription, "ending")).to_be_visible()
    await portal.keep()
    await expect(badge(portal.subscription, "active")).to_be_visible()
    await expect(portal.live_region).to_have_text(spanish(KEEP_CONFIRMATION))
    assert [command.get("feedback") for command in stage.subscriptions.commands] == ["too_expensive", None]


async def test_a_card_number_is_removed_from_a_comment(page: Page, opened: Open) -> None:
    stage = await opened()
    portal = await stage.enter(page)
    dialog = await portal.cancel()
    await dialog.fill("unused", "Cobren de la 4242.4242.4242.4242 12/30 737")
    await dialog.confirm()
    await expect(dialog.outcome("scheduled")).to_be_visible()
    await expect(dialog.root.locator("[data-redacted]")).to_be_visible()
    assert [command["comment"] for command in stage.subscriptions.commands] == ["Cobren de la ••••"]


async def test_escape_closes_the_cancel_dialog_and_changes_nothing(page: Page, opened: Open) -> None:
    stage = await opened()
    portal = await stage.enter(page)
    await portal.cancel()
    await Keyboard(page).press("Escape")
    await expect(portal.dialog).to_be_hidden()
    await expect(portal.page.locator("#cancel")).to_be_focused()
    assert stage.subscriptions.commands == []


async def test_invoices_are_read_and_downloaded(page: Page, opened: Open) -> None:
    stage = await opened()
    portal = await stage.enter(page)
    pdf = portal.invoice("TS-000014").locator(".pdf")
    assert (await portal.download(pdf)).startswith(b"%PDF")
    assert await portal.download_history("csv") == b"fecha"
    await portal.open_invoice("TS-000014")
    await expect(page.locator('.actions a[href$=".pdf"]')).to_be_visible()


async def test_a_change_from_elsewhere_appears_and_is_announced(page: Page, opened: Open) -> None:
    stage = await opened()
    portal = await stage.enter(page)
    await expect(badge(portal.subscription, "active")).to_be_visible()
    stage.change(subscriptions=[scenes.ending()])
    await expect(badge(portal.subscription, "ending")).to_be_visible()
    await expect(portal.live_region).to_have_text(await portal.subscription.get_attribute("data-changed") or "")


async def test_panes_are_not_replaced_under_an_open_dialog(page: Page, opened: Open) -> None:
    stage = await opened()
    portal = await stage.enter(page)
    await portal.cancel()
    stage.change(payment_method=None)
    await page.wait_for_timeout(1200)
    await expect(page.locator("#pane-payment_method")).to_contain_text("Visa")
    await Keyboard(page).press("Escape")
    await expect(portal.method.locator(".brand.none")).to_be_visible()


async def test_after_the_session_ends_nothing_personal_is_shown(page: Page, opened: Open) -> None:
    stage = await opened()
    await stage.enter(page)
    stage.access.ended.append(False)
    await page.wait_for_url("**/ended")
    await expect(problem(page, "session_ended")).to_be_visible()
    await expect(page.get_by_text("Ana García")).to_have_count(0)


async def test_logging_out_can_revoke_the_link(page: Page, opened: Open) -> None:
    stage = await opened()
    await stage.enter(page)
    await log_out(page, revoke_link=True)
    await expect(problem(page, "link_revoked")).to_be_visible()
    assert stage.access.ended == [True]


async def test_a_link_for_one_use_waits_for_a_click_and_opens_its_flow(page: Page, opened: Open) -> None:
    stage = await opened()
    stage.access.session_of_ana = scenes.session(flow="payment_method")
    await page.goto(stage.link.replace("/enter#", "/enter?continue#"))
    await expect(page.locator("#continue")).to_be_visible()
    assert await page.context.cookies() == []
    await page.locator("#continue").click()
    await page.wait_for_url("**/payment-method")


async def test_a_link_that_could_not_be_checked_can_be_retried(page: Page, opened: Open) -> None:
    stage = await opened()
    await page.route("**/api/session", lambda route: route.abort())
    await page.goto(stage.link)
    await expect(page.locator("[data-unreachable]")).to_be_visible()
    await page.unroute("**/api/session")
    await page.locator("[data-unreachable] button").click()
    await expect(page.locator("#invoices-title")).to_be_visible()


async def test_a_broken_link_says_what_to_do(page: Page, opened: Open) -> None:
    stage = await opened()
    await page.goto(f"{stage.link}x")
    await expect(page.locator("[data-refused]")).to_be_visible()
    await paste_link(page, stage.link)
    await expect(page.locator("#invoices-title")).to_be_visible()
