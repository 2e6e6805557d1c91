"""Messages between the portal and the card frame: which senders and messages are accepted, and how often. Two origins."""

import re
from typing import Any
from uuid import UUID

import pytest
from browser.live_stage import DECLINED, MASTERCARD, LiveStage
from playwright.async_api import Frame, Page, expect

from payments.domain.card_input import CardEntry
from support.portal_page import scenes
from support.portal_page.page_objects import CardDialog, PortalPage, message, press, problem

TYPED = CardEntry(MASTERCARD, 12, 2030, "123")
TOKEN = {"token": "tok_forged", "brand": "mastercard", "last4": "4444", "exp": "12/2030"}
POST = "messages => messages.forEach((each) => parent.postMessage(each, '*'))"
HUGE = "x" * 1_000_000


async def card_dialog(page: Page, stage: LiveStage) -> CardDialog:
    return await (await stage.enter(page)).edit_card()


def frame_of(page: Page) -> Frame:
    return next(frame for frame in page.frames if "/cards/" in frame.url)


def setup_of(page: Page) -> str:
    return frame_of(page).url.rpartition("/")[2]


def frame_message(page: Page, type: Any, **fields: Any) -> dict[str, Any]:
    """A valid message of the page's card frame."""
    return {"v": 1, "setup_id": setup_of(page), "type": type, **fields}


async def post(frame: Frame, *messages: object) -> None:
    """Post messages from the frame to the page; returns when the page has received them."""
    await frame.evaluate(POST, messages)
    await heard(frame.page)


async def post_to_frame(page: Page, *messages: object) -> None:
    """Post messages from the portal to its card frame; returns when the frame has received them."""
    await page.evaluate(
        """messages => messages.forEach((each) => document.querySelector("iframe").contentWindow.postMessage(each, "*"))""",
        messages,
    )
    await heard(page)


async def heard(page: Page) -> None:
    """Wait two event-loop turns in every window, so that earlier messages have been received."""
    for frame in (*page.frames, *page.frames):
        await frame.evaluate("new Promise((resolve) => setTimeout(resolve, 20))")


def altered(message: dict[str, Any], values: dict[str, list[object]]) -> list[object]:
    """Variants of the message with one field replaced by one of the values."""
    return [{**message, field: value} for field, others in values.items() for value in others]


def without(message: dict[str, Any], name: str) -> dict[str, Any]:
    return {field: value for field, value in message.items() if field != name}


def forgeries(good: dict[str, Any]) -> list[object]:
    """Invalid messages from the right window and origin."""
    id = good["setup_id"]
    values: dict[str, list[object]] = {
        "v": [2, 0, "1", None],
        "setup_id": [str(scenes.MERCHANT), "", None, [id], id.upper(), HUGE],
        "type": ["tokens", "Token", "constructor", "__proto__", "toString", ["token"], None, 1, HUGE],
        "token": ["", None, 7, ["tok_forged"], {}, "tok forged", "x" * 101, HUGE],
        "brand": ["", None, "<b>", "Visa", HUGE],
        "last4": ["444", MASTERCARD, 4444, None, HUGE],
        "exp": ["12/30", "1230", 122030, None, HUGE],
        "number": [MASTERCARD],
        "code": ["more"],
    }
    wrong: list[object] = altered(good, values)
    wrong += [without(good, name) for name in good]
    return [*wrong, None, "token", 7, True, [good], [], {}]


async def test_only_valid_messages_of_the_current_frame_are_accepted(page: Page) -> None:
    async with LiveStage().open() as stage:
        await card_dialog(page, stage)
        stage.live_payments.cards.tokens["tok_forged"] = UUID(setup_of(page)), TYPED
        good, frame = frame_message(page, "token", **TOKEN), frame_of(page)
        await page.evaluate(
            "url => document.body.append(Object.assign(document.createElement('iframe'), { src: url, name: 'other' }))", frame.url
        )
        handle = await page.wait_for_selector("iframe[name=other]")
        other = await handle.content_frame() if handle else None
        assert other is not None
        await other.wait_for_url(frame.url)
        await post(frame, frame_message(page, "submitting"))

        # From a foreign origin, otherwise valid.
        await page.evaluate(
            """data => { for (const origin of ["https://evil.example", "null", location.origin, ""]) {
                const source = document.querySelector("iframe").contentWindow;
                dispatchEvent(new MessageEvent("message", { data, origin, source }));
            } }""",
            good,
        )
        # From the right origin, but not from the frame's window.
        await post(other, good)
        await page.evaluate("data => postMessage(data, '*')", good)
        assert stage.live_payments.requests == []
        await post(frame, *forgeries(good))
        assert stage.live_payments.requests == []

        await frame.evaluate(POST, [good])
        await expect(page.locator("dialog [data-new-card]")).to_contain_text("Mastercard •••• 4444")
        assert [request["token"] for request in stage.live_payments.requests] == ["tok_forged"]


async def test_one_token_is_accepted_per_confirmation(page: Page) -> None:
    async with LiveStage().open() as stage:
        dialog = await card_dialog(page, stage)
        frame = frame_of(page)
        early = frame_message(page, "token", **TOKEN)
        await post(frame, early)
        assert stage.live_payments.requests == [], "nothing was confirmed"
        await dialog.fill(DECLINED)
        await dialog.confirm()
        await expect(problem(dialog.frame, "card_declined")).to_be_visible()
        used = frame_message(page, "token", **TOKEN | {"token": "tok_1"})
        await post(frame, used)
        await post(frame, used)
        assert [request["token"] for request in stage.live_payments.requests] == ["tok_1"]


async def test_a_second_token_for_one_confirmation_is_ignored(page: Page) -> None:
    async with LiveStage().open() as stage:
        await card_dialog(page, stage)
        stage.live_payments.cards.tokens["tok_forged"] = UUID(setup_of(page)), TYPED
        messages = [
            frame_message(page, "submitting"),
            *[frame_message(page, "token", **TOKEN)] * 5,
            frame_message(page, "submitting"),
            frame_message(page, "close"),
        ]
        await frame_of(page).evaluate(POST, messages)
        await expect(page.locator("dialog [data-new-card]")).to_contain_text("Mastercard •••• 4444")
        assert len(stage.live_payments.requests) == 1


async def test_a_token_from_before_the_dialog_was_closed_is_ignored(page: Page) -> None:
    async with LiveStage().open() as stage:
        dialog = await card_dialog(page, stage)
        stage.live_payments.cards.tokens["tok_forged"] = UUID(setup_of(page)), TYPED
        old = frame_message(page, "token", **TOKEN)
        await press(dialog.back_button)
        await PortalPage(page).edit_card()
        assert setup_of(page) != old["setup_id"]
        await post(frame_of(page), frame_message(page, "submitting"))
        await post(frame_of(page), old)
        assert stage.live_payments.requests == []


async def test_a_token_of_another_set_up_changes_nothing_and_a_retry_works(page: Page) -> None:
    async with LiveStage().open() as stage:
        dialog = await card_dialog(page, stage)
        await dialog.fill(MASTERCARD)
        await page.route("**/token", lambda route: route.fulfill(status=201, json=TOKEN))
        stage.live_payments.cards.tokens["tok_forged"] = scenes.MERCHANT, TYPED
        await dialog.confirm()
        await expect(problem(dialog.frame, "failed")).to_be_visible()
        await page.unroute("**/token")
        await dialog.confirm()
        await expect(page.locator("dialog [data-new-card]")).to_contain_text("Mastercard •••• 4444")


async def test_an_invalid_height_moves_nothing(page: Page) -> None:
    async with LiveStage().open() as stage:
        await card_dialog(page, stage)
        frame, shown = frame_of(page), page.locator("iframe")
        await expect(shown).to_have_attribute("height", re.compile(r"^[0-9]+$"))
        await heard(page)
        before = await shown.get_attribute("height")
        wrong = [frame_message(page, "height", height=height) for height in (0, -1, 0.5, 3000, 1e9, "500", None, [500], HUGE)]
        await post(frame, *wrong, frame_message(page, "height", height=500, width=10))
        assert await shown.get_attribute("height") == before
        await post(frame, frame_message(page, "height", height=500))
        assert await shown.get_attribute("height") == "500"


@pytest.mark.parametrize("width", [320, 1280])
async def test_the_frame_appears_at_the_height_of_its_page(page: Page, width: int) -> None:
    async with LiveStage().open() as stage:
        await page.set_viewport_size({"width": width, "height": 860})
        portal = await stage.enter(page)
        await page.evaluate(
            """() => { window.appeared = new Promise((resolve) => addEventListener("message", ({ data }) => {
                if (data.type === "ready") resolve(document.querySelector("iframe").clientHeight);
            })) }"""
        )
        await portal.edit_card()
        await heard(page)
        assert await page.evaluate("appeared") == await page.locator("iframe").evaluate("(frame) => frame.clientHeight")
        scrolls = "document.documentElement.scrollHeight > innerHeight || document.documentElement.scrollWidth > innerWidth"
        assert not await frame_of(page).evaluate(scrolls)


async def test_the_frame_accepts_only_valid_messages_of_the_portal(page: Page) -> None:
    async with LiveStage().open() as stage:
        dialog = await card_dialog(page, stage)
        await dialog.fill(MASTERCARD)
        await page.route("**/api/payment-method", lambda route: None)
        await dialog.confirm()
        waiting = dialog.confirm_button
        await expect(waiting).to_be_disabled()
        refusal = frame_message(page, "result", ok=False, code="card_declined", retry_after=60)
        values: dict[str, list[object]] = {
            "v": [2, "1", None],
            "setup_id": [str(scenes.MERCHANT), None, [refusal["setup_id"]]],
            "type": ["results", "constructor", ["result"], None],
            "ok": [0, "false", None, True],
            "code": [None, 7, ["card_declined"], HUGE],
            "retry_after": ["60", None, [60]],
            "more": [1],
        }
        wrong = [*altered(refusal, values), *(without(refusal, name) for name in refusal)]
        await post_to_frame(page, *wrong)
        await frame_of(page).evaluate("message => window.postMessage(message, '*')", refusal)
        await frame_of(page).evaluate(
            """data => { for (const origin of ["https://evil.example", "null", location.origin]) {
                dispatchEvent(new MessageEvent("message", { data, origin, source: window.parent }));
            } }""",
            refusal,
        )
        await heard(page)
        await expect(waiting).to_be_disabled()
        await post_to_frame(page, refusal)
        await expect(problem(dialog.frame, "card_declined")).to_be_visible()


async def test_a_set_up_of_another_session_is_reported_as_expired_and_restarts(page: Page) -> None:
    async with LiveStage().open() as stage:
        dialog = await card_dialog(page, stage)
        stage.access.session_of_ana = scenes.session(id=scenes.LINK)
        await dialog.fill(MASTERCARD)
        await dialog.confirm()
        await expect(dialog.failure("expired")).to_be_visible()
        await expect(dialog.retry).to_be_focused()
        await expect(page.locator("#pane-payment_method")).to_contain_text("Visa •••• 4242")
        await page.keyboard.press("Enter")
        await expect(dialog.number).to_have_value("")
        await dialog.fill(MASTERCARD)
        await dialog.confirm()
        await expect(page.locator("dialog [data-new-card]")).to_contain_text("Mastercard •••• 4444")


async def test_with_another_session_nothing_changes_and_the_page_says_so(page: Page) -> None:
    async with LiveStage().open() as stage:
        dialog = await card_dialog(page, stage)
        stage.access.session_of_ana = scenes.session(csrf="csrf-of-another")
        await dialog.fill(MASTERCARD)
        await dialog.confirm()
        await expect(message(page, "session_changed")).to_be_visible()
        await expect(dialog.root).to_be_hidden()
        assert stage.live_payments.requests == []


async def test_a_set_up_that_expired_before_its_page_was_opened_says_so(page: Page) -> None:
    async with LiveStage().open() as stage:
        portal = await stage.enter(page)

        async def ends(route: Any) -> None:
            answer = await route.fetch()
            stage.live_payments.cards.setups.clear()
            await route.fulfill(response=answer)

        await page.route("**/api/payment-method/setup", ends)
        await portal.page.locator("#edit-method").click()
        await expect(portal.dialog.locator("[data-problem=expired]")).to_be_visible()
        await page.unroute("**/api/payment-method/setup")
        await portal.dialog.locator("[data-retry]").click()
        await portal.card_dialog()


async def test_a_set_up_that_expires_during_typing_says_so(page: Page) -> None:
    async with LiveStage().open() as stage:
        dialog = await card_dialog(page, stage)
        await dialog.fill(MASTERCARD)
        stage.live_payments.cards.setups.clear()
        await dialog.confirm()
        await expect(dialog.failure("expired")).to_be_visible()
        assert stage.live_payments.requests == []


async def test_a_reloaded_frame_starts_empty_and_works(page: Page) -> None:
    async with LiveStage().open() as stage:
        dialog = await card_dialog(page, stage)
        visited = await page.evaluate("history.length")
        await dialog.fill(MASTERCARD)
        await frame_of(page).evaluate("location.reload()")
        await expect(dialog.number).to_have_value("")
        await expect(dialog.number).to_be_focused()
        await dialog.fill(MASTERCARD)
        await dialog.confirm()
        await expect(page.locator("dialog [data-new-card]")).to_contain_text("Mastercard •••• 4444")
        assert await page.evaluate("history.length") == visited
