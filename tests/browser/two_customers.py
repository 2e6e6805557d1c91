"""Ana and Diego, customers of one company, on a composed gateway with sessions in a real database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from playwright.async_api import Page
from starlette.responses import JSONResponse

from billing_contracts import customers, payments, subscriptions
from billing_contracts.envelope import EventData
from billing_contracts.money import Money
from support.databases import fresh_database
from support.portal_gateway import story
from support.portal_gateway.gateway import Gateway, Merchant, gateway_on

DIEGO = UUID("0190a000-0000-7000-8000-0000000000d1")
DIEGOS = uuid5(DIEGO, "subscription")
DIEGOS_PROFILE = customers.CustomerProfile(name="Diego Ruiz", email="diego@example.com", locale="es-MX", country="MX")
PRICE = Money(amount_minor=990, currency="USD")
BASIC = story.PREMIUM.model_copy(update={"id": uuid5(DIEGO, "plan"), "name": "Básico Mensual", "price": PRICE})
CHANGES = {"POST", "PUT", "PATCH", "DELETE"}


@dataclass
class TwoCustomers:
    gateway: Gateway
    company: Merchant

    async def ana(self, **options: Any) -> str:
        """A new link of Ana's."""
        return await self.company.link(story.ANA, **options)

    async def diego(self, **options: Any) -> str:
        return await self.company.link(DIEGO, **options)

    async def open_sessions(self) -> int:
        count: int = await self.gateway.pool.fetchval(
            "SELECT count(*) FROM portal_session WHERE merchant_id = $1 AND ended_at IS NULL", self.company.id
        )
        return count

    def commands_sent(self) -> list[tuple[str, str]]:
        """Methods and paths of the commands that the gateway sent to the owners."""
        return [(method, path) for method, path, _, _ in self.gateway.owners.requests if method in CHANGES]


@asynccontextmanager
async def gateway(postgres_url: str) -> AsyncIterator[Gateway]:
    async with fresh_database(postgres_url, "portal_gateway") as database, gateway_on(database) as running:
        yield running


async def create(gateway: Gateway) -> TwoCustomers:
    """Create a company with both customers on a gateway that other tests share."""
    gateway.owners.answers.clear()
    gateway.owners.requests.clear()
    await gateway.pool.execute("DELETE FROM use_of_limit")
    company = await gateway.merchant()
    visa = payments.PaymentMethodUpdated(payment_method=story.VISA)
    await company.tell(
        story.profile(), story.started(), story.renewal_due(5), visa, story.issued(5), story.paid(5), story.renewed(5)
    )
    await _tell_of_diego(company, "customer", DIEGO, DIEGOS_PROFILE)
    active = subscriptions.Status.ACTIVE
    begun = subscriptions.SubscriptionStarted(status=active, plan=BASIC, started_at=story.day(4), period=story.period(4))
    await _tell_of_diego(company, "subscription", DIEGOS, begun)
    preview = {
        "mode": "at_period_end",
        "effective_at": "2023-06-14T09:00:00Z",
        "access_until": "2023-06-14T09:00:00Z",
        "open_amount": None,
        "open_invoices": None,
    }
    for subscription in (story.SUBSCRIPTION, DIEGOS):
        gateway.owners.answers["GET", f"/v1/subscriptions/{subscription}/cancellation/preview"] = JSONResponse(preview)
    return TwoCustomers(gateway, company)


async def _tell_of_diego(company: Merchant, kind: str, id: UUID, event: EventData) -> None:
    await company.tell(event, subject=f"{kind}-{id}", customer=DIEGO)


async def has_no_data_of_ana(page: Page) -> bool:
    """Whether the document contains no data of Ana's."""
    document = await page.content()
    return not [each for each in ("Ana García", "ana@", "a…@", "Premium", "4242", "29.99", "TS-0000") if each in document]
