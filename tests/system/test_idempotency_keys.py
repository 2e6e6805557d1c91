"""Every command with an Idempotency-Key: repeated it returns the same answer, with another body it is refused."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from support.api_operations import Person
from support.system_stack import Shop

COMMANDS: list[tuple[str, str, str, dict[str, Any], dict[str, Any]]] = [
    ("subscriptions", "POST", "/v1/customers", {"name": "Eva", "email": "eva@example.com"}, {"name": "Eva"}),
    ("subscriptions", "PATCH", "/v1/customers/{customer}", {"name": "Eva"}, {"name": "Iván"}),
    (
        "subscriptions",
        "POST",
        "/v1/plans",
        {"name": "P", "description": "D", "price": {"amount_minor": 1, "currency": "USD"}, "interval": {"unit": "day"}},
        {"price": {"amount_minor": 2, "currency": "USD"}},
    ),
    ("subscriptions", "POST", "/v1/subscriptions", {"customer_id": "{customer}", "plan_id": "{plan}"}, {"quantity": 2}),
    ("subscriptions", "POST", "/v1/subscriptions/{subscription}/cancellation", {"feedback": "unused"}, {"feedback": "other"}),
    ("payments", "POST", "/v1/customers/{customer}/setups", {"locale": "es"}, {"locale": "en"}),
    ("payments", "POST", "/v1/customers/{customer}/payment-methods", {"token": "tok_visa"}, {"token": "tok_amex"}),
    ("portal-gateway", "POST", "/v1/portal-links", {"customer_id": "{customer}"}, {"expires_in": 60}),
    ("portal-gateway", "POST", "/v1/invoice-links", {"invoice_id": "{invoice}"}, {"expires_in": 60}),
    ("portal-gateway", "POST", "/api/subscriptions/{subscription}/cancellation", {"feedback": "unused"}, {"feedback": "other"}),
]


@pytest.mark.parametrize(("service", "method", "path", "body", "change"), COMMANDS, ids=lambda part: str(part)[:50])
async def test_a_repeated_request_gets_the_same_answer_and_another_body_is_refused(
    a_shop: Shop, service: str, method: str, path: str, body: dict[str, Any], change: dict[str, Any]
) -> None:
    ana = await Person.create(a_shop)
    async with ana.customer.portal() as visit:
        headers = {**ana.back_end, "idempotency-key": uuid4().hex}
        url = a_shop.stack.urls[service] + path.format(**ana.ids)
        original_body = {name: value.format(**ana.ids) if isinstance(value, str) else value for name, value in body.items()}
        other = original_body | change if original_body | change != original_body else {**original_body, "country": "MX"}

        async def ask(sent: dict[str, Any]) -> tuple[int, Any]:
            answer = await visit.browser.request(method, url, json=sent, headers=headers)
            return answer.status_code, answer.json()

        answers = [*await asyncio.gather(ask(original_body), ask(original_body)), await ask(original_body)]
        assert answers[0][0] < 300, answers[0]
        assert answers[1:] == answers[:1] * 2
        done = await ana.at_rest()
        status, problem = await ask(other)
        assert (status, problem["code"]) == (422, "idempotency_key_reused")
        assert await ask(original_body) == answers[0]
        assert await ana.trace() == done
