"""Eight tabs of one portal: browsers allow six connections, so only what is looked at listens; and nothing is lost on the way."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from uuid import UUID

from browser.live_stage import LiveStage, free_socket, served
from browser.tabs import another_tab, hide, in_the_background
from playwright.async_api import Page, expect
from starlette.types import ASGIApp, Receive, Scope, Send

from chassis.http.server import listen
from support.portal_page import fakes, scenes
from support.portal_page.page_objects import PortalPage, Visitor

EIGHT = 8
ENDING = "Termina el 14 de junio"


class Ears(fakes.Bells):
    """Counts who listens."""

    now = most = 0

    @contextmanager
    def of(self, merchant_id: UUID, customer_id: UUID, session_id: UUID) -> Iterator["Ears"]:
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            yield self
        finally:
            self.now -= 1

    async def are(self, number: int) -> None:
        await until(lambda: self.now == number)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():
            await asyncio.sleep(0.05)


class Listened(LiveStage):
    def __init__(self) -> None:
        super().__init__()
        self.bells = self.ears = Ears()


async def look_at(tab: Page, tabs: list[Page]) -> None:
    """Brings a tab to the fore, in front of all the others."""
    for other in tabs:
        if other is not tab:
            await hide(other)
    await hide(tab, False)


async def eight_tabs(page: Page, stage: LiveStage) -> list[Page]:
    """The last one is in front."""
    await Visitor(page, stage.link).arrive()
    tabs = [page]
    while len(tabs) < EIGHT:
        await hide(tabs[-1])
        tabs.append(await another_tab(page))
        await tabs[-1].goto(stage.origin)
    return tabs


async def test_only_the_visible_tab_has_a_stream_and_others_catch_up_when_shown(page: Page) -> None:
    async with Listened().open() as stage:
        tabs = await eight_tabs(page, stage)
        await stage.ears.are(1)
        stage.change(subscriptions=[scenes.ending()])
        await expect(PortalPage(tabs[-1]).subscription).to_contain_text(ENDING)
        for tab in tabs[:-1]:
            await expect(PortalPage(tab).subscription).not_to_contain_text(ENDING)
            await look_at(tab, tabs)
            await expect(PortalPage(tab).subscription).to_contain_text(ENDING)
        await stage.ears.are(1)
        assert stage.ears.most <= 2


async def test_a_tab_opened_in_the_background_has_no_stream_until_it_is_shown(page: Page) -> None:
    async with Listened().open() as stage:
        await Visitor(page, stage.link).arrive()
        await stage.ears.are(1)
        behind = await another_tab(page)
        await in_the_background(behind)
        await behind.goto(stage.origin, wait_until="networkidle")
        assert stage.ears.most == 1
        await look_at(behind, [page, behind])
        await stage.ears.are(1)
        stage.change(subscriptions=[scenes.ending()])
        await expect(PortalPage(behind).subscription).to_contain_text(ENDING)


async def test_a_closed_tab_leaves_no_stream(page: Page) -> None:
    async with Listened().open() as stage:
        tabs = await eight_tabs(page, stage)
        await tabs.pop().close()
        await stage.ears.are(0)
        await look_at(tabs[0], tabs)
        await stage.ears.are(1)


async def test_the_end_of_the_session_reaches_hidden_tabs_too(page: Page) -> None:
    async with Listened().open() as stage:
        tabs = await eight_tabs(page, stage)
        stage.access.ended.append(False)
        for tab in tabs:
            await expect(tab).to_have_url(f"{stage.origin}/ended")
            await expect(tab.get_by_text("Ana García")).to_have_count(0)
        await stage.ears.are(0)


# The connection is lost and comes back.


async def watched(page: Page, stage: LiveStage) -> PortalPage:
    """Somebody has the page open, and has seen it change once; a reload would show."""
    portal = await Visitor(page, stage.link).arrive()
    await page.evaluate("window.stillHere = true")
    stage.change(payment_method=None)
    await expect(portal.method).to_contain_text("No tienes una tarjeta guardada")
    return portal


async def test_changes_during_a_network_outage_are_shown_after_it(page: Page) -> None:
    async with Listened().open() as stage:
        portal = await watched(page, stage)
        await page.context.set_offline(True)
        stage.bells.closing = True  # the connection that was there is gone
        await stage.ears.are(0)
        stage.bells.closing = False
        stage.change(subscriptions=[scenes.ending()])
        await page.context.set_offline(False)
        await expect(portal.subscription).to_contain_text(ENDING)
        assert await page.evaluate("window.stillHere")


async def test_a_refused_stream_is_requested_again(page: Page) -> None:
    """As by a proxy whose server is away."""
    async with Listened().open() as stage:
        await page.route("**/api/stream?*", lambda route: route.fulfill(status=503), times=1)
        portal = await Visitor(page, stage.link).arrive()
        stage.change(subscriptions=[scenes.ending()])
        await expect(portal.subscription).to_contain_text(ENDING)


class Restarted(Listened):
    """A stage whose server can be stopped and started again, and which notes after which revision it is listened to."""

    def __init__(self) -> None:
        super().__init__()
        with free_socket() as found:
            self.port = found.getsockname()[1]
        self.origin, self.cards_origin = f"http://127.0.0.1:{self.port}", "http://localhost:9"
        self.listened_after: list[bytes] = []

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        self.bells.closing = False
        app = self.noting(self.app(origin=self.origin, cards=self.cards_origin))
        async with served(app, listen("127.0.0.1", self.port)):
            yield
            self.bells.closing = True
            await self.ears.are(0)

    def noting(self, app: ASGIApp) -> ASGIApp:
        async def noted(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["path"] == "/api/stream":
                query = scope["query_string"].partition(b"after=")[2]
                self.listened_after.append(dict(scope["headers"]).get(b"last-event-id", query))
            await app(scope, receive, send)

        return noted


async def test_a_page_survives_a_server_restart_and_misses_nothing(page: Page) -> None:
    stage = Restarted()
    async with stage.running():
        portal = await watched(page, stage)
        seen = stage.views.shown.revision
    stage.change(subscriptions=[scenes.ending()])
    async with stage.running():
        await expect(portal.subscription).to_contain_text(ENDING)
        assert stage.listened_after[-1] == str(seen).encode()
        assert await page.evaluate("window.stillHere")


async def test_two_visible_tabs_both_update(page: Page) -> None:
    async with Listened().open() as stage:
        portal = await Visitor(page, stage.link).arrive()
        other = await another_tab(page)
        await other.goto(stage.origin)
        await stage.ears.are(2)
        stage.change(subscriptions=[scenes.ending()])
        shown: list[Awaitable[None]] = [expect(it.subscription).to_contain_text(ENDING) for it in (portal, PortalPage(other))]
        await asyncio.gather(*shown)
