"""Every key is rotated while requests run: none fails, what the old key made stays valid until `retire`, and is refused then."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from typer.testing import CliRunner

from chassis.http.service_tokens import Signer
from portalctl.cli import app
from portalctl.local.folder import Folder, read_json
from portalctl.local.services import SERVICES
from support.http_client import http_client
from support.system_stack import PREMIUM, Customer, Shop, Stack, Visit, eventually

# Each step waits until every service has read its files, and other tests may run beside it.
pytestmark = pytest.mark.timeout(400)

MERCHANT = {
    "name": "Shop under a rotation",
    "legal": {"name": "Shop Ltd", "address": "1 Main Street", "tax_id": "12-345"},
    "locale": "en",
    "time_zone": "UTC",
}
SERVICE_KEYS = tuple(f"service-key/{kind.name}" for kind in SERVICES)


async def keys(stack: Stack, *words: str) -> tuple[int, str]:
    """Exit code and standard output; the error's sentences if it has failed."""
    command = ["--folder", str(stack.folder), "keys", *words]
    ended = await asyncio.to_thread(CliRunner().invoke, app, command)
    return ended.exit_code, ended.stdout if ended.exit_code == 0 else ended.stderr


async def step(stack: Stack, *words: str) -> list[dict[str, Any]]:
    """The changed keys, as JSON describes them."""
    code, shown = await keys(stack, *words, "--yes", "--json")
    assert code == 0, shown
    described: list[dict[str, Any]] = json.loads(shown)["keys"]
    return described


@dataclass
class Load:
    """Requests that run until the end of the test."""

    a_shop: Shop
    visit: Visit
    counts: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        stream = asyncio.create_task(self._stream())
        loops = (self._overview, self._preview, self._pages, self._operator, self._links, self._commands, self._customers)
        tasks = [asyncio.create_task(self._repeat(loop)) for loop in loops]
        try:
            yield
            assert not stream.done(), "the stream of the page ended"
        finally:
            for task in (*tasks, stream):
                task.cancel()
            await asyncio.gather(*tasks, stream, return_exceptions=True)

    async def every_loop_again(self) -> None:
        """Wait until each loop has completed a run that began after now."""
        before = dict(self.counts)
        async with asyncio.timeout(200):
            while self.failures == [] and any(self.counts.get(name, 0) < before.get(name, 0) + 2 for name in before):
                await asyncio.sleep(0.05)

    async def _repeat(self, request: Callable[[], Awaitable[None]]) -> None:
        name = request.__name__
        self.counts[name] = 0
        while True:
            try:
                await request()
            except Exception as error:
                self.failures.append(f"{name}: {type(error).__name__}: {error}")
            self.counts[name] += 1
            await asyncio.sleep(0.25)

    async def _stream(self) -> None:
        async with self.visit.browser.stream("GET", "/api/stream", timeout=None) as response:
            async for _ in response.aiter_bytes():
                pass

    async def _overview(self) -> None:
        await self.visit.overview()

    async def _preview(self) -> None:
        """The gateway calls another service with its token."""
        subscription = self.visit.customer.subscription
        answer = await self.visit.browser.get(f"/api/subscriptions/{subscription}/cancellation/preview")
        assert answer.status_code == 200, answer.text

    async def _pages(self) -> None:
        backend = self.a_shop.backend
        first = await backend.call("subscriptions", "GET", "/v1/plans?limit=1")
        await backend.call("subscriptions", "GET", f"/v1/plans?limit=1&cursor={first['next_cursor']}")

    async def _operator(self) -> None:
        async with self.a_shop.stack.operator() as operator:
            await operator.call("subscriptions", "GET", f"/v1/merchants/{self.a_shop.id}")

    async def _links(self) -> None:
        link = await self.a_shop.backend.portal_link(self.visit.customer.id)
        assert await entered(self.a_shop.stack, link) == 204

    async def _commands(self) -> None:
        path = f"/v1/subscriptions/{self.visit.customer.subscription}/cancellation"
        await self.a_shop.backend.call("subscriptions", "POST", path, json={})
        await self.a_shop.backend.call("subscriptions", "DELETE", path)

    async def _customers(self) -> None:
        """A new customer's invoice gets a new data key, and is paid."""
        backend = self.a_shop.backend
        id = await backend.create("customers", {"name": "Ana", "email": "ana@example.com"})
        await backend.attach_card(id, "tok_visa")
        subscription = await backend.create("subscriptions", {"customer_id": id, "plan_id": self.a_shop.plan})
        # The machine may be busy: no time is part of the expectation.
        await eventually(Customer(self.a_shop, id, subscription).status, lambda status: status == "active", 120)


async def entered(stack: Stack, link: str) -> int:
    """The status of an attempt to enter the portal."""
    origin = stack.urls["portal-gateway"]
    async with http_client(headers={"origin": origin}, timeout=30) as browser:
        return (await browser.post(f"{origin}/api/session", json={"token": link})).status_code


@dataclass
class Before:
    """What was made before the rotation."""

    stack: Stack
    a_shop: Shop
    customer: Customer
    link: dict[str, Any]
    cursor: str
    operator_key: str
    private_keys: dict[str, Any]
    registered: dict[str, Any]
    issued: dict[str, Any]
    invoice: str

    @classmethod
    async def rotation(cls, a_shop: Shop, customer: Customer) -> "Before":
        stack = a_shop.stack
        invoice = (await customer.invoices())[0]["id"]
        first = await a_shop.backend.call("subscriptions", "GET", "/v1/plans?limit=1")
        before = cls(
            stack,
            a_shop,
            customer,
            {},
            first["next_cursor"],
            stack.state["operator_key"],
            read_json(Folder(stack.folder).secrets)["services"],
            {},
            {},
            invoice,
        )
        before.link = (await before.link_again()).json()
        before.registered = (await before.registration_again(before.operator_key)).json()
        before.issued = (await before.key_again()).json()
        return before

    async def link_again(self) -> httpx.Response:
        body = {"customer_id": self.customer.id, "kind": "portal"}
        return await self._call("portal-gateway", "POST", "/v1/portal-links", self.a_shop.backend.key, json=body)

    async def registration_again(self, operator_key: str) -> httpx.Response:
        return await self._call("subscriptions", "POST", "/v1/merchants", operator_key, json=MERCHANT)

    async def key_again(self) -> httpx.Response:
        return await self._call("subscriptions", "POST", "/v1/keys", self.a_shop.backend.key, json={})

    async def next_page(self) -> int:
        path = f"/v1/plans?limit=1&cursor={self.cursor}"
        return (await self._call("subscriptions", "GET", path, self.a_shop.backend.key)).status_code

    async def as_operator(self) -> int:
        return (await self._call("subscriptions", "GET", f"/v1/merchants/{self.a_shop.id}", self.operator_key)).status_code

    async def as_service(self, service: str) -> int:
        """The status of a service's request to invoicing with a token of the old key."""
        token = Signer(service, json.dumps(self.private_keys[service])).token("invoicing", merchant_id=UUID(self.a_shop.id))
        return (await self._call("invoicing", "GET", f"/v1/invoices/{self.invoice}", token)).status_code

    async def document(self) -> int:
        """The status of the invoice's PDF, which shows the buyer."""
        path = f"/v1/invoices/{self.invoice}/pdf"
        return (await self._call("invoicing", "GET", path, self.a_shop.backend.key)).status_code

    async def _call(self, service: str, method: str, path: str, credential: str, **sent: Any) -> httpx.Response:
        headers = (
            {"authorization": f"Bearer {credential}", "idempotency-key": "rotation"}
            if method == "POST"
            else {"authorization": f"Bearer {credential}"}
        )
        async with http_client(timeout=60) as client:
            return await client.request(method, f"{self.stack.urls[service]}{path}", headers=headers, **sent)


async def test_all_keys_are_rotated_under_load(stack: Stack, a_shop: Shop) -> None:
    customer = await a_shop.customer()
    await a_shop.backend.create("plans", {**PREMIUM, "name": "Another plan"})
    before = await Before.rotation(a_shop, customer)
    async with customer.portal() as visit:
        load = Load(a_shop, visit)
        async with load.running():
            for name in ("cursor-key", SERVICE_KEYS[0]):
                assert (await keys(stack, "rotate", name, "--yes"))[0] == 2
                assert (await keys(stack, "retire", name, "--yes"))[0] == 2
            described = await step(stack, "new", "all")
            assert {len(key["ids"]) for key in described} == {2}
            assert (await keys(stack, "new", "link-pepper", "--yes"))[0] == 2
            await load.every_loop_again()

            for names in ([*SERVICE_KEYS], ["operator-key"], ["cursor-key"], ["link-pepper"], ["key-encryption-key"]):
                old = {key["name"]: key["ids"] for key in described}
                for key in await step(stack, "rotate", *names):
                    assert key["ids"] == old[key["name"]][::-1]
            await load.every_loop_again()
            await everything_is_valid(before)

            code, sentence = await keys(stack, "retire", "key-encryption-key", "--yes")
            assert code == 2
            assert "portalctl keys rewrap" in sentence
            assert (await keys(stack, "rewrap", "--yes"))[0] == 0

            await step(stack, "retire", "operator-key")
            assert await before.as_operator() == 401
            await step(stack, "retire", "cursor-key")
            assert await before.next_page() == 422
            assert (await before.key_again()).json()["code"] == "key_cannot_be_shown"
            await step(stack, "retire", "link-pepper")
            assert await entered(stack, before.link["url"]) == 401
            assert (await before.link_again()).json()["code"] == "link_cannot_be_shown"
            await step(stack, "retire", "key-encryption-key")
            assert await before.document() == 200
            for key in await step(stack, "retire", *SERVICE_KEYS):
                assert await before.as_service(key["name"].rpartition("/")[2]) == 401
            await load.every_loop_again()
        assert load.failures == []
        assert (await visit.overview())["subscriptions"]
    assert {key["state"] for key in json.loads((await keys(stack, "list", "--json"))[1])["keys"]} == {"one"}
    await every_data_key_is_under_one(stack)


async def everything_is_valid(before: Before) -> None:
    assert await entered(before.stack, before.link["url"]) == 204
    assert (await before.link_again()).json() == before.link
    assert await before.next_page() == 200
    assert await before.as_operator() == 200
    assert (await before.registration_again(before.stack.state["operator_key"])).json() == before.registered
    assert (await before.key_again()).json() == before.issued
    assert await before.document() == 200
    assert 401 not in [await before.as_service(kind.name) for kind in SERVICES]


async def every_data_key_is_under_one(stack: Stack) -> None:
    connection = await asyncpg.connect(stack.state["postgres"]["invoicing"])
    try:
        assert len(await connection.fetch("SELECT DISTINCT wrapped_by FROM customer_keys")) == 1
    finally:
        await connection.close()
