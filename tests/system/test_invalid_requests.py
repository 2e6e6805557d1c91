"""Invalid requests to every route get a problem with a code, never a 500, and change nothing."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from support import composed_services
from support.api_operations import SERVICES, Person, operations, unknown_id
from support.closed_schemas import closed
from support.system_stack import Shop

EXAMPLES = 3
LEFT_OUT = {
    "POST /v1/test-clock/advance": "a clock sent to the year 2199 renews for hours",
    "POST /api/session": "wrong links are limited by address, which is that of all tests",
    "DELETE /api/session": "later requests would be refused",
    "GET /api/stream": "it never ends",
    "GET /v1/keys/{sha256}": "for services, and their tokens are valid for a minute",
}
WITH_UNKNOWN_IDS = (
    *("DELETE /v1/customers/{id}", "DELETE /v1/keys/{id}", "DELETE /v1/payment-methods/{method_id}"),
    "DELETE /api/payment-methods/{method_id}",
    "DELETE /v1/invoice-links/{link_id}",
    *("DELETE /v1/portal-links/{link_id}", "POST /v1/subscriptions/{id}/cancellation", "POST /v1/invoices/{id}/void"),
)
"""Operations that are sent with unknown ids, because later ones need the objects that they would end."""
KEYS = "an idempotency key that is drawn twice comes with two requests"
CURSORS = "a cursor is signed, and none can be made up"
PROVIDERS = "a token comes from the provider"
DEFAULTS = "the card of the path is the default, which is not its own backup, and texts of consents have versions"
TOGETHER = "an amount and its currency come together"
TWO_TEMPLATES = "/v1/keys/{id} and /v1/keys/{sha256} are one path"
DISABLED = {
    ("positive_data_acceptance", "GET /v1/plans"): CURSORS,
    ("positive_data_acceptance", "GET /v1/streams/{aggregate}"): CURSORS,
    ("positive_data_acceptance", "GET /v1/invoices"): CURSORS,
    ("positive_data_acceptance", "GET /v1/portal-links"): CURSORS,
    ("positive_data_acceptance", "GET /api/invoices"): CURSORS,
    ("positive_data_acceptance", "POST /v1/merchants"): "the names of time zones are not listed, and logos are uploaded later",
    ("positive_data_acceptance", "PATCH /v1/merchants/{id}"): "the names of time zones are not listed",
    ("positive_data_acceptance", "POST /v1/customers"): KEYS,
    ("positive_data_acceptance", "PATCH /v1/customers/{id}"): "name and e-mail may be absent but not null",
    ("positive_data_acceptance", "DELETE /v1/customers/{id}"): KEYS,
    ("positive_data_acceptance", "DELETE /v1/keys/{id}"): KEYS,
    ("positive_data_acceptance", "POST /v1/media"): "few bytes are a picture",
    ("positive_data_acceptance", "POST /v1/plans"): "the image must have been uploaded",
    ("positive_data_acceptance", "POST /v1/subscriptions"): "JSON Schema takes 1542.0 for an integer",
    ("positive_data_acceptance", "POST /v1/subscriptions/{id}/cancellation"): KEYS,
    ("positive_data_acceptance", "DELETE /v1/subscriptions/{id}/cancellation"): KEYS,
    ("positive_data_acceptance", "POST /v1/customers/{customer_id}/setups"): KEYS,
    ("positive_data_acceptance", "PUT /v1/customers/{customer_id}/default-payment-method"): PROVIDERS,
    ("positive_data_acceptance", "POST /v1/customers/{customer_id}/payment-methods"): PROVIDERS,
    ("positive_data_acceptance", "DELETE /v1/payment-methods/{method_id}"): KEYS,
    ("positive_data_acceptance", "POST /v1/customers/{customer_id}/setups/{setup_id}/payment-method"): PROVIDERS,
    ("positive_data_acceptance", "PUT /v1/payment-methods/{method_id}/default"): KEYS,
    ("positive_data_acceptance", "PUT /v1/payment-methods/{method_id}/backup"): DEFAULTS,
    ("positive_data_acceptance", "DELETE /v1/payment-methods/{method_id}/backup"): KEYS,
    ("positive_data_acceptance", "POST /api/payment-methods"): PROVIDERS,
    ("positive_data_acceptance", "PUT /api/payment-methods/{method_id}/default"): KEYS,
    ("positive_data_acceptance", "PUT /api/payment-methods/{method_id}/backup"): DEFAULTS,
    ("positive_data_acceptance", "DELETE /api/payment-methods/{method_id}/backup"): KEYS,
    ("positive_data_acceptance", "DELETE /api/payment-methods/{method_id}"): KEYS,
    ("positive_data_acceptance", "POST /v1/invoices/{id}/void"): KEYS,
    ("positive_data_acceptance", "POST /v1/portal-links"): "return addresses are those of the merchant's own sites",
    ("positive_data_acceptance", "DELETE /v1/portal-links"): KEYS,
    ("positive_data_acceptance", "DELETE /v1/portal-links/{link_id}"): KEYS,
    ("positive_data_acceptance", "GET /v1/invoice-links"): CURSORS,
    ("positive_data_acceptance", "POST /v1/invoice-links"): KEYS,
    ("positive_data_acceptance", "DELETE /v1/invoice-links/{link_id}"): KEYS,
    ("positive_data_acceptance", "POST /api/invoices/{invoice_id}/links"): "a customer creates few links an hour",
    ("positive_data_acceptance", "POST /api/subscriptions/{subscription_id}/cancellation"): KEYS,
    ("positive_data_acceptance", "DELETE /api/subscriptions/{subscription_id}/cancellation"): KEYS,
    ("positive_data_acceptance", "PUT /api/payment-method"): PROVIDERS,
    ("positive_data_acceptance", "POST /v1/charges"): TOGETHER,
    ("positive_data_acceptance", "POST /api/invoices/{invoice_id}/payment"): KEYS,
    ("positive_data_acceptance", "POST /api/invoices/{invoice_id}/authentication"): KEYS,
    ("positive_data_acceptance", "POST /v1/invoices/{id}/credit-notes"): KEYS,
    ("allow_header_conformance", "GET /v1/keys/{sha256}"): TWO_TEMPLATES,
    ("allow_header_conformance", "DELETE /v1/keys/{id}"): TWO_TEMPLATES,
}
"""Checks that report correct behaviour, by operation, with the reason."""
PROBLEM = "application/problem+json"


def configuration(description: dict[str, Any], ana: Person, browser: httpx.Headers, operator_key: str) -> str:
    """Configuration of schemathesis: credentials, ids in paths, excluded operations."""
    cookie = browser["cookie"].partition("=")[2]
    credentials = {
        "merchant": f'bearer = "{ana.api_key}"',
        "operator": f'bearer = "{operator_key}"',
        "session": f'api_key = "{cookie}"',
        "csrf": f'api_key = "{browser["x-csrf-token"]}"',
    }
    lines = [f'headers = {{ origin = "{browser["origin"]}" }}']
    for scheme in description["components"]["securitySchemes"]:
        lines += [f"[auth.openapi.{scheme}]", credentials[scheme]] if scheme in credentials else []
    for operation in operations(description):
        name = f"{operation.method} {operation.path}"
        settings = [f"checks.{check}.enabled = false" for check, disabled in DISABLED if disabled == name]
        if name in LEFT_OUT:
            settings = ["enabled = false"]
        elif "{" in operation.path:
            parameter = operation.path.partition("{")[2].partition("}")[0]
            id = unknown_id(operation.kind) if name in WITH_UNKNOWN_IDS else ana.ids[operation.kind]
            settings += [f'parameters = {{ "path.{parameter}" = "{id}" }}']
        lines += ["[[operations]]", f'include-name = "{name}"', *settings] if settings else []
    return "\n".join(lines)


@pytest.mark.parametrize("service", SERVICES)
async def test_every_operation_answers_as_documented(a_shop: Shop, service: str, tmp_path: Path) -> None:
    ana = await Person.create(a_shop)
    description, stack = await a_shop.stack.description(service), a_shop.stack
    async with ana.customer.portal() as visit:
        (tmp_path / "schemathesis.toml").write_text(
            configuration(description, ana, visit.browser.headers, stack.state["operator_key"])
        )
        (tmp_path / "openapi.json").write_text(json.dumps(closed(description)))
        run = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "schemathesis.cli", "run", "openapi.json", "--url", stack.urls[service]),
            *("--phases", "examples,coverage,fuzzing", "--max-examples", str(EXAMPLES)),
            *("--continue-on-failure", "--generation-deterministic", "--warnings", "off"),
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await run.communicate()
    assert run.returncode == 0, output.decode()


def test_each_disabled_check_names_an_existing_operation() -> None:
    known = {f"{it.method} {it.path}" for service in SERVICES for it in operations(composed_services.description(service))}
    assert {operation for _, operation in DISABLED} | set(LEFT_OUT) | set(WITH_UNKNOWN_IDS) <= known


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
async def test_an_invalid_value_in_a_command_is_refused_and_changes_nothing(
    a_shop: Shop, service: str, method: str, path: str, rest: str, field: str
) -> None:
    ana = await Person.create(a_shop)
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
