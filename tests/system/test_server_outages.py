"""PostgreSQL and Kafka are killed, suspended and read-only under load: answers are correct, each outage is logged once, and
all processes recover without a restart."""

import asyncio
import json
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest

from portalctl.local.folder import Folder, read_json
from support.http_client import http_client
from support.processes import suspended
from support.system_stack import Customer, Json, Shop, Stack, eventually

SERVICES = ("subscriptions", "payments", "invoicing", "portal-gateway")
PLAN = {
    "name": "Basic",
    "description": "Basic",
    "price": {"amount_minor": 100, "currency": "USD"},
    "interval": {"unit": "month", "count": 1},
}
NO_CARD = "/cards/11111111-1111-4111-8111-111111111111"


class Answers:
    """The answers of concurrent clients."""

    def __init__(self) -> None:
        self.seen: Counter[tuple[str, int, str]] = Counter()
        self.wrong: list[str] = []

    def note(self, what: str, answer: httpx.Response) -> None:
        html = answer.headers.get("content-type", "").startswith("text/html")
        code = "page" if html else answer.json().get("code", "") if answer.content and answer.status_code != 204 else ""
        self.seen[what, answer.status_code, code] += 1
        if not answer.headers.get("x-request-id"):
            self.wrong.append(f"{what}: an answer without an id")
        match answer.status_code, code:
            case (503, "page" | "service_unavailable" | "too_busy"):
                if "retry-after" not in answer.headers:
                    self.wrong.append(f"{what}: 503 without Retry-After")
            case (504, "page" | "outcome_unknown"):
                if answer.request.method in ("GET", "HEAD"):
                    self.wrong.append(f"{what}: 504 for what changes nothing")
            case (status, _) if status >= 500:
                self.wrong.append(f"{what}: {status} {answer.text[:200]}")

    def count(self, *statuses: int) -> int:
        return sum(times for (_, status, _), times in self.seen.items() if status in statuses)


@asynccontextmanager
async def under_load(lucia: Customer, answers: Answers) -> AsyncIterator[None]:
    """Send requests continuously until the block ends."""
    stack, shop = lucia.shop.stack, lucia.shop
    link = await shop.backend.portal_link(lucia.id)
    stop = asyncio.Event()
    async with AsyncExitStack() as closing, lucia.portal() as visit:

        async def client(url: str, **headers: str) -> httpx.AsyncClient:
            connected = http_client(base_url=url, headers=headers, timeout=40)
            return await closing.enter_async_context(connected)

        portal, cards = stack.urls["portal-gateway"], stack.urls["cards"]
        anybody, frame = await client(portal, origin=portal), await client(cards, origin=cards)
        merchant = {name: await client(stack.urls[name], authorization=f"Bearer {shop.backend.key}") for name in SERVICES}
        card = {"number": "4242424242424242", "exp": "12/30", "cvc": "123"}
        subscription = f"/subscriptions/{lucia.subscription}"

        async def ask(http: httpx.AsyncClient, method: str, path: str, **sent: Any) -> None:
            while not stop.is_set():
                try:
                    answers.note(f"{method} {http.base_url.port} {path[:30]}", await http.request(method, path, **sent))
                except httpx.TransportError as error:
                    answers.wrong.append(f"{method} {path}: {error!r}")
                await asyncio.sleep(0.1)

        asking = [
            ask(visit.browser, "GET", "/"),
            ask(visit.browser, "GET", "/api/overview"),
            ask(visit.browser, "GET", "/api/invoices"),
            ask(visit.browser, "GET", f"/api{subscription}/cancellation/preview"),
            ask(visit.browser, "GET", f"{subscription}/cancel"),
            ask(visit.browser, "POST", "/api/payment-method/setup"),
            ask(anybody, "POST", "/api/session", json={"token": link}),
            ask(anybody, "POST", "/enter", data={"link": link}),
            ask(frame, "GET", NO_CARD),
            ask(frame, "POST", f"{NO_CARD}/token", json=card),
            ask(merchant["subscriptions"], "POST", "/v1/plans", json=PLAN),
            ask(merchant["subscriptions"], "GET", "/v1/plans"),
            ask(merchant["subscriptions"], "POST", "/v1/customers", json={"name": "X", "email": "x@example.com"}),
            ask(merchant["payments"], "POST", f"/v1/customers/{lucia.id}/payment-methods", json={"token": "tok_visa"}),
            ask(merchant["payments"], "GET", f"/v1/customers/{lucia.id}/payment-methods"),
            ask(merchant["invoicing"], "GET", "/v1/invoices"),
            ask(merchant["portal-gateway"], "POST", "/v1/portal-links", json={"customer_id": lucia.id}),
        ]
        tasks = [asyncio.create_task(each) for each in asking]
        try:
            await asyncio.sleep(1)
            yield
        finally:
            stop.set()
            await asyncio.gather(*tasks)


class Logs:
    """The log lines of the services since the object was created."""

    def __init__(self, stack: Stack) -> None:
        self._files = {name: Path(stack.folder) / "logs" / f"{name}.log" for name in SERVICES}
        self._from = {name: file.stat().st_size for name, file in self._files.items()}

    def lines(self, service: str) -> Iterator[Json]:
        with self._files[service].open("rb") as file:
            file.seek(self._from[service])
            for line in file:
                if line.startswith(b"{"):
                    yield json.loads(line)

    def complaints(self, service: str) -> list[str]:
        return [line["event"] for line in self.lines(service) if line["level"] not in ("info", "debug")]


async def pids(stack: Stack) -> dict[str, int]:
    return {name: pid for name, pid in stack.state["processes"].items() if name in SERVICES}


async def failures(stack: Stack, service: str) -> dict[str, str]:
    async with http_client(timeout=10) as client:
        reasons: dict[str, str] = (await client.get(f"{admin_url(stack, service)}/health/ready")).json().get("failures", {})
    return reasons


def admin_url(stack: Stack, service: str) -> str:
    url: str = stack.state.get("admin_urls", stack.urls)[service]
    return url


async def test_postgresql_is_killed_under_load(a_shop: Shop) -> None:
    lucia, answers, stack = await a_shop.customer(), Answers(), a_shop.stack
    before, logs = await pids(stack), Logs(stack)
    async with under_load(lucia, answers):
        for number in (signal.SIGKILL, signal.SIGINT):
            stack.signal("postgres", number)
            await asyncio.sleep(2)
            await stack.ready()
            await asyncio.sleep(1)
    assert answers.wrong == []
    assert answers.count(503) > 20
    assert await pids(stack) == before, "no service was restarted"
    for service in SERVICES:
        assert len(logs.complaints(service)) <= 8, logs.complaints(service)
    async with lucia.portal() as visit:
        await visit.sees(lambda page: not page["stale"], seconds=60)


async def test_postgresql_is_suspended(a_shop: Shop) -> None:
    lucia, answers, stack = await a_shop.customer(), Answers(), a_shop.stack
    before = await pids(stack)
    async with under_load(lucia, answers):
        with suspended(stack.state["processes"]["postgres"]):
            await asyncio.sleep(12)
        await stack.ready()
    assert answers.wrong == []
    assert answers.count(503) > 5
    assert await pids(stack) == before


def administrator(stack: Stack) -> str:
    parts = urlsplit(stack.state["postgres"]["payments"])
    password = read_json(Folder(stack.folder).secrets)["passwords"]["postgres"]
    return f"postgresql://postgres:{password}@{parts.hostname}:{parts.port}/postgres"


@asynccontextmanager
async def read_only(stack: Stack) -> AsyncIterator[None]:
    """A read-only server, as after a failover before the promotion."""

    async def set_read_only(on: bool) -> None:
        connection = await asyncpg.connect(administrator(stack))
        try:
            await connection.execute("SET default_transaction_read_only = off")
            await connection.execute(f"ALTER SYSTEM SET default_transaction_read_only = {'on' if on else 'off'}")
            await connection.execute("SELECT pg_reload_conf()")
        finally:
            await connection.close()

    await set_read_only(True)
    try:
        yield
    finally:
        await set_read_only(False)


async def test_a_read_only_database_is_reported_and_recovers(a_shop: Shop) -> None:
    lucia, stack = await a_shop.customer(), a_shop.stack
    before = await pids(stack)
    link = await a_shop.backend.portal_link(lucia.id)
    portal = stack.urls["portal-gateway"]
    async with http_client(base_url=portal, headers={"origin": portal}, timeout=40) as browser:

        async def enter() -> httpx.Response:
            return await browser.post("/enter", data={"link": link}, headers={"accept-language": "es"})

        async with lucia.portal() as visit, read_only(stack):
            page = await eventually(enter, lambda answer: answer.status_code == 503)
            assert page.headers["retry-after"] == "5"
            assert 'data-code="service_unavailable"' in page.text
            entered = await browser.post("/api/session", json={"token": link})
            assert (entered.status_code, entered.json()["code"]) == (503, "service_unavailable")
            for service in SERVICES:
                wrong = await eventually(partial(failures, stack, service), lambda reasons: "database" in reasons)
                assert wrong["database"] == "is read-only"
            shown = await visit.browser.get("/api/overview")
            assert shown.status_code == 200, "what only reads is answered"
        await eventually(enter, lambda answer: answer.status_code == 303)
        await stack.ready()
    assert await pids(stack) == before


async def test_a_kafka_outage_is_logged_once(a_shop: Shop) -> None:
    lucia, stack = await a_shop.customer(), a_shop.stack
    await stack.ready()
    logs = Logs(stack)
    async with lucia.portal() as visit:
        await visit.sees(lambda page: not page["stale"])
        stack.signal("kafka", signal.SIGKILL)
        await asyncio.sleep(10)
        await stack.ready()
        await visit.sees(lambda page: not page["stale"], seconds=60)
    for service in SERVICES:
        back = await eventually(partial(kafka_outages, logs, service), lambda events: "dependency.back" in events, seconds=40)
        assert back.count("dependency.away") == back.count("dependency.back") <= 2
        assert [event for event in logs.complaints(service) if event != "dependency.away"] == []
        assert all(line["logger"] for line in logs.lines(service))


async def kafka_outages(logs: Logs, service: str) -> list[str]:
    """Without the end of an outage of PostgreSQL, which may be noticed late."""
    return [line["event"] for line in logs.lines(service) if line.get("dependency") == "kafka"]


async def test_the_reference_of_a_failed_request_is_in_the_log(a_shop: Shop) -> None:
    lucia, stack = await a_shop.customer(), a_shop.stack
    logs = Logs(stack)
    async with lucia.portal() as visit:
        stack.signal("invoicing", signal.SIGSTOP)
        try:
            invoice = (await visit.overview())["invoices"]["items"][0]["id"]
            answer = await visit.browser.get(f"/invoices/{invoice}", headers={"accept-language": "es"})
        finally:
            stack.signal("invoicing", signal.SIGCONT)
    assert answer.status_code == 503
    reference = answer.headers["x-request-id"]
    assert f"Referencia: {reference}" in answer.text
    [line] = [line for line in logs.lines("portal-gateway") if line.get("request_id") == reference and "status" in line]
    assert (line["event"], line["status"], line["merchant"]) == ("request.refused", 503, a_shop.id)
    assert line["trace_id"]


@pytest.fixture(autouse=True)
async def restore_stack(stack: Stack) -> AsyncIterator[None]:
    yield
    await stack.ready()
