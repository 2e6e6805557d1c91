"""Comparison with Kill Bill on the same PostgreSQL server: processor time of an overview, a new subscription and a renewal.

Opt-in, because it downloads 70 MB. The side that is not measured is suspended. docs/performance.md describes both sides.
"""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice, repeat
from typing import Final, TypeVar

import asyncpg

from bench.clones import Original
from bench.killbill import HEADERS, USER, KillBill, killbill
from bench.killbill_setup import NAME, software
from bench.load import Call, load
from bench.measuring import Figures, Line, Row, Target
from bench.renewals import count_paid, due_by_the_month, prepare_due, renew
from bench.rows.overview import Endpoint, visitor
from bench.stack import Shop, portal, processes, suspended, until_quiet
from bench.usage import Meter
from portalctl.local.folder import Folder
from portalctl.local.layout import layout_as_started
from support.system_stack import JANUARY, Stack, shop

T = TypeVar("T")

WARM: Final = 5_000
"""Requests before the first measured one, so that the JVM has compiled their code."""
WARM_CREATED: Final = 100
"""Subscriptions that are created and renewed before the measured ones."""
MONTHS: Final = 12
VISITS: Final = 300
"""Overviews of Kill Bill per round."""
OUR_VISITS: Final = 10 * VISITS
"""Ours per round: more, because processor time is counted in steps of 10 ms."""
DUE: Final = 500
"""New subscriptions and renewals per round."""
CONNECTIONS: Final = 8
GROUP: Final = 16
LIMIT_SECONDS: Final = 900.0
"""Limit of a step."""
REDUCED: Final = 1
"""Iterations of the hash of a tenant's secret, instead of 200 000."""
DEFAULT: Final = f"{NAME}, default hashing"
PLAN: Final = "premium-monthly"


@dataclass(slots=True)
class Rival:
    """A Kill Bill server with one visitor, who has as many invoices as our customer."""

    server: KillBill
    visitor: str
    subscriptions: int = 0
    payments: int = 0

    async def subscribe(self, accounts: Iterable[str]) -> int:
        """Create a subscription for each account and wait until all are paid. Returns their number."""
        bodies = [{"accountId": account, "planName": PLAN} for account in accounts]
        await _in_groups(self.server.create("/subscriptions", body) for body in bodies)
        self.subscriptions += len(bodies)
        self.payments += len(bodies)
        await self._until_paid()
        return len(bodies)

    async def renew(self) -> int:
        """Move the clock by a month, so that every subscription is due, and wait until all are paid. Returns their number."""
        await self.server.call("PUT", "/test/clock", months=1, timeoutSec=1)
        self.payments += self.subscriptions
        await self._until_paid()
        return self.subscriptions

    async def _until_paid(self) -> None:
        watching = await asyncpg.connect(self.server.database)
        try:
            async with asyncio.timeout(LIMIT_SECONDS):
                while await watching.fetchval("SELECT count(*) FROM invoice_payments WHERE success") < self.payments:
                    await asyncio.sleep(0.5)
        finally:
            await watching.close()


@asynccontextmanager
async def opened() -> AsyncIterator[Row]:
    parts = await asyncio.to_thread(software)  # before any server starts, because it may download
    async with portal() as seller, visitor(seller) as endpoints, shop(seller.stack) as other:
        monthly = await due_by_the_month(await other.customer())
        await renew("warm", monthly, await prepare_due(monthly, WARM_CREATED))
        await _overviews(endpoints["overview"])
        stack, admin = seller.stack, layout_as_started(Folder(seller.stack.folder)).admin_url
        async with (
            killbill(parts, admin, stack.folder / "killbill", "killbill", REDUCED) as reduced,
            killbill(parts, admin, stack.folder / "killbill-default", "killbill_default", None) as default,
        ):
            with suspended(stack):
                rivals = [await _prepare(server) for server in (reduced, default)]
                with reduced.awake():
                    await rivals[0].subscribe(await _create_accounts(reduced, WARM_CREATED))
                    await rivals[0].renew()
            yield Row(
                [
                    partial(_overviews, endpoints["overview"]),
                    partial(_their_overviews, stack, rivals[0], NAME),
                    partial(_their_overviews, stack, rivals[1], DEFAULT),
                    partial(_created, other),
                    partial(_their_created, stack, rivals[0]),
                    partial(_renewed, monthly),
                    partial(_their_renewed, stack, rivals[0]),
                ],
                _lines(),
            )


def _lines() -> list[Line]:
    return [
        _times(f"overview: three GETs of {NAME} ÷ ours", "overview", f"{NAME}: overview", Target(at_least=25)),
        _times("overview: the same with its default password hashing ÷ ours", "overview", f"{DEFAULT}: overview"),
        _times(f"new subscription until paid: {NAME} ÷ ours", "creation", f"{NAME}: creation"),
        _times(f"renewal until paid, {DUE} due or more: {NAME} ÷ ours", "renewal", f"{NAME}: renewal", Target(at_least=8)),
    ]


def _times(text: str, ours: str, other: str, target: Target | None = None) -> Line:
    return Line(f"{text}, CPU", f"{ours}, CPU", f"{other}, CPU", "µs", target, inverted=True)


async def _prepare(server: KillBill) -> Rival:
    """Create the plan, a visitor with a payment method and a year of paid invoices, and warm up the JVM."""
    with server.awake():
        await server.call("POST", "/test/clock", requestedDate=f"{JANUARY:%Y-%m-%dT%H:%M:%S.000Z}")
        await server.create("/catalog/simplePlan", _PLAN)
        [account] = await _create_accounts(server, 1)
        rival = Rival(server, account)
        await rival.subscribe([account])
        for _ in range(MONTHS):
            await rival.renew()
        await _visits(rival, WARM // 3)
        return rival


_PLAN: Final = {
    "planId": PLAN,
    "productName": "Premium",
    "productCategory": "BASE",
    "currency": "USD",
    "amount": 29.99,
    "billingPeriod": "MONTHLY",
    "trialLength": 0,
    "trialTimeUnit": "UNLIMITED",
}


async def _create_accounts(server: KillBill, count: int) -> list[str]:
    """Create accounts with a payment method that succeeds without a provider."""

    async def account() -> str:
        body = {"name": "Lucía Prueba", "email": "lucia@example.com", "currency": "USD"}
        id = await server.create("/accounts", body | {"locale": "es_MX", "timeZone": "America/Mexico_City"})
        await server.create(f"/accounts/{id}/paymentMethods", {"pluginName": "__EXTERNAL_PAYMENT__"}, isDefault="true")
        return id

    return await _in_groups(account() for _ in range(count))


async def _in_groups(work: Iterable[Awaitable[T]]) -> list[T]:
    """Run the work a few at a time."""
    waiting, done = iter(work), list[T]()
    while some := list(islice(waiting, GROUP)):
        done += await asyncio.gather(*some)
    return done


async def _visits(rival: Rival, count: int) -> None:
    """Request the account with its balance, subscriptions, and invoices with items: about the content of our overview."""
    url = f"{rival.server.url}/accounts/{rival.visitor}"
    headers = {**HEADERS, "authorization": f"Basic {b64encode(':'.join(USER).encode()).decode()}", "accept": "application/json"}
    paths = f"{url}?accountWithBalance=true", f"{url}/bundles", f"{url}/invoices"
    calls = [Call.of("GET", path, headers) for path in paths]
    async with asyncio.timeout(LIMIT_SECONDS):
        (await load(url, islice(cycle(calls), len(calls) * count), connections=CONNECTIONS)).expect(200)


async def _overviews(endpoint: Endpoint) -> Figures:
    meter = Meter(endpoint.processes)
    (await load(endpoint.url, repeat(endpoint.call, OUR_VISITS), connections=CONNECTIONS)).expect(200)
    return meter.each("overview", OUR_VISITS)


async def _their_overviews(stack: Stack, rival: Rival, name: str) -> Figures:
    with suspended(stack), rival.server.awake():
        meter = _meter(stack, rival)
        await _visits(rival, VISITS)
        return meter.each(f"{name}: overview", VISITS)


async def _created(seller: Shop) -> Figures:
    """Customers with a card subscribe. Processor time counts until all work has finished."""
    stack = seller.stack

    async def customer() -> str:
        id = await seller.backend.create("customers", {"name": "Lucía Prueba", "email": "lucia@example.com", "locale": "es-419"})
        await seller.backend.attach_card(id, "tok_visa")
        return id

    customers = await _in_groups(customer() for _ in range(DUE))
    await until_quiet(stack)
    watching = await asyncpg.connect(stack.state["postgres"]["subscriptions"])
    try:
        meter = Meter(processes(stack))
        bodies = [{"customer_id": id, "plan_id": seller.plan} for id in customers]
        subscriptions = await _in_groups(seller.backend.create("subscriptions", body) for body in bodies)
        async with asyncio.timeout(LIMIT_SECONDS):
            while await count_paid(watching, seller, subscriptions, periods=1) < DUE:
                await asyncio.sleep(0.5)
    finally:
        await watching.close()
    await until_quiet(stack)
    return meter.each("creation", DUE)


async def _their_created(stack: Stack, rival: Rival) -> Figures:
    with suspended(stack), rival.server.awake():
        accounts = await _create_accounts(rival.server, DUE)
        meter = _meter(stack, rival)
        return meter.each(f"{NAME}: creation", await rival.subscribe(accounts))


async def _renewed(monthly: Original) -> Figures:
    async with asyncio.timeout(LIMIT_SECONDS):
        return await renew("renewal", monthly, await prepare_due(monthly, DUE))


async def _their_renewed(stack: Stack, rival: Rival) -> Figures:
    with suspended(stack), rival.server.awake():
        meter = _meter(stack, rival)
        return meter.each(f"{NAME}: renewal", await rival.renew())


def _meter(stack: Stack, rival: Rival) -> Meter:
    return Meter({**rival.server.processes, **processes(stack, "postgres")})
