"""Customers who use the portal while something fails, and what they were answered."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any
from uuid import uuid4

import httpx

from portalctl.local.errors import StackError
from support.http_client import http_client
from support.system_stack import CARDS, Customer, Json, Shop, Visit, eventually

PAUSE_SECONDS = (1.0, 2.0)
"""Between two actions of a customer."""
CHANGES = 0.06
"""The part of a customer's actions that are commands. The portal permits 60 of a kind in an hour."""
_BACK_END_SECONDS = 0.2
"""Between two commands of a merchant's back end."""
_RETRY_SECONDS = 0.3
_DEFINITE_SECONDS = 120
_TOGETHER = 5
"""Customers created at a time."""


class DueChanged(Exception):
    """The portal refused a confirmation, because other invoices are due than it showed."""


@dataclass
class Measurement:
    """The answers during one fault. Times are those of the event loop, in seconds."""

    began: float
    pages: list[tuple[float, bool]] = field(default_factory=list)
    """When a page was answered or failed, and whether it was served."""
    commands: list[tuple[float, bool]] = field(default_factory=list)
    """The same for each request of a command; a failed one is repeated with the same key until it is accepted."""

    @staticmethod
    def failed(answers: Sequence[tuple[float, bool]]) -> int:
        return sum(not served for _, served in answers)

    def longest_gap(self, answers: Sequence[tuple[float, bool]], ended: float) -> float:
        """The longest time without a served request."""
        instants = sorted([self.began, *(at for at, served in answers if served), ended])
        return max(later - earlier for earlier, later in pairwise(instants))


@dataclass
class Shopper:
    """A customer with an open portal. `accepted` are the commands that were answered with success, in order."""

    customer: Customer
    visit: Visit
    changes: Callable[["Shopper"], Awaitable[None]]
    accepted: list[str] = field(default_factory=list)
    measurement: Measurement = field(default_factory=lambda: Measurement(0))

    async def use(self, stop: asyncio.Event) -> None:
        """Read the page, and change something now and then, until `stop`."""
        await asyncio.sleep(random.uniform(0, PAUSE_SECONDS[1]))
        while not stop.is_set():
            if random.random() < CHANGES:
                await self.changes(self)
            else:
                await self.read()
            await asyncio.sleep(random.uniform(*PAUSE_SECONDS))

    async def read(self) -> Json | None:
        """The overview, or None if it was not served."""
        answer = await self._ask("GET", "/api/overview")
        served = answer is not None and answer.status_code == httpx.codes.OK
        self.measurement.pages.append((_now(), served))
        return dict(answer.json()) if answer is not None and served else None

    async def command(self, name: str, method: str, path: str, **sent: Any) -> Json:
        """Send the command until its outcome is known, with one key."""
        headers = {"idempotency-key": uuid4().hex}
        async with asyncio.timeout(_DEFINITE_SECONDS):
            while True:
                answer = await self._ask(method, path, headers=headers, **sent)
                accepted = answer is not None and answer.is_success
                self.measurement.commands.append((_now(), accepted))
                if answer is not None and accepted:
                    self.accepted.append(name)
                    return dict(answer.json()) if answer.content else {}
                if answer is not None and answer.status_code == httpx.codes.CONFLICT and answer.json()["code"] == "due_changed":
                    raise DueChanged
                if answer is not None and answer.is_client_error:
                    raise AssertionError(f"{name} was refused: {answer.status_code} {answer.text}")
                await asyncio.sleep(_RETRY_SECONDS)

    async def _ask(self, method: str, path: str, **sent: Any) -> httpx.Response | None:
        with suppress(httpx.TransportError):
            return await self.visit.browser.request(method, path, **sent)
        return None


async def switch_cancellation(shopper: Shopper) -> None:
    """Schedule a cancellation, or withdraw it."""
    path = f"/api/subscriptions/{shopper.customer.subscription}/cancellation"
    if shopper.accepted[-1:] == ["cancelled"]:
        await shopper.command("kept", "DELETE", path)
    else:
        await shopper.command("cancelled", "POST", path, json={})


async def change_card(shopper: Shopper) -> None:
    """Enter a card on the card page and use it. When an invoice became due meanwhile, the portal asks to confirm again."""
    brand = random.choice(("visa", "mastercard"))
    while True:
        setup, token = await _enter_card(shopper, brand)
        listed = [due["invoice_id"] for due in setup["due"]]
        body = {"setup_id": setup["setup_id"], "token": token, "charge_invoices": listed}
        with suppress(DueChanged):
            await shopper.command(brand, "PUT", "/api/payment-method", json=body)
            return


async def _enter_card(shopper: Shopper, brand: str) -> tuple[Json, str]:
    """The set-up and the card's token. A failure stores nothing, so the customer begins again."""
    async with asyncio.timeout(_DEFINITE_SECONDS):
        while True:
            with suppress(httpx.TransportError, KeyError, ValueError):
                setup, typed = await shopper.visit.type_card(CARDS[brand])
                if typed.is_success:
                    return setup, str(typed.json()["token"])
            shopper.measurement.commands.append((_now(), False))
            await asyncio.sleep(_RETRY_SECONDS)


@asynccontextmanager
async def shoppers(shop: Shop, count: int, changes: Callable[[Shopper], Awaitable[None]]) -> AsyncIterator[list[Shopper]]:
    """Customers of the shop with a paid subscription and an open portal."""
    async with AsyncExitStack() as closing:
        limit = asyncio.Semaphore(_TOGETHER)

        async def create() -> Shopper:
            async with limit:
                customer = await shop.customer(seconds=_DEFINITE_SECONDS)
                return Shopper(customer, await closing.enter_async_context(customer.portal()), changes)

        yield list(await asyncio.gather(*(create() for _ in range(count))))


async def create_customers(shop: Shop, measurement: Measurement, stop: asyncio.Event) -> None:
    """A merchant's back end creates customers one after the other. Each accepted one must exist at the end."""
    created: dict[str, str] = {}
    async with http_client(headers={"authorization": f"Bearer {shop.backend.key}"}, timeout=30) as client:
        url = f"{shop.stack.urls['subscriptions']}/v1/customers"
        while not stop.is_set():
            name = uuid4().hex
            body = {"name": name, "email": "ana@example.com"}
            async with asyncio.timeout(_DEFINITE_SECONDS):
                while name not in created:
                    answer = None
                    with suppress(httpx.TransportError):
                        answer = await client.post(url, json=body, headers={"idempotency-key": name})
                    accepted = answer is not None and answer.is_success
                    measurement.commands.append((_now(), accepted))
                    if answer is not None and accepted:
                        created[name] = answer.json()["id"]
                    await asyncio.sleep(_BACK_END_SECONDS)
    for name, id in created.items():
        assert (await shop.backend.call("subscriptions", "GET", f"/v1/customers/{id}"))["name"] == name


@asynccontextmanager
async def in_use(people: Sequence[Shopper]) -> AsyncIterator[Measurement]:
    """All of them use the portal during the block, and each finishes what it has begun."""
    measurement, stop = Measurement(_now()), asyncio.Event()
    for shopper in people:
        shopper.measurement = measurement
    async with asyncio.TaskGroup() as tasks:
        for shopper in people:
            tasks.create_task(shopper.use(stop))
        tasks.create_task(create_customers(people[0].customer.shop, measurement, stop))
        yield measurement
        stop.set()


async def advance_clock(shop: Shop, to: datetime, seconds: float = 240) -> None:
    """Move the merchant's clock, and try again while no service answers."""
    async with asyncio.timeout(seconds):
        while True:
            with suppress(StackError, httpx.TransportError):
                await shop.backend.advance_clock(to)
                return
            await asyncio.sleep(_RETRY_SECONDS)


async def assert_kept(shopper: Shopper) -> None:
    """Each accepted command took effect once, and the page shows the last one."""
    names = await shopper.customer.status_events()
    assert names.count("SubscriptionCancellationScheduled") == shopper.accepted.count("cancelled")
    assert names.count("SubscriptionCancellationWithdrawn") == shopper.accepted.count("kept")
    cards = [name for name in shopper.accepted if name in CARDS]
    is_cancelled = [name for name in shopper.accepted if name in ("cancelled", "kept")][-1:] == ["cancelled"]

    def shows_last_command(page: Json) -> bool:
        [subscription] = page["subscriptions"]
        card_is_shown = not cards or page["payment_method"]["last4"] == CARDS[cards[-1]][-4:]
        return card_is_shown and bool(subscription["cancellation"]) == is_cancelled

    await shopper.visit.sees(shows_last_command, 90)


async def assert_charged_once(shopper: Shopper, periods: int) -> None:
    """Every invoice is paid by one charge."""
    paid = await eventually(
        shopper.customer.invoices, lambda rows: len(rows) == periods and all(row["status"] == "paid" for row in rows), 120
    )
    charges = await shopper.customer.charges()
    assert sorted(each["amount_minor"] for each in charges) == sorted(each["total"]["amount_minor"] for each in paid)


def _now() -> float:
    return asyncio.get_running_loop().time()
