"""Dialogs and menus over the portal, each as it is after the clicks that lead there."""

from browser.gallery_opening import Bring, Opened, State, at
from browser.gallery_pages import CARD_NUMBER
from browser.staged import DECLINED, MASTERCARD, LivingStage
from playwright.async_api import FrameLocator, expect
from unit.portal_page import scenes

SHEET = "dialog[open] #sheet-title"


async def cancel(opened: Opened) -> None:
    await opened.go("/")
    await opened.press("#cancel")
    await opened.see(SHEET)


async def cancel_wrongly(opened: Opened) -> None:
    await cancel(opened)
    await opened.page.locator("#comment").fill(CARD_NUMBER)
    await opened.press("dialog .danger")
    await opened.see("#comment-error")


async def cancelled(opened: Opened) -> None:
    await cancel(opened)
    await opened.press("dialog .danger")
    await opened.see("dialog [data-refresh]")


def card_entry(button: str) -> Bring:
    async def bring(opened: Opened) -> None:
        await opened.go("/")
        await opened.press(button)
        await expect(fields(opened).locator("#number")).to_be_enabled()

    return bring


def fields(opened: Opened) -> FrameLocator:
    return opened.page.frame_locator("dialog iframe")


async def type_card(opened: Opened, number: str, expiry: str = "12 / 30") -> None:
    await fields(opened).locator("#number").fill(number)
    await fields(opened).locator("#exp").fill(expiry)
    await fields(opened).locator("#cvc").fill("123")
    await fields(opened).locator("#confirm").click()


async def mistyped(opened: Opened) -> None:
    await card_entry("#edit-method")(opened)
    await type_card(opened, "4242 4242 4242 4241", "01 / 20")
    await expect(fields(opened).locator("#number-error")).to_be_visible()


async def declined(opened: Opened) -> None:
    await card_entry("#edit-method")(opened)
    await type_card(opened, DECLINED)
    await expect(fields(opened).locator("#problem")).to_be_visible()


async def saved(opened: Opened) -> None:
    await card_entry("#edit-method")(opened)
    await type_card(opened, MASTERCARD)
    await opened.see("dialog [data-new-card]")


async def paid(opened: Opened) -> None:
    await card_entry("#pay")(opened)
    await type_card(opened, MASTERCARD)
    await opened.see("dialog dd .badge.good")


def silent(stage: LivingStage) -> None:
    stage.living.answers = False


async def loading(opened: Opened) -> None:
    """Nobody answers, for ever."""
    await opened.page.route("**/api/payment-method/setup", lambda route: None)
    await opened.go("/")
    await opened.press("#edit-method")
    await opened.see("dialog .skeleton")


async def given_up(opened: Opened) -> None:
    await opened.page.clock.install()
    await opened.go("/")
    await opened.press("#edit-method")
    await opened.page.locator("dialog iframe").wait_for(state="attached")
    await opened.page.clock.fast_forward(10_000)
    await opened.see("dialog [data-retry]")


STATES = (
    State("cancel", bring=cancel),
    State("cancel-wrong", bring=cancel_wrongly, refusals=(422,)),
    State("cancelled", bring=cancelled),
    State("card", bring=card_entry("#edit-method")),
    State("card-and-debt", scenes.owing, card_entry("#pay")),
    State("card-mistyped", bring=mistyped),
    State("card-declined", bring=declined, refusals=(402,)),
    State("card-saved", bring=saved),
    State("card-saved-and-paid", scenes.owing, paid),
    State("card-loading", bring=loading),
    State("card-silent", bring=given_up, prepare=silent, refusals=(404,)),
    State("menu-download", bring=at("/", "#download-all", see=".menu[open] .item >> nth=0")),
    State("menu-leave", bring=at("/", "#leave", see=".menu[open] .item >> nth=0")),
)
