"""The event stream of a page, over a real connection."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.responses import JSONResponse
from starlette.types import Message, Receive, Scope, Send

from billing_contracts import payments
from chassis.http.server import listen
from portal_gateway.application import live
from portal_gateway.domain.tokens import page_tag
from support.portal_gateway import story
from support.portal_gateway.gateway import Merchant, enter, running
from support.portal_gateway.story import VISA


@pytest.fixture
async def ana(merchant: Merchant) -> Merchant:
    await merchant.tell(story.profile(), story.started())
    return merchant


class Stream:
    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines

    async def next(self, seconds: float = 12) -> dict[str, Any]:
        """The next message: {id, event, data}."""
        message: dict[str, Any] = {}
        async with asyncio.timeout(seconds):
            async for line in self._lines:
                if not line and message:
                    return message
                name, _, value = line.partition(": ")
                if name:
                    message[name] = json.loads(value) if name == "data" else value
        raise EOFError


@asynccontextmanager
async def watching(browser: httpx.AsyncClient, **options: Any) -> AsyncIterator[Stream]:
    headers = options.pop("headers", {})
    async with browser.stream("GET", "/api/stream", params=options, headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        yield Stream(answer.aiter_lines())


async def revision(browser: httpx.AsyncClient) -> int:
    return int((await browser.get("/api/overview")).json()["revision"])


async def test_a_change_is_sent_with_the_panes_that_show_it(ana: Merchant) -> None:
    async with ana.signed_in() as browser:
        seen = await revision(browser)
        async with watching(browser, after=seen) as stream:
            await ana.tell(payments.PaymentMethodUpdated(payment_method=VISA))
            message = await stream.next(7)
            assert message == {"id": str(seen + 1), "data": {"revision": seen + 1, "panes": ["payment_method"]}}
            await ana.tell(story.issued(5))
            assert (await stream.next(7))["data"] == {"revision": seen + 2, "panes": ["invoices"]}


async def test_a_reconnected_stream_receives_the_missed_changes(ana: Merchant) -> None:
    async with ana.signed_in() as browser:
        seen = await revision(browser)
        await ana.tell(payments.PaymentMethodUpdated(payment_method=VISA))
        await ana.tell(story.cancellation_scheduled(6))
        missed = {"revision": seen + 2, "panes": ["summary", "subscription", "payment_method"]}
        async with watching(browser, after=seen) as stream:
            assert (await stream.next(7))["data"] == missed
        async with watching(browser, after=0, headers={"last-event-id": str(seen + 1)}) as stream:
            assert (await stream.next(7))["data"] == {"revision": seen + 2, "panes": ["summary", "subscription"]}


async def test_a_change_after_the_response_has_started_is_sent_also_without_a_revision(ana: Merchant) -> None:
    async def changing(scope: Scope, receive: Receive, send: Send) -> None:
        async def begin(message: Message) -> None:
            await send(message)
            if message["type"] == "http.response.start" and scope["path"] == "/api/stream":
                await ana.tell(story.issued(5))

        await ana.gateway.app(scope, receive, begin)

    listening = listen("127.0.0.1", 0)
    async with running(changing, listening), ana.signed_in() as browser:
        browser.base_url = httpx.URL(f"http://127.0.0.1:{listening.getsockname()[1]}")
        browser.headers["host"] = urlsplit(ana.gateway.url).netloc
        async with watching(browser) as stream:
            assert (await stream.next())["data"]["panes"] == ["invoices"]


async def test_a_stream_ends_with_its_session_and_never_prolongs_it(ana: Merchant) -> None:
    async with ana.signed_in() as browser, ana.gateway.browser() as other:
        other.headers.update(browser.headers)
        ends = (await browser.get("/api/session")).json()["ends_at"]
        async with watching(browser) as stream:
            assert (await other.get("/api/session")).json()["ends_at"] == ends
            await other.delete("/api/session")
            assert (await stream.next())["event"] == "ended"
            with pytest.raises(EOFError):
                await stream.next()


async def test_an_exchange_ends_the_streams_of_the_session_before(ana: Merchant) -> None:
    async with ana.signed_in() as browser, ana.gateway.browser() as other:
        other.headers.update(browser.headers)
        async with watching(browser) as stream:
            await enter(other, await ana.link())
            assert (await stream.next())["event"] == "ended"


async def test_a_page_of_another_session_receives_nothing(ana: Merchant) -> None:
    async with ana.signed_in() as browser, ana.signed_in() as other:
        shown, others = (page_tag(it.headers["x-csrf-token"]) for it in (browser, other))
        async with watching(browser, page=shown, after=0) as stream:
            assert (await stream.next(7))["data"]["revision"]
        refused = await browser.get("/api/stream", params={"page": others})
        assert (refused.status_code, refused.json()["code"]) == (409, "session_changed")
        assert browser.headers["x-csrf-token"] not in shown


async def test_a_stream_receives_no_changes_of_other_customers(ana: Merchant) -> None:
    other = await ana.gateway.merchant()
    await other.tell(story.profile())
    async with ana.signed_in() as browser, watching(browser, after=await revision(browser)) as stream:
        await other.tell(payments.PaymentMethodUpdated(payment_method=VISA))
        with pytest.raises(TimeoutError):
            await stream.next(2)


async def test_an_accepted_command_is_sent_to_every_tab(ana: Merchant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.2)
    cancelling = f"/subscriptions/{story.SUBSCRIPTION}/cancellation"
    accepted = {"aggregate": f"subscription-{story.SUBSCRIPTION}", "version": 9, "effective_at": "", "mode": "at_period_end"}
    ana.gateway.owners.answers["POST", f"/v1{cancelling}"] = JSONResponse(accepted, 202)
    async with ana.signed_in() as browser, ana.gateway.browser() as other:
        other.headers.update(browser.headers)
        async with watching(browser) as stream:
            await asyncio.sleep(2)
            assert (await other.post(f"/api{cancelling}")).status_code == 202
            assert (await stream.next(7))["event"] == "pulse"


@pytest.mark.parametrize("after", ["-1", "x", str(2**60)])
async def test_an_invalid_revision_is_a_clear_error(ana: Merchant, after: str) -> None:
    async with ana.signed_in() as browser:
        assert (await browser.get("/api/stream", params={"after": after})).status_code == 422


async def test_a_ninth_stream_of_a_session_replaces_its_oldest_and_delays_its_reconnection(ana: Merchant) -> None:
    async with ana.signed_in() as browser, ana.signed_in() as other, AsyncExitStack() as streams:
        await streams.enter_async_context(watching(other))
        answers = [
            await streams.enter_async_context(browser.stream("GET", "/api/stream", params={"after": await revision(browser)}))
            for _ in range(8)
        ]
        lines = [answer.aiter_lines() for answer in answers]
        ninth = await streams.enter_async_context(watching(browser, after=await revision(browser)))
        async with asyncio.timeout(10):
            assert [line async for line in lines[0] if line] == ["retry: 60000"]
        await ana.tell(payments.PaymentMethodUpdated(payment_method=VISA))
        assert (await ninth.next(7))["data"]["panes"] == ["payment_method"]
        for remaining_lines in lines[1:]:
            assert (await Stream(remaining_lines).next(7))["data"]["panes"] == ["payment_method"]
