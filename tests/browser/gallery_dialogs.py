"""The cancel dialog and the menus, each after the clicks that open it."""

from datetime import timedelta

from browser.gallery_pages import write_too_much
from browser.gallery_states import Opened, State, visit
from browser.live_stage import LiveStage

from support.portal_page import scenes

SHEET = "dialog[open] #sheet-title"


async def cancel(opened: Opened) -> None:
    await opened.go("/")
    await opened.press("#cancel")
    await opened.see(SHEET)


async def cancel_wrongly(opened: Opened) -> None:
    await cancel(opened)
    await write_too_much(opened)
    await opened.press("dialog .danger")
    await opened.see("#comment-error")


async def cancelled(opened: Opened) -> None:
    await cancel(opened)
    await opened.press("dialog .danger")
    await opened.see("dialog [data-refresh]")


def giving_up(stage: LiveStage) -> None:
    now = (stage.views.shown.now + timedelta(milliseconds=1)).isoformat()
    dates = {"effective_at": now, "access_until": now, "paid_until": scenes.instant(2023, 6, 14)}
    stage.subscriptions.preview_is = {**stage.subscriptions.preview_is, "mode": "immediately", **dates}  # type: ignore[typeddict-item]


async def end_today(opened: Opened) -> None:
    await opened.go("/")
    await opened.press("#end-now")
    await opened.see(SHEET)


STATES = (
    State("cancel", steps=cancel),
    State("end-today", lambda: scenes.view(scenes.ending()), end_today, giving_up),
    State("cancel-wrong", steps=cancel_wrongly, refusals=(422,)),
    State("cancelled", steps=cancelled),
    State("menu-download", steps=visit("/", "#download-all", see=".menu[open] .item >> nth=0")),
    State("menu-leave", steps=visit("/", "#leave", see=".menu[open] .item >> nth=0")),
)
