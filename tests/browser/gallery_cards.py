"""Card entry as a dialog and as a page: before, during and after the confirmation."""

from typing import Any
from uuid import UUID

from browser.fast_time import finish_animations
from browser.gallery_states import Opened, State, Steps, visit
from browser.live_payments import SECONDS_TO_WAIT
from browser.live_stage import DECLINED, MASTERCARD, LiveStage
from playwright.async_api import FrameLocator, Route, expect

from chassis.http.problems import Problem
from portal_gateway.application.view import View
from support.portal_page import scenes
from support.portal_page.page_objects import press

DECLINED_WHEN_CHARGED = "4000000000000341"
PUT = "**/api/payment-method"


def card_entry(button: str) -> Steps:
    async def steps(opened: Opened) -> None:
        await opened.go("/")
        await opened.press(button)
        await expect(fields(opened).locator("#number")).to_be_enabled()

    return steps


def confirmed(number: str, *, button: str = "#edit-method", see: str = "dialog [data-new-card]") -> Steps:
    async def steps(opened: Opened) -> None:
        await card_entry(button)(opened)
        await type_card(opened, number)
        await opened.see(see)

    return steps


def refused(number: str, expiry: str = "12 / 30", *, see: str = "#problem") -> Steps:
    """The fields stay, and the frame shows the error."""

    async def steps(opened: Opened) -> None:
        await card_entry("#edit-method")(opened)
        await type_card(opened, number, expiry)
        await expect(fields(opened).locator(see)).to_be_visible()

    return steps


def fields(opened: Opened) -> FrameLocator:
    return opened.page.frame_locator("dialog iframe")


async def type_card(opened: Opened, number: str, expiry: str = "12 / 30") -> None:
    await fields(opened).locator("#number").fill(number)
    await fields(opened).locator("#exp").fill(expiry)
    await fields(opened).locator("#cvc").fill("123")
    await press(fields(opened).locator("#confirm"))


def owing_two() -> View:
    owed = [scenes.invoice(14, "failed"), scenes.invoice(13, "failed", total={"amount_minor": 1200, "currency": "USD"})]
    return scenes.view(scenes.subscription("past_due", debt=scenes.debt()), invoices=[*owed, scenes.invoice(12)])


def outcomes(fourteenth: str) -> Any:
    """The outcome of May's invoice; April's is paid."""

    def prepare(stage: LiveStage) -> None:
        async def invoice(_: Any, id: UUID) -> dict[str, Any]:
            return scenes.whole_invoice(id=str(id), status=fourteenth if str(id) == scenes.invoice_id(14) else "paid")

        stage.invoicing.invoice = invoice  # type: ignore[method-assign, assignment]

    return prepare


def unconfirmed(stage: LiveStage) -> None:
    """The new card's bank wants both payments confirmed."""

    async def invoice(_: Any, id: UUID) -> dict[str, Any]:
        return scenes.whole_invoice(id=str(id), status="failed", remedy="authenticate", detail="authentication_required")

    stage.invoicing.invoice = invoice  # type: ignore[method-assign, assignment]


def silent(stage: LiveStage) -> None:
    stage.live_payments.answers = False


async def loading(opened: Opened) -> None:
    """The request is never answered."""

    async def hold(_: Route) -> None: ...

    await opened.page.route(f"{PUT}/setup", hold)
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


def often(stage: LiveStage) -> None:
    stage.limits.refuses = Problem(429, "too_many_requests", "Too many", headers={"retry-after": "540"})


def blocked(stage: LiveStage) -> None:
    stage.live_payments.cards.seconds_blocked = SECONDS_TO_WAIT


async def expired(opened: Opened) -> None:
    await card_entry("#edit-method")(opened)
    opened.stage.live_payments.cards.setups.clear()
    await type_card(opened, MASTERCARD)
    await opened.see("dialog [data-retry]")


async def in_doubt(opened: Opened) -> None:
    async def lose(route: Route) -> None:
        await route.fulfill(status=502)

    await opened.page.route(PUT, lose)
    await confirmed(MASTERCARD, see="dialog [data-problem]")(opened)


async def dearer(opened: Opened) -> None:
    """Another invoice becomes due while the card is typed."""
    await card_entry("#pay")(opened)
    opened.stage.change(invoices=owing_two().facts["invoices"])
    await type_card(opened, MASTERCARD)
    await expect(fields(opened).locator("#problem")).to_be_visible()


async def on_a_page(opened: Opened) -> None:
    await opened.go("/payment-method")
    await expect(opened.page.frame_locator("iframe").locator("#number")).to_be_enabled()


async def without_its_scripts(opened: Opened) -> None:
    async def empty(route: Route) -> None:
        await route.fulfill(content_type="text/javascript", body="")

    await opened.page.route("**/static/*.js", empty)
    await opened.go("/payment-method")
    await finish_animations(opened.page)
    await expect(opened.page.locator(".late a").first).to_be_visible()


STATES = (
    State("card", steps=card_entry("#edit-method")),
    State("card-and-debt", scenes.owing, card_entry("#pay")),
    State("card-and-debts", owing_two, card_entry("#pay")),
    State("card-debt-changed", scenes.owing, dearer, refusals=(409,)),
    State("card-mistyped", steps=refused("4242 4242 4242 4241", "01 / 20", see="#number-error")),
    State("card-declined", steps=refused(DECLINED, see="#number-error"), refusals=(402,)),
    State("card-declined-too-often", steps=refused(DECLINED), prepare=blocked, refusals=(429,)),
    State("card-saved", steps=confirmed(MASTERCARD)),
    State("card-saved-and-paid", scenes.owing, confirmed(MASTERCARD, button="#pay", see="dialog dd .badge.good")),
    State(
        "card-saved-and-not-paid",
        owing_two,
        confirmed(DECLINED_WHEN_CHARGED, button="#pay", see="dialog dd .badge.bad"),
        outcomes("failed"),
    ),
    State("card-saved-and-asked", owing_two, confirmed(MASTERCARD, button="#pay", see="dialog #confirm-at-bank"), unconfirmed),
    State(
        "card-saved-and-being-charged",
        owing_two,
        confirmed(MASTERCARD, button="#pay", see="dialog [data-waiting]"),
        outcomes("processing"),
    ),
    State("card-loading", steps=loading),
    State("card-silent", steps=given_up, prepare=silent, clock=True, refusals=(404,)),
    State("card-expired-form", steps=expired, refusals=(404,)),
    State("card-in-doubt", steps=in_doubt, refusals=(502,)),
    State("card-too-often", steps=visit("/", "#edit-method", see="[data-problem=tooMany]"), prepare=often, refusals=(429,)),
    State("card-page", steps=on_a_page),
    State("card-page-without-script", steps=visit("/payment-method"), script=False),
    State("card-page-without-its-scripts", steps=without_its_scripts),
)
