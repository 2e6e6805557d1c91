"""The running system as merchants' back ends, customers' browsers and operators use it."""

import asyncio
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

import httpx
import psutil
from aiokafka import AIOKafkaConsumer

from billing_contracts.envelope import Envelope
from portalctl.demo.backend import Backend
from portalctl.local.folder import Folder
from portalctl.local.identity import Identity
from portalctl.local.lifecycle import take_down
from portalctl.local.process_table import read_processes
from support.http_client import http_client
from support.processes import abandon_stack, end_stack

Json = dict[str, Any]
T = TypeVar("T")

CARDS = {"visa": "4242424242424242", "mastercard": "5555555555554444", "declined": "4000000000000002"}
JANUARY = datetime(2024, 1, 10, 15, tzinfo=UTC)


class Stack:
    """A local stack in its own folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def portalctl(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "portalctl", "--folder", str(self.folder), *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=170, check=False)

    @property
    def state(self) -> Json:
        state: Json = json.loads((self.folder / "state.json").read_text())
        return state

    @property
    def urls(self) -> dict[str, str]:
        urls: dict[str, str] = self.state["urls"]
        return urls

    async def admin_get(self, service: str, path: str) -> httpx.Response:
        """The service's answer on its admin address."""
        async with http_client() as client:
            return await client.get(f"{self.state['admin_urls'][service]}{path}")

    async def description(self, service: str) -> Json:
        """The OpenAPI document of the service's API."""
        document: Json = (await self.admin_get(service, "/openapi.json")).json()
        return document

    def signal(self, process: str, number: signal.Signals) -> None:
        """SIGKILL returns when the process has ended: until then the process table shows it as it was."""
        pid = self.state["processes"][process]
        killed = Identity.of(pid) if number == signal.SIGKILL else None
        os.kill(pid, number)
        while killed is not None and killed.running:
            time.sleep(0.001)

    def resume(self, process: str) -> bool:
        """Continue a suspended process. Returns whether it was suspended."""
        with suppress(psutil.NoSuchProcess):
            suspended = psutil.Process(self.state["processes"][process])
            if suspended.status() == psutil.STATUS_STOPPED:
                suspended.resume()
                return True
        return False

    async def ready(self, seconds: float = 150) -> None:
        """Wait until every process is ready. Kafka starts slowly on a busy machine."""

        async def all_ready() -> bool:
            return read_processes(Folder(self.folder)).all_ready

        await eventually(all_ready, bool, seconds)

    @asynccontextmanager
    async def operator(self) -> AsyncIterator[Backend]:
        async with Backend(self.urls, self.state["operator_key"]) as operator:
            yield operator

    async def set_provider_behaviour(self, merchant_id: str, mode: str, seconds: float = 600) -> None:
        """Make the sandbox provider hang, answer late, lose its answers, or behave normally."""
        async with self.operator() as operator:
            body = {"merchant_id": merchant_id, "mode": mode, "seconds": seconds}
            await operator.call("payments", "POST", "/sandbox/behaviour", json=body)

    async def ledger(self, merchant_id: str) -> Json:
        async with self.operator() as operator:
            return await operator.call("payments", "GET", "/sandbox/ledger", params={"merchant_id": merchant_id})

    async def public_events(self, topic: str, customer_id: str) -> list[Envelope]:
        """The topic's events about the customer; each aggregate's events are in order."""
        bootstrap = self.state["kafka"]["bootstrap_servers"]
        consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
        await consumer.start()
        try:
            partitions = sorted(consumer.assignment())
            ends = await consumer.end_offsets(partitions)
            events: list[Envelope] = []
            while any([await consumer.position(partition) < ends[partition] for partition in partitions]):
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    events += [Envelope.model_validate_json(record.value) for record in records if record.value]
        finally:
            await consumer.stop()
        return [event for event in events if event.customerid == UUID(customer_id)]


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Stack]:
    """Start a stack in the folder; stop it and delete its data at the end."""
    stack = Stack(folder)
    try:
        up = await asyncio.to_thread(stack.portalctl, "up", "--detach")
        assert up.returncode == 0, up.stdout + up.stderr
        yield stack
    finally:
        try:
            abandon_stack(Folder(folder))
            await asyncio.to_thread(take_down, Folder(folder), wipe_data=True)
        finally:
            end_stack(Folder(folder))


@dataclass
class Shop:
    """A merchant of one test, with one monthly plan and a clock at 10 January 2024."""

    stack: Stack
    id: str
    backend: Backend
    plan: str

    async def customer(self, card: str | None = "tok_visa", seconds: float = 20, **more: Any) -> "Customer":
        """Create a customer with a card and a subscription. Wait `seconds` for the first payment or decline."""
        id = await self.backend.create("customers", {"name": "Lucía Prueba", "email": "lucia@example.com", "locale": "es-419"})
        if card:
            await self.backend.attach_card(id, card)
        subscription = await self.backend.create("subscriptions", {"customer_id": id, "plan_id": self.plan, **more})
        customer = Customer(self, id, subscription)
        if card:
            await eventually(customer.status, lambda status: status != "incomplete", seconds)
        return customer

    async def clock(self, to: datetime) -> None:
        """Move the clock and wait until everything due has been processed."""
        async with asyncio.timeout(60):
            await self.backend.advance_clock(to)


PREMIUM: Json = {
    "name": "Premium Mensual",
    "description": "Suscripción mensual renovable",
    "price": {"amount_minor": 2999, "currency": "USD"},
    "interval": {"unit": "month", "count": 1},
}


@asynccontextmanager
async def shop(
    stack: Stack,
    *,
    time_zone: str = "America/Mexico_City",
    starts: datetime = JANUARY,
    tax: Json | None = None,
    plan: Json = PREMIUM,
    **policies: Any,
) -> AsyncIterator[Shop]:
    """`starts` is the merchant's clock; `tax` applies to plans without a tax."""
    merchant = {
        "name": f"Shop {secrets.token_hex(3)}",
        "legal": {"name": "Shop Ltd", "address": "1 Main Street", "tax_id": "12-345"},
        "locale": "es-419",
        "time_zone": time_zone,
        "tax": tax,
        "branding": {"colour": "#1f57c3"},
        "policies": policies,
        "clock_starts_at": starts.isoformat(),
    }
    async with stack.operator() as operator:
        merchant_answer = await operator.call("subscriptions", "POST", "/v1/merchants", json=merchant)
    async with Backend(stack.urls, merchant_answer["api_key"]) as backend:
        yield Shop(stack, merchant_answer["id"], backend, await backend.create("plans", plan))


@dataclass
class Customer:
    shop: Shop
    id: str
    subscription: str

    @asynccontextmanager
    async def portal(self) -> AsyncIterator["Visit"]:
        """Visit the portal with a new link."""
        link = await self.shop.backend.portal_link(self.id)
        origin = self.shop.stack.urls["portal-gateway"]
        async with http_client(base_url=origin, headers={"origin": origin}, timeout=30) as browser:
            entered = await browser.post("/api/session", json={"token": link})
            assert entered.status_code == 204, entered.text
            browser.headers["cookie"] = entered.headers["set-cookie"].partition(";")[0]
            browser.headers["x-csrf-token"] = (await browser.get("/api/session")).json()["csrf"]
            yield Visit(self, browser)

    async def cancel_as_merchant(self) -> None:
        path, headers = f"/v1/subscriptions/{self.subscription}/cancellation", {"idempotency-key": str(uuid4())}
        await self.shop.backend.call("subscriptions", "POST", path, json={"feedback": "unused"}, headers=headers)

    async def invoices(self) -> list[Json]:
        path = f"/v1/invoices?customer_id={self.id}&limit=100"
        items: list[Json] = (await self.shop.backend.call("invoicing", "GET", path))["items"]
        return items

    async def charges(self) -> list[Json]:
        """The successful charges in the provider's ledger."""
        books = await self.shop.stack.ledger(self.shop.id)
        return [charge for charge in books["charges"] if charge["customer_id"] == self.id and charge["code"] is None]

    async def status(self) -> str:
        body = await self.shop.backend.call("subscriptions", "GET", f"/v1/subscriptions/{self.subscription}")
        return str(body["status"])

    async def status_events(self) -> list[str]:
        """The names of the subscription's public events so far, from the owner."""
        path = f"/v1/streams/subscription-{self.subscription}"
        items = (await self.shop.backend.call("subscriptions", "GET", path))["events"]
        return [item["type"].split(".")[2] for item in items]


@dataclass
class Visit:
    """A customer's session as an HTTP client."""

    customer: Customer
    browser: httpx.AsyncClient

    async def overview(self) -> Json:
        answer = await self.browser.get("/api/overview")
        assert answer.status_code == 200, answer.text
        shown: Json = answer.json()
        return shown

    async def sees(self, condition: Callable[[Json], bool], seconds: float = 20) -> Json:
        """Wait until the overview satisfies the condition."""
        return await eventually(self.overview, condition, seconds)

    async def subscription(self) -> Json:
        subscription: Json = (await self.overview())["subscriptions"][0]
        return subscription

    async def cancel(self, **fields: Any) -> httpx.Response:
        return await self.browser.post(f"/api/subscriptions/{self.customer.subscription}/cancellation", json=fields)

    async def keep(self) -> httpx.Response:
        return await self.browser.delete(f"/api/subscriptions/{self.customer.subscription}/cancellation")

    async def type_card(self, number: str, exp: str = "12/27", cvc: str = "123") -> tuple[Json, httpx.Response]:
        """Submit a card on the card page. Returns the set-up and the card page's answer."""
        setup: Json = (await self.browser.post("/api/payment-method/setup")).json()
        frame = httpx.URL(setup["frame_url"])
        async with http_client() as card_page:
            typed = {"number": number, "exp": exp, "cvc": cvc}
            origin = {"origin": f"{frame.scheme}://{frame.netloc.decode()}"}
            return setup, await card_page.post(f"{frame}/token", json=typed, headers=origin)

    async def use_card(self, setup: Json, token: str) -> httpx.Response:
        listed = [due["invoice_id"] for due in setup["due"]]
        body = {"setup_id": setup["setup_id"], "token": token, "charge_invoices": listed}
        return await self.browser.put("/api/payment-method", json=body)

    async def pay(self, invoice: str, key: str | None = None, **fields: Any) -> httpx.Response:
        """Pay with the card on file the amount that the portal shows; `fields` overrides its fields."""
        card = (await self.overview())["payment_method"]
        shown = (await self.browser.get(f"/api/invoices/{invoice}/payment")).json()["total"] or {}
        body = {"payment_method_id": card["id"], **{name: shown[name] for name in ("amount_minor", "currency") if shown}}
        headers = {"idempotency-key": key} if key else {}
        return await self.browser.post(f"/api/invoices/{invoice}/payment", json=body | fields, headers=headers)

    async def change_card(self, number: str) -> httpx.Response:
        setup, typed = await self.type_card(number)
        assert typed.is_success, typed.text
        return await self.use_card(setup, typed.json()["token"])


async def eventually(ask: Callable[[], Awaitable[T]], condition: Callable[[T], bool], seconds: float = 20) -> T:
    """Repeat the call until the result satisfies the condition. Fails with the last result."""
    results: list[T] = []
    try:
        async with asyncio.timeout(seconds):
            while True:
                results[:] = [await ask()]
                if condition(results[0]):
                    return results[0]
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"not within {seconds} s; the last answer was {results}") from None
