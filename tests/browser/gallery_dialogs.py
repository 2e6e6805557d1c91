"""Cancelling as a dialog, and the menus, each as it is after the clicks that lead there."""

from browser.gallery_opening import Opened, State, at
from browser.gallery_pages import CARD_NUMBER

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


STATES = (
    State("cancel", bring=cancel),
    State("cancel-wrong", bring=cancel_wrongly, refusals=(422,)),
    State("cancelled", bring=cancelled),
    State("menu-download", bring=at("/", "#download-all", see=".menu[open] .item >> nth=0")),
    State("menu-leave", bring=at("/", "#leave", see=".menu[open] .item >> nth=0")),
)
