"""Errors in a pane, in a dialog and at a filter, and slow answers."""

from datetime import timedelta

from browser.gallery_dialogs import SHEET, cancel
from browser.gallery_portal import two
from browser.gallery_states import Opened, State, visit
from browser.live_stage import LiveStage
from playwright.async_api import Route

from chassis.http.problems import Problem
from portal_gateway.domain.access import IDLE
from support.portal_page import scenes

AWAY = Problem(503, "service_unavailable", "Away")


def without_preview(stage: LiveStage) -> None:
    stage.subscriptions.refuses_preview = AWAY


def refusing(stage: LiveStage) -> None:
    stage.subscriptions.refuses = AWAY


async def refused(opened: Opened) -> None:
    await cancel(opened)
    await opened.page.locator("[name=feedback][value=other]").check()
    await opened.page.locator("#comment").fill("Hasta pronto")
    await opened.press("dialog .danger")
    await opened.see("dialog .problem")


async def slow(opened: Opened) -> None:
    async def hold(_: Route) -> None: ...

    await opened.page.route("**/cancel", hold)
    await opened.go("/")
    await opened.press("#cancel")
    await opened.see(f"{SHEET} >> visible=true")


async def idle(opened: Opened) -> None:
    """The session is idle for 26 minutes."""
    passes = IDLE - timedelta(minutes=4)
    await opened.page.clock.install()
    await opened.go("/")
    session = opened.stage.access.session_of_ana
    object.__setattr__(session, "seen_at", session.seen_at - passes)
    await opened.page.clock.fast_forward(int(passes.total_seconds() * 1000))
    await opened.see("#session-ending [data-extend] >> nth=0")


STATES = (
    State(
        "problem-in-a-pane",
        steps=visit("/", "#cancel", see="#pane-subscription .problem"),
        prepare=without_preview,
        refusals=(503,),
    ),
    State("problem-in-a-dialog", steps=refused, prepare=refusing, refusals=(503,)),
    State("dialog-loading", steps=slow),
    State("filter-wrong", steps=visit("/?year=abc&status=boredom", see="#filter-year-error"), refusals=(422,)),
    State("history-lost", steps=visit("/?cursor=nowhere", see="#pane-invoices .problem"), refusals=(422,)),
    State("subscription-unknown", lambda: two("active"), visit(f"/?subscription={scenes.CUSTOMER}"), refusals=(404,)),
    State("session-idle", steps=idle, clock=True),
)
