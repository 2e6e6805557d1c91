"""A refused link, a form of another site and an exceeded rate each emit one security event."""

from typing import Any

import pytest

from chassis.http import security_events
from portal_gateway.application import limits
from support.portal_gateway import story
from support.portal_gateway.gateway import Gateway, Merchant


class Log:
    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []

    def warning(self, event: str, **fields: Any) -> None:
        self.events.append((event, fields))


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    log = Log()
    monkeypatch.setattr(security_events, "log", log)
    return log


@pytest.fixture
async def ana(merchant: Merchant) -> Merchant:
    await merchant.tell(story.profile())
    return merchant


async def test_a_refused_link_is_an_event(ana: Merchant, gateway: Gateway, log: Log) -> None:
    link = await ana.link()
    token = link.partition("#")[2]
    wrong = f"{token[:-43]}{'A' * 43}"
    async with gateway.browser() as browser:
        assert (await browser.post("/api/session", json={"token": wrong})).status_code == 401
        assert (await browser.post("/enter", data={"link": wrong})).status_code == 401
        assert (await browser.post("/api/session", json={"token": "x"})).status_code == 401
        assert (await browser.post("/api/session", json={"token": link})).status_code == 204
        assert (await browser.get("/api/overview")).status_code == 401
    logged_events = [(name, fields["route"], fields.get("link_id"), fields["reason"]) for name, fields in log.events]
    id = token.partition(".")[0]
    assert logged_events == [
        ("security.link_refused", "/api/session", id, "opens nothing"),
        ("security.link_refused", "/enter", id, "opens nothing"),
        ("security.link_refused", "/api/session", None, "malformed"),
    ]
    assert "A" * 43 not in str(log.events)
    assert token.partition(".")[2] not in str(log.events)


async def test_a_form_of_another_site_is_an_event_and_one_without_session_is_not(ana: Merchant, log: Log) -> None:
    async with ana.signed_in() as browser:
        await browser.post("/api/session/extend", headers={"origin": "https://evil.example"})
        await browser.post("/api/session/extend", headers={"x-csrf-token": ""})
    assert [(name, fields["code"]) for name, fields in log.events] == [
        ("security.authorization_refused", "cross_origin"),
        ("security.authorization_refused", "csrf_required"),
    ]
    assert log.events[1][1]["merchant_id"] == str(ana.id)
    assert log.events[1][1]["customer_id"] == str(story.ANA)


async def test_an_exceeded_rate_is_an_event(ana: Merchant, gateway: Gateway, log: Log) -> None:
    async with ana.signed_in() as browser:
        for _ in range(limits.CANCELLATIONS.times + 1):
            answer = await browser.delete(f"/api/subscriptions/{story.SUBSCRIPTION}/cancellation")
        page = await browser.post(f"/subscriptions/{story.SUBSCRIPTION}/keep", data={"csrf": browser.headers["x-csrf-token"]})
    assert (answer.status_code, page.status_code) in ((429, 429), (429, 404))
    limited = [fields for name, fields in log.events if name == "security.rate_limited"]
    assert limited[0]["limit"] == "cancellations"
    assert limited[0]["customer_id"] == str(story.ANA)
    assert [fields["status"] for fields in limited] == [429] * len(limited)
