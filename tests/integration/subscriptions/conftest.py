from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from httpx import AsyncClient
from integration.subscriptions.stack import Stack, running

from support.databases import fresh_database
from support.service import OPERATOR

TECHSOLUTIONS: dict[str, Any] = {
    "name": "TechSolutions Inc.",
    "legal": {"name": "TechSolutions Inc.", "address": "1 Main Street\nSpringfield", "tax_id": "US-123456789"},
    "locale": "es-MX",
    "time_zone": "America/Mexico_City",
    "branding": {"colour": "#285cc2", "contact_email": "soporte@techsolutions.example"},
    "clock_starts_at": "2023-01-14T06:00:00Z",
}
PREMIUM: dict[str, Any] = {
    "name": "Premium Mensual",
    "description": "Suscripción mensual renovable",
    "price": {"amount_minor": 2999, "currency": "USD"},
    "interval": {"unit": "month", "count": 1},
}
ANA: dict[str, Any] = {"name": "Ana García", "email": "ana@example.com", "locale": "es-MX", "country": "MX"}


@dataclass
class Shop:
    """A merchant with a plan and a customer."""

    stack: Stack
    id: str
    key: str
    http: AsyncClient
    plan: str
    ana: str

    async def subscribe(self, **more: Any) -> dict[str, Any]:
        answer = await self.http.post("/v1/subscriptions", json={"customer_id": self.ana, "plan_id": self.plan, **more})
        assert answer.status_code == 201, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def read(self, id: str) -> dict[str, Any]:
        body: dict[str, Any] = (await self.http.get(f"/v1/subscriptions/{id}")).json()
        return body

    async def advance(self, to: str) -> dict[str, Any]:
        answer = await self.http.post("/v1/test-clock/advance", json={"to": to})
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def event_names(self, aggregate: str) -> list[str]:
        """The names of the events that the aggregate announced."""
        events = (await self.http.get(f"/v1/streams/{aggregate}")).json()["events"]
        return [event["type"].split(".")[2] for event in events]


@pytest.fixture(scope="session")
async def shared_stack(postgres_url: str) -> AsyncIterator[Stack]:
    async with fresh_database(postgres_url) as database, running(database) as stack:
        yield stack


@pytest.fixture
async def stack(shared_stack: Stack) -> AsyncIterator[Stack]:
    """One stack for all tests; each test creates its own merchants. Charges succeed at once unless a test configures them."""
    yield shared_stack
    shared_stack.obey()


async def registered(stack: Stack, **changes: Any) -> dict[str, Any]:
    operator = {"authorization": f"Bearer {OPERATOR}"}
    answer = await stack.http.post("/v1/merchants", json={**TECHSOLUTIONS, **changes}, headers=operator)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def opened(stack: Stack, **changes: Any) -> Shop:
    merchant = await registered(stack, **changes)
    http = stack.merchant(merchant["api_key"])
    plan = (await http.post("/v1/plans", json=PREMIUM)).json()["id"]
    ana = (await http.post("/v1/customers", json=ANA)).json()["id"]
    return Shop(stack, merchant["id"], merchant["api_key"], http, plan, ana)


@pytest.fixture
async def shop(stack: Stack) -> Shop:
    return await opened(stack)
