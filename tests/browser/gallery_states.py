"""The definition of a gallery state, and how it is opened in a browser."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Final, Literal

from browser.live_stage import LiveStage, sign_in
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Error, Page, Request, expect

from portal_gateway.application.session_cookie import INVOICE_NAME
from portal_gateway.application.view import View
from portalctl.demo.history import ASSETS
from subscriptions.adapters.images import webp
from subscriptions.application.ports import Picture
from support.portal_page import scenes

Language = Literal["es", "en"]
LANGUAGES: Final[dict[Language, str]] = {"es": "es-MX", "en": "en-US"}
"""Each language with the locale of a browser."""
Scheme = Literal["light", "dark"]
SCHEMES: Final[tuple[Scheme, ...]] = ("light", "dark")


@dataclass(frozen=True, slots=True)
class Opened:
    """A state in a browser: the page, the stage behind it, and what the browser reported."""

    page: Page
    stage: LiveStage
    console: list[ConsoleMessage] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    """Errors of the page's scripts."""
    requests: list[Request] = field(default_factory=list)

    @contextmanager
    def listening(self) -> Iterator[None]:
        def note_message(message: ConsoleMessage) -> None:
            self.console.append(message)

        def note_error(error: Error) -> None:
            self.broken.append(str(error))

        def note_request(request: Request) -> None:
            self.requests.append(request)

        self.page.on("console", note_message)
        self.page.on("pageerror", note_error)
        self.page.on("request", note_request)
        try:
            yield
        finally:
            self.page.remove_listener("console", note_message)
            self.page.remove_listener("pageerror", note_error)
            self.page.remove_listener("request", note_request)

    async def go(self, path: str) -> None:
        await self.page.goto(self.stage.origin + path)

    async def press(self, selector: str) -> None:
        await self.page.locator(selector).click()

    async def see(self, selector: str) -> None:
        await expect(self.page.locator(selector)).to_be_visible()


Steps = Callable[[Opened], Awaitable[None]]
Prepare = Callable[[LiveStage], None]


def visit(path: str, *presses: str, see: str = "main") -> Steps:
    """Open a path, press these selectors and wait until `see` is visible."""

    async def steps(opened: Opened) -> None:
        await opened.go(path)
        for selector in presses:
            await opened.press(selector)
        await opened.see(see)

    return steps


PORTAL: Final = visit("/")


@dataclass(frozen=True, slots=True)
class State:
    """Something that a customer can see. Its name is also the name of its pictures."""

    name: str
    view: Callable[[], View] = scenes.view
    steps: Steps = PORTAL
    prepare: Prepare = lambda stage: None
    """Configures the fakes behind the page before it is opened."""
    signed_in: bool = True
    script: bool = True
    clock: bool = False
    """Whether the test moves the browser's clock."""
    pictured: bool = True
    """The merchant has a logo and its plans have pictures."""
    rows: int = 4
    """Rows of the history, at most."""
    refusals: Sequence[int] = ()
    """Error statuses that belong to the state. Chromium logs each of them in the console."""

    @property
    def alone(self) -> bool:
        """Whether the state needs its own browser profile because it changes it for later states."""
        return self.clock or not self.script


@asynccontextmanager
async def opened(browser: Browser, state: State, language: Language = "es", page: Page | None = None) -> AsyncIterator[Opened]:
    """The state in a language: on an existing page, which is faster, or in a new browser profile."""
    stage = LiveStage(state.view())
    if state.pictured:
        dress(stage)
    shorten(stage, state.rows)
    state.prepare(stage)
    async with stage.open(), lent(page) if page and not state.alone else fresh(browser, language, state.script) as shown:
        await introduce(shown.context, stage, language, signed_in=state.signed_in)
        display = Opened(shown, stage)
        with display.listening():
            await state.steps(display)
            yield display


@asynccontextmanager
async def fresh(browser: Browser, language: Language, script: bool = True) -> AsyncIterator[Page]:
    """A page in a new browser profile with reduced motion."""
    context = await browser.new_context(locale=LANGUAGES[language], java_script_enabled=script, reduced_motion="reduce")
    page = await context.new_page()
    page.set_default_timeout(15_000)
    try:
        yield page
    finally:
        await context.close()


@asynccontextmanager
async def lent(page: Page) -> AsyncIterator[Page]:
    """The page, emptied afterwards."""
    try:
        yield page
    finally:
        await page.unroute_all()
        await page.goto("about:blank")


async def introduce(context: BrowserContext, stage: LiveStage, language: Language, *, signed_in: bool) -> None:
    """Set the stage's cookies and no others."""
    await context.clear_cookies()
    await context.add_cookies([{"name": "lang", "value": language, "url": stage.origin}])
    if signed_in:
        await sign_in(context, stage.origin)
    if stage.invoice_links.live:
        await sign_in(context, stage.origin, INVOICE_NAME)


@cache
def picture(name: str) -> Picture:
    """A picture of the demo, converted like an upload."""
    return webp((ASSETS / name).read_bytes())


def dress(stage: LiveStage) -> None:
    """Give the merchant the demo's logo, and its plans the demo's pictures."""
    shown, logo, image = stage.views.shown, picture("logo.png"), picture("premium.png")
    stage.images.uploaded |= {logo.id: logo.bytes, image.id: image.bytes}
    branding = {**shown.merchant["branding"], "logo_media_id": logo.id}
    stage.views.shown = replace(shown, merchant={**shown.merchant, "branding": branding})
    for subscription in shown.facts["subscriptions"]:
        subscription["plan"]["image_media_id"] = image.id


def shorten(stage: LiveStage, rows: int) -> None:
    """Keep at most `rows` invoices."""
    invoices = stage.views.shown.facts["invoices"]
    if len(invoices) > rows:
        years = sorted({int(row["issued_on"][:4]) for row in invoices[:rows]}, reverse=True)
        stage.change(invoices=invoices[:rows], invoice_count=rows, invoice_years=years)
