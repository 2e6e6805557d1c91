"""What the page shows after an action: a toast, a title that is true, and what was typed."""

import asyncio

import pytest
from browser.gallery_payments import facing, owing
from browser.live_stage import MASTERCARD, LiveStage
from playwright.async_api import JSHandle, Locator, Page, Route, expect

from support.portal_page import scenes
from support.portal_page.page_objects import PortalPage, Visitor

FAILS_WHEN_CHARGED = "4000000000000341"


async def entered(page: Page, stage: LiveStage) -> PortalPage:
    return await Visitor(page, stage.link).enter()


async def watch_toasts(page: Page) -> JSHandle:
    """A growing list of the sentences that the toast shows."""
    return await page.evaluate_handle("""() => {
        const sentences = [];
        const sentence = document.querySelector("#toast p");
        new MutationObserver(() => sentences.push(sentence.textContent)).observe(sentence, { childList: true });
        return sentences;
    }""")


def pressable(page: Page, selector: str) -> Locator:
    return page.locator(selector).filter(visible=True)


async def test_keeping_a_subscription_is_confirmed_in_sight(page: Page) -> None:
    async with LiveStage(scenes.view(scenes.ending())).open() as stage:
        await entered(page, stage)
        toast = page.locator("#toast")
        await expect(toast).to_be_hidden()
        await page.locator("#keep").click()
        await expect(toast).to_be_in_viewport()
        sentence = await toast.inner_text()
        assert sentence
        await expect(page.locator("#toast-close")).to_be_hidden()
        await expect(page.locator("#said")).to_have_text(sentence)
        await expect(page.locator("#toast, [data-message]").filter(visible=True)).to_have_count(1)


async def test_a_result_is_confirmed_once_after_its_dialog_is_closed(page: Page) -> None:
    """Cancelling, and a new card. While the dialog is open, it shows the result itself."""
    async with LiveStage().open() as stage:
        portal = await entered(page, stage)
        toasts = await watch_toasts(page)
        cancel = await portal.cancel()
        await cancel.confirm()
        cancelled = await page.locator("[data-sheet=cancelled]").inner_text()
        await expect(page.locator("#toast")).to_be_hidden()
        await cancel.close()
        await expect(page.locator("#toast")).to_be_in_viewport()
        await expect(page.locator("#said")).to_have_text(cancelled)
        card = await portal.edit_card()
        await card.fill(MASTERCARD)
        await card.confirm()
        saved = await page.locator("[data-sheet=card-saved]").inner_text()
        await card.close()
        await expect(portal.method).to_contain_text("•••• 4444")
        await expect(page.locator("#said")).to_have_text(saved)
        assert await toasts.json_value() == [cancelled, saved]


@pytest.mark.parametrize("way", ["a new card", "the card on file"])
async def test_a_payment_is_confirmed_until_the_customer_closes_the_toast(page: Page, way: str) -> None:
    stage = LiveStage(owing())
    facing()(stage)
    async with stage.open():
        portal = await entered(page, stage)
        toasts = await watch_toasts(page)
        if way == "a new card":
            card = await portal.pay_debt()
            await card.fill(MASTERCARD)
            await card.confirm()
            await expect(page.locator("[data-settled=paid]")).to_be_visible()
            await card.close()
        else:
            await page.locator("#pay-now").click()
            await page.locator("#dialog button.primary").click()
            await expect(page.locator("[data-toast]")).to_be_visible()
            await page.locator("#close").click()
        await expect(page.locator("#toast")).to_be_in_viewport()
        assert len(await toasts.json_value()) == 1
        await page.locator("#toast-close").click()
        await expect(page.locator("#toast")).to_be_hidden()
        await expect(page.locator("#subscription-title")).to_be_focused()


async def test_a_failed_payment_has_a_notice_and_no_toast(page: Page) -> None:
    stage = LiveStage(owing())
    facing(becomes="failed")(stage)
    async with stage.open():
        await entered(page, stage)
        toasts = await watch_toasts(page)
        await page.locator("#pay-now").click()
        await page.locator("#dialog button.primary").click()
        await expect(page.locator("[data-outcome=failed]")).to_be_visible()
        await page.locator("#close").click()
        await expect(page.locator("[data-notice=failed]")).to_be_in_viewport()
        assert await toasts.json_value() == []


async def test_a_download_is_confirmed(page: Page) -> None:
    async with LiveStage().open() as stage:
        portal = await entered(page, stage)
        assert (await portal.download(portal.invoice("TS-000014").locator(".pdf"))).startswith(b"%PDF")
        await expect(page.locator("#toast")).to_be_in_viewport()
        await expect(page.locator("#said")).to_have_text(await page.locator("#toast").inner_text())


async def test_a_double_click_on_keep_does_not_open_the_cancel_dialog(page: Page) -> None:
    """The second click lands on the button that replaced the first one."""
    async with LiveStage(scenes.view(scenes.ending())).open() as stage:
        await entered(page, stage)
        await page.evaluate("""() => new MutationObserver((_, seen) => {
            const button = document.getElementById("cancel");
            if (!button) return;
            seen.disconnect();
            button.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, detail: 2 }));
        }).observe(document.getElementById("main"), { childList: true, subtree: true })""")
        await page.locator("#keep").click()
        await expect(page.locator("#toast")).to_be_visible()
        await expect(page.locator("#cancel")).to_be_visible()
        assert stage.subscriptions.previewed == []
        assert not await page.locator("#dialog").evaluate("(dialog) => dialog.open")


async def test_what_was_typed_survives_escape_until_it_is_sent(page: Page) -> None:
    async with LiveStage().open() as stage:
        await entered(page, stage)
        await page.locator("#cancel").click()
        comment, reason = page.locator("#comment"), page.locator("[name=feedback][value=unused]")
        await expect(comment).to_be_hidden()
        await reason.check()
        await comment.fill("Quizá vuelva")
        left = await page.locator("#comment-limit").inner_text()
        await page.keyboard.press("Escape")
        await expect(page.locator("#dialog")).to_be_hidden()
        await page.locator("#cancel").click()
        await expect(comment).to_have_value("Quizá vuelva")
        await expect(reason).to_be_checked()
        await expect(page.locator("#comment-limit")).to_have_text(left)
        await page.locator("#dialog .danger").click()
        await page.locator("#sheet[data-refresh] [data-close]").click()
        await page.locator("#end-now").click()
        await expect(comment).to_have_value("")
        await expect(page.locator("[name=feedback]:checked")).to_have_count(0)


async def test_a_double_click_is_ignored_if_the_stream_is_faster_than_the_response(page: Page) -> None:
    async with LiveStage(scenes.view(scenes.ending())).open() as stage:
        await entered(page, stage)
        answer = asyncio.Event()

        async def late(route: Route) -> None:
            response = await route.fetch()
            await answer.wait()
            await route.fulfill(response=response)

        await page.route("**/keep**", late)
        await page.locator("#keep").click()
        await page.locator("#cancel").click()
        answer.set()
        await expect(page.locator("#toast")).to_be_visible()
        assert stage.subscriptions.previewed == []
        assert not await page.locator("#dialog").evaluate("(dialog) => dialog.open")


async def test_a_typed_comment_stays_in_sight_when_its_reason_is_taken_back(page: Page) -> None:
    """What is hidden must not be sent."""
    async with LiveStage().open() as stage:
        dialog = await (await entered(page, stage)).cancel()
        await dialog.fill("other", "Quizá vuelva")
        await dialog.reason("").check()
        await expect(dialog.comment).to_be_visible()
        await dialog.comment.fill("")
        await expect(dialog.comment).to_be_hidden()


async def test_a_click_beside_a_result_closes_it_and_beside_a_form_does_not(page: Page) -> None:
    async with LiveStage().open() as stage:
        await entered(page, stage)
        await page.locator("#cancel").click()
        await expect(page.locator("#feedback")).to_be_visible()
        await page.mouse.click(4, 300)
        await expect(page.locator("#feedback")).to_be_visible()
        await page.locator("#dialog .danger").click()
        await expect(page.locator("#dialog [data-refresh]")).to_be_visible()
        await page.mouse.click(4, 300)
        await expect(page.locator("#dialog")).to_be_hidden()


async def test_a_saved_card_whose_payment_failed_is_titled_so_and_another_card_can_follow(page: Page) -> None:
    async with LiveStage(scenes.owing()).open() as stage:
        stage.invoicing.invoice_is = scenes.whole_invoice(status="failed")
        dialog = await (await entered(page, stage)).pay_debt()
        await dialog.fill(FAILS_WHEN_CHARGED)
        await dialog.confirm()
        title, another = page.locator("#sheet-title"), page.locator("#another-card")
        await expect(another).to_be_visible()
        await expect(title).to_be_focused()
        assert await title.inner_text() == await title.get_attribute("data-but-failed")
        await expect(pressable(page, "#dialog .button.primary")).to_have_count(1)
        await another.click()
        await expect(dialog.number).to_be_enabled()
        assert page.url.endswith("/"), "another card is entered in the same dialog"
