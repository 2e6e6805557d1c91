"""Whatever is sent to whatever route, the answer is a problem with a code, never a failure; and nothing comes of it."""

from contextlib import suppress
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, reject, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import booleans
from schemathesis import Case, GenerationMode, openapi
from schemathesis.core.result import Ok

from support.portal import Shop
from support.strangers import SERVICES, Operation, Person

EXAMPLES = 4
LEFT_OUT = {
    ("POST", "/v1/test-clock/advance"): "a clock sent to the year 2199 renews for hours",
    ("POST", "/v1/merchants"): "for the operator",
    ("POST", "/sandbox/behaviour"): "for the operator",
    ("GET", "/sandbox/ledger"): "for the operator",
    ("POST", "/api/session"): "wrong links are limited by address, which is that of all tests",
    ("DELETE", "/api/session"): "what follows would be refused",
    ("GET", "/api/stream"): "never ends",
}
PROBLEM = "application/problem+json"
_HTTPS_OWN = ("connection", "accept-encoding", "user-agent", "transfer-encoding", "content-length", "host")


def is_answered(answer: httpx.Response, what: str) -> None:
    assert answer.status_code < 500, f"{what}: {answer.status_code} {answer.text}"
    if answer.is_error:
        assert answer.headers["content-type"] == PROBLEM, f"{what}: {answer.text}"
        assert answer.json().keys() >= {"type", "title", "status", "code"}, what


@pytest.mark.parametrize("service", SERVICES)
async def test_every_route_answers_whatever_it_is_sent(a_shop: Shop, service: str) -> None:
    ana = await Person.settled(a_shop)
    async with ana.customer.portal() as visit:
        headers = {**ana.back_end, **{name: visit.browser.headers[name] for name in ("origin", "cookie", "x-csrf-token")}}
        description = (await visit.browser.get(f"{a_shop.stack.urls[service]}/openapi.json")).json()
        answered = []
        with httpx.Client(base_url=a_shop.stack.urls[service], headers=headers, trust_env=False, timeout=20) as client:
            for found in openapi.from_dict(description).get_all_operations():
                assert isinstance(found, Ok), found
                operation = found.ok()
                if (operation.method.upper(), operation.path) not in LEFT_OUT:
                    answered.append(send_examples(operation.as_strategy(generation_mode=GenerationMode.POSITIVE), client, ana))
                    with suppress(Unsatisfiable):  # nothing is wrong with what has no parts
                        send_examples(operation.as_strategy(generation_mode=GenerationMode.NEGATIVE), client, ana)
        assert len(answered) > 4
        assert all(answered)


def send_examples(cases: Any, client: httpx.Client, ana: Person) -> int:
    """How many were answered."""
    answered = 0

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, hers=booleans())
    def each(case: Case[Any], hers: bool) -> None:
        nonlocal answered
        operation = Operation(case.method.upper(), case.path)
        sent = case.as_transport_kwargs(base_url=str(client.base_url))
        if hers and "{" in operation.path and operation.method != "DELETE":
            sent["url"] = operation.url(ana.ids[operation.kind])
        headers = {name: value for name, value in sent.pop("headers").items() if name.lower() not in _HTTPS_OWN}
        content = sent.pop("data", None)
        try:
            request = client.build_request(content=content, headers=headers, **sent)
            answer = client.send(request)
        except (httpx.LocalProtocolError, UnicodeEncodeError):
            reject()  # that cannot even be sent
        is_answered(answer, f"{operation} {sent} {content!r} {headers}")
        answered += 1

    each()
    return answered


COMMANDS = [
    ("subscriptions", "POST", "/v1/subscriptions", '"customer_id": "{customer}", "plan_id": "{plan}"', "quantity"),
    ("subscriptions", "POST", "/v1/subscriptions/{subscription}/cancellation", '"feedback": "unused"', "mode"),
    ("subscriptions", "POST", "/v1/plans", '"name": "P", "description": "D", "interval": {{"unit": "day"}}', "price"),
    ("subscriptions", "PATCH", "/v1/customers/{customer}", '"name": "Eva"', "email"),
    ("payments", "POST", "/v1/customers/{customer}/setups", '"locale": "es"', "colour"),
    (
        "payments",
        "PUT",
        "/v1/customers/{customer}/default-payment-method",
        '"setup_id": "{plan}", "token": "t"',
        "charge_invoices",
    ),
    ("portal-gateway", "POST", "/v1/portal-links", '"customer_id": "{customer}"', "expires_in"),
    ("portal-gateway", "POST", "/api/subscriptions/{subscription}/cancellation", '"feedback": "unused"', "mode"),
    ("portal-gateway", "PUT", "/api/payment-method", '"setup_id": "{plan}", "token": "t"', "charge_invoices"),
]
ODD = [
    "NaN",
    "-Infinity",
    "1e309",
    "9223372036854775808",
    "-1",
    "0.5",
    "[" * 500 + "]" * 500,
    '{{"a": 1, "a": 2}}',
    '"\\ud800"',
    '"\\u0000"',
]


@pytest.mark.parametrize(("service", "method", "path", "rest", "field"), COMMANDS, ids=lambda part: str(part)[-40:])
async def test_an_odd_value_in_a_command_is_refused_and_changes_nothing(
    a_shop: Shop, service: str, method: str, path: str, rest: str, field: str
) -> None:
    ana = await Person.settled(a_shop)
    async with ana.customer.portal() as visit:
        before = await ana.trace()
        first = rest.partition(":")[0]
        bodies = [f'{{{{{rest}, "{field}": {odd}}}}}' for odd in ODD]
        bodies += [f"{{{{{rest}, {first}: null}}}}", f"{{{{{rest}", f"[{{{{{rest}}}}}]", f'{{{{{rest}, "is_admin": true}}}}']
        for body in bodies:
            answer = await visit.browser.request(
                method,
                a_shop.stack.urls[service] + path.format(**ana.ids),
                content=body.format(**ana.ids),
                headers={"content-type": "application/json", **ana.back_end},
            )
            assert answer.status_code in (400, 422), f"{body}: {answer.status_code} {answer.text}"
            assert answer.headers["content-type"] == PROBLEM
        assert await ana.trace() == before
