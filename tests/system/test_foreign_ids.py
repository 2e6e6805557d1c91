"""Ids of another merchant or customer get the same answer as unknown ids, on every route."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest

from support.api_operations import SERVICES, Json, Operation, Person, operations, signed, unknown_id
from support.http_client import http_client
from support.system_stack import Stack, shop

FOR_SERVICES = {"digest", "media"}
"""Only services look keys up; every caller who knows the hash may read a picture."""
FOR_CUSTOMERS = {
    "/v1/customers/{customer_id}/invoices/{invoice_id}/authentication",
    "/v1/one-time-payments/{charge_id}/authentication",
}
"""Only the customer can be present at a charge, so a merchant's credential is refused."""
ALLOWED = {("a neighbour", "plan"), ("a namesake at another merchant", "customer")}
"""Allowed: all customers of a merchant see its plans, and a customer id in a service token is the caller's own."""


@dataclass
class Customers:
    stack: Stack
    ana: Person
    neighbour: Person
    """Another customer of the same merchant."""
    stranger: Person
    """A customer of another merchant."""

    def callers(self, service: str) -> dict[str, httpx.Headers]:
        ana, neighbour, stranger = self.ana, self.neighbour, self.stranger
        return {
            "another merchant": stranger.back_end,
            "a neighbour": signed(self.stack, service, neighbour.shop.id, neighbour.customer.id),
            "another merchant's customer": signed(self.stack, service, stranger.shop.id, stranger.customer.id),
            "a namesake at another merchant": signed(self.stack, service, stranger.shop.id, ana.customer.id),
        }


@pytest.fixture(scope="session")
async def customers(stack: Stack) -> AsyncIterator[Customers]:
    async with shop(stack) as one, shop(stack) as other:
        yield Customers(stack, await Person.create(one), await Person.create(one), await Person.create(other))


async def send(client: httpx.AsyncClient, operation: Operation, id: str) -> tuple[int, Any]:
    answer = await client.request(operation.method, operation.url(id), **operation.sent)
    return answer.status_code, answer.json() if answer.is_error else answer.text


@pytest.mark.parametrize("service", SERVICES)
async def test_foreign_ids_get_the_answer_of_unknown_ids(customers: Customers, service: str) -> None:
    before = await customers.ana.trace()
    tested_operations = [
        each
        for each in operations(await customers.stack.description(service))
        if "{" in each.path and each.path.startswith("/v1/")
    ]
    assert tested_operations
    for who, headers in customers.callers(service).items():
        async with http_client(base_url=customers.stack.urls[service], headers=headers) as client:
            for operation in tested_operations:
                if (who, operation.kind) in ALLOWED:
                    continue
                unknown = await send(client, operation, unknown_id(operation.kind))
                foreign = await send(client, operation, customers.ana.ids[operation.kind])
                assert foreign == unknown, f"{who}: {operation}"
                # callers who may not use the route at all get 403 for every id
                usable = operation.kind not in FOR_SERVICES and operation.path not in FOR_CUSTOMERS
                refused = {404} if who == "another merchant" and usable else {403, 404}
                assert foreign[0] in refused, f"{who}: {operation} answered {foreign}"
    assert await customers.ana.trace() == before


@pytest.mark.parametrize("service", SERVICES)
async def test_the_owner_finds_the_same_ids(customers: Customers, service: str) -> None:
    async with http_client(base_url=customers.stack.urls[service], headers=customers.ana.back_end) as client:
        for operation in operations(await customers.stack.description(service)):
            if operation.method != "GET" or "{" not in operation.path or not operation.path.startswith("/v1/"):
                continue
            if operation.kind not in FOR_SERVICES:
                assert (await send(client, operation, customers.ana.ids[operation.kind]))[0] == 200, operation


async def test_foreign_ids_in_the_portal_are_not_found(customers: Customers) -> None:
    portal_operations = [
        each for each in operations(await customers.stack.description("portal-gateway")) if each.path.startswith("/api/")
    ]
    for other in (customers.neighbour, customers.stranger):
        async with other.customer.portal() as visit:
            before = await customers.ana.trace()
            for operation in portal_operations:
                if "{" in operation.path:
                    foreign = await send(visit.browser, operation, customers.ana.ids[operation.kind])
                    assert foreign == await send(visit.browser, operation, unknown_id(operation.kind)), operation
                    assert foreign[0] == 404, operation
            for page in ("/invoices/{}", "/invoices/{}.pdf", "/subscriptions/{}/cancel"):
                kind = "invoice" if "invoice" in page else "subscription"
                foreign_page = await visit.browser.get(page.format(customers.ana.ids[kind]))
                unknown_page = await visit.browser.get(page.format(unknown_id(kind)))
                assert (foreign_page.status_code, without_seconds(foreign_page.text)) == (
                    404,
                    without_seconds(unknown_page.text),
                ), page
            assert await customers.ana.trace() == before


def without_seconds(page: str) -> str:
    """The page without the seconds until the session ends, which differ between two requests."""
    return re.sub(r'(?<=data-session-ends=")[0-9]+', "", page)


async def test_foreign_ids_in_queries_and_bodies_get_the_answer_of_unknown_ids(customers: Customers) -> None:
    before = await customers.ana.trace()
    ids, own = customers.ana.ids, customers.stranger.ids

    def body(customer: str, plan: str) -> Json:
        return {"customer_id": customer, "plan_id": plan}

    attempts: list[tuple[str, str, str, Any, Any]] = [
        ("payments", "GET", "/v1/charges?invoice_id={}", ids["invoice"], None),
        ("invoicing", "GET", "/v1/invoices?customer_id={}", ids["customer"], None),
        ("portal-gateway", "GET", "/v1/portal-links?customer_id={}", ids["customer"], None),
        ("portal-gateway", "DELETE", "/v1/portal-links?customer_id={}", ids["customer"], None),
        ("portal-gateway", "POST", "/v1/portal-links", ids["customer"], lambda id: {"customer_id": id}),
        ("portal-gateway", "GET", "/v1/invoice-links?invoice_id={}", ids["invoice"], None),
        ("portal-gateway", "POST", "/v1/invoice-links", ids["invoice"], lambda id: {"invoice_id": id}),
        ("subscriptions", "POST", "/v1/subscriptions", ids["customer"], lambda id: body(id, own["plan"])),
        ("subscriptions", "POST", "/v1/subscriptions", ids["plan"], lambda id: body(own["customer"], id)),
    ]
    async with http_client(headers=customers.stranger.back_end) as client:
        for service, method, path, theirs, body_for in attempts:

            async def ask(id: str) -> tuple[int, str]:
                sent = {"json": body_for(id)} if body_for else {}  # noqa: B023
                answer = await client.request(method, customers.stack.urls[service] + path.format(id), **sent)  # noqa: B023
                return answer.status_code, answer.text

            assert await ask(theirs) == await ask(str(uuid4())), path
    assert await customers.ana.trace() == before
    async with customers.ana.customer.portal() as visit:
        assert (await visit.subscription())["status"] == "active"


async def test_requests_without_a_valid_credential_are_refused(customers: Customers) -> None:
    """Every route without a credential, and one route per service with false ones: authentication is in one place."""
    key = f"Bearer {customers.ana.api_key}"
    for service in SERVICES:
        token = signed(customers.stack, service, customers.ana.shop.id, customers.ana.customer.id)["authorization"]
        elsewhere = signed(customers.stack, "elsewhere", customers.ana.shop.id, customers.ana.customer.id)["authorization"]
        altered = [with_flipped_bit(key), key[:-1], key + "A", key.replace("sk_test_", "sk_live_")]
        false = ["", "Bearer", "Bearer x", *altered, elsewhere, with_flipped_bit(token), token[:-2], token[:70] + token[71:]]
        service_operations = [
            each for each in operations(await customers.stack.description(service)) if not each.path.startswith("/api/")
        ]
        requests: list[tuple[Operation, dict[str, str]]] = [(operation, {}) for operation in service_operations] + [
            (service_operations[-1], {"authorization": each}) for each in false
        ]
        async with http_client(base_url=customers.stack.urls[service]) as client:
            for operation, headers in requests:
                url = operation.url(unknown_id(operation.kind)) if "{" in operation.path else operation.path
                answer = await client.request(operation.method, url, headers=headers, **operation.sent)
                assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated"), (operation, headers)


def with_flipped_bit(credential: str) -> str:
    """The credential with one bit near its end flipped."""
    place = len(credential) - 5
    return credential[:place] + chr(ord(credential[place]) ^ 1) + credential[place + 1 :]
