"""Eight tabs of one portal. Browsers allow six connections per host, so only visible tabs have a stream; none misses a change."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from uuid import UUID

from browser.live_stage import LiveStage, free_socket, served
from browser.tabs import another_tab, hide, hide_from_next_page
from playwright.async_api import Page, expect
from starlette.types import ASGIApp, Receive, Scope, Send

from chassis.http.server import listen
from support.portal_page import fakes, scenes
from support.portal_page.page_objects import PortalPage, badge

EIGHT = 8


class StreamCounter(fakes.Signals):
    """Counts the open streams."""

    open = maximum = 0

    @contextmanager
    def of(self, merchant_id: UUID, customer_id: UUID, session_id: UUID) -> Iterator["StreamCounter"]:
        self.open += 1
        self.maximum = max(self.maximum, self.open)
        try:
            yield self
        finally:
            self.open -= 1

    async def wait_for(self, number: int) -> None:
        await wait_until(lambda: self.open == number)


async def wait_until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():
            await asyncio.sleep(0.05)


class StageWithStreamCounter(LiveStage):
    def __init__(self) -> None:
        super().__init__()
        self.signals = self.streams = StreamCounter()


async def show_tab(tab: Page, tabs: list[Page]) -> None:
    """Show one tab and hide the others."""
    for other in tabs:
        if other is not tab:
            await hide(other)
    await hide(tab, False)


async def eight_tabs(page: Page, stage: LiveStage) -> list[Page]:
    """Open eight tabs; the last one is visible."""
    await stage.enter(page)
    tabs = [page]
    while len(tabs) < EIGHT:
        await hide(tabs[-1])
        tabs.append(await another_tab(page))
        await tabs[-1].goto(stage.origin)
    return tabs


async def test_only_the_visible_tab_has_a_stream_and_others_catch_up_when_shown(page: Page) -> None:
    async with StageWithStreamCounter().open() as stage:
        tabs = await eight_tabs(page, stage)
        await stage.streams.wait_for(1)
        stage.change(subscriptions=[scenes.ending()])
        await expect(badge(PortalPage(tabs[-1]).subscription, "ending")).to_be_visible()
        for tab in tabs[:-1]:
            await expect(badge(PortalPage(tab).subscription, "ending")).to_have_count(0)
            await show_tab(tab, tabs)
            await expect(badge(PortalPage(tab).subscription, "ending")).to_be_visible()
        await stage.streams.wait_for(1)
        assert stage.streams.maximum <= 2


async def test_a_tab_opened_in_the_background_has_no_stream_until_it_is_shown(page: Page) -> None:
    async with StageWithStreamCounter().open() as stage:
        await stage.enter(page)
        await stage.streams.wait_for(1)
        behind = await another_tab(page)
        await hide_from_next_page(behind)
        await behind.goto(stage.origin, wait_until="networkidle")
        assert stage.streams.maximum == 1
        await show_tab(behind, [page, behind])
        await stage.streams.wait_for(1)
        stage.change(subscriptions=[scenes.ending()])
        await expect(badge(PortalPage(behind).subscription, "ending")).to_be_visible()


async def test_a_closed_tab_leaves_no_stream(page: Page) -> None:
    async with StageWithStreamCounter().open() as stage:
        tabs = await eight_tabs(page, stage)
        await tabs.pop().close()
        await stage.streams.wait_for(0)
        await show_tab(tabs[0], tabs)
        await stage.streams.wait_for(1)


async def test_the_end_of_the_session_reaches_hidden_tabs_too(page: Page) -> None:
    async with StageWithStreamCounter().open() as stage:
        tabs = await eight_tabs(page, stage)
        stage.access.ended.append(False)
        for tab in tabs:
            await expect(tab).to_have_url(f"{stage.origin}/ended")
            await expect(tab.get_by_text("Ana García")).to_have_count(0)
        await stage.streams.wait_for(0)


# The connection is lost and restored.


async def open_and_update(page: Page, stage: LiveStage) -> PortalPage:
    """Open the page and wait for one live update. A marker on the window shows whether it is reloaded."""
    portal = await stage.enter(page)
    await page.evaluate("window.stillHere = true")
    stage.change(payment_method=None)
    await expect(portal.method.locator(".brand.none")).to_be_visible()
    return portal


async def test_changes_during_a_network_outage_are_shown_after_it(page: Page) -> None:
    async with StageWithStreamCounter().open() as stage:
        portal = await open_and_update(page, stage)
        await page.context.set_offline(True)
        stage.signals.closing = True  # the connection that was there is gone
        await stage.streams.wait_for(0)
        stage.signals.closing = False
        stage.change(subscriptions=[scenes.ending()])
        await page.context.set_offline(False)
        await expect(badge(portal.subscription, "ending")).to_be_visible()
        assert await page.evaluate("window.stillHere")


async def test_a_refused_stream_is_requested_again(page: Page) -> None:
    """A proxy refuses when its server is away."""
    async with StageWithStreamCounter().open() as stage:
        await page.route("**/api/stream?*", lambda route: route.fulfill(status=503), times=1)
        portal = await stage.enter(page)
        stage.change(subscriptions=[scenes.ending()])
        await expect(badge(portal.subscription, "ending")).to_be_visible()


class RestartableStage(StageWithStreamCounter):
    """A stage with a server that can be restarted. Records the revision that each stream starts after."""

    def __init__(self) -> None:
        super().__init__()
        with free_socket() as reservation:
            self.port = reservation.getsockname()[1]
        self.origin, self.cards_origin = f"http://127.0.0.1:{self.port}", "http://localhost:9"
        self.started_after: list[bytes] = []

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        self.signals.closing = False
        app = self.recording(self.app(origin=self.origin, cards=self.cards_origin))
        async with served(app, listen("127.0.0.1", self.port)):
            yield
            self.signals.closing = True
            await self.streams.wait_for(0)

    def recording(self, app: ASGIApp) -> ASGIApp:
        async def recorded(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["path"] == "/api/stream":
                query = scope["query_string"].partition(b"after=")[2]
                self.started_after.append(dict(scope["headers"]).get(b"last-event-id", query))
            await app(scope, receive, send)

        return recorded


async def test_a_page_survives_a_server_restart_and_misses_nothing(page: Page) -> None:
    stage = RestartableStage()
    async with stage.running():
        portal = await open_and_update(page, stage)
        seen = stage.views.shown.revision
    stage.change(subscriptions=[scenes.ending()])
    async with stage.running():
        await expect(badge(portal.subscription, "ending")).to_be_visible()
        assert stage.started_after[-1] == str(seen).encode()
        assert await page.evaluate("window.stillHere")


async def test_two_visible_tabs_both_update(page: Page) -> None:
    async with StageWithStreamCounter().open() as stage:
        portal = await stage.enter(page)
        other = await another_tab(page)
        await other.goto(stage.origin)
        await stage.streams.wait_for(2)
        stage.change(subscriptions=[scenes.ending()])
        shown: list[Awaitable[None]] = [
            expect(badge(it.subscription, "ending")).to_be_visible() for it in (portal, PortalPage(other))
        ]
        await asyncio.gather(*shown)
