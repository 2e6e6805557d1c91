"""Every service's token on every route: it allows what the service needs, for itself or for a customer."""

import asyncio
import json
from uuid import UUID

import pytest

from chassis.http.service_tokens import Signer
from portalctl.local.folder import Folder, read_json
from support.api_operations import SERVICES, operations, unknown_id
from support.http_client import http_client
from support.system_stack import Stack, shop

CANCELLATION = "/v1/subscriptions/{id}/cancellation"
CUSTOMER = "/v1/customers/{customer_id}"
NEEDED = {
    ("portal-gateway", "subscriptions"): {
        "GET /v1/keys/{sha256}",
        "GET /v1/customers/{id}",
        "GET /v1/media/{id}",
        f"GET {CANCELLATION}/preview",
        f"POST {CANCELLATION}",
        f"DELETE {CANCELLATION}",
    },
    ("portal-gateway", "payments"): {
        f"POST {CUSTOMER}/setups",
        f"PUT {CUSTOMER}/default-payment-method",
        f"POST {CUSTOMER}/setups/{{setup_id}}/payment-method",
        "PUT /v1/payment-methods/{method_id}/default",
        "PUT /v1/payment-methods/{method_id}/backup",
        "DELETE /v1/payment-methods/{method_id}/backup",
        "GET /v1/payment-methods/{method_id}/removal",
        "DELETE /v1/payment-methods/{method_id}",
        f"POST {CUSTOMER}/invoices/{{invoice_id}}/authentication",
        "GET /v1/charges/preview",
        "POST /v1/charges",
        "POST /v1/one-time-payments/setups",
        "POST /v1/one-time-payments",
        "POST /v1/one-time-payments/{charge_id}/authentication",
    },
    ("portal-gateway", "invoicing"): {
        "GET /v1/invoices/{id}",
        "GET /v1/invoices/{id}/pdf",
        "GET /v1/invoices/{id}/receipt/pdf",
        "GET /v1/credit-notes/{id}/pdf",
        f"GET {CUSTOMER}/export",
        f"GET {CUSTOMER}/export/progress",
    },
    ("payments", "subscriptions"): {
        "GET /v1/keys/{sha256}",
        "GET /v1/customers/{id}",
        "GET /v1/customers/{id}/payment-preview",
        "GET /v1/merchants/{id}",
    },
    ("invoicing", "subscriptions"): {"GET /v1/keys/{sha256}", "GET /v1/media/{id}"},
}
"""(issuer, service) -> the routes that it needs."""


@pytest.mark.parametrize("issuer", SERVICES)
async def test_a_services_token_allows_exactly_its_routes(stack: Stack, issuer: str) -> None:
    keys = read_json(Folder(stack.folder).secrets)["services"]
    signer = Signer(issuer, json.dumps(keys[issuer]))
    async with shop(stack) as a_shop, http_client(timeout=20) as client:
        for service in SERVICES:
            description = await stack.description(service)
            opened = set()
            for operation in operations(description):
                if operation.path.startswith("/api/"):
                    continue
                someone = UUID(unknown_id("customer"))
                tokens = (
                    signer.token(service, merchant_id=UUID(a_shop.id)),
                    signer.token(service, merchant_id=UUID(a_shop.id), customer_id=someone, session="a session"),
                )
                url = operation.url(unknown_id(operation.kind)) if "{" in operation.path else operation.path
                requests = [
                    client.request(
                        operation.method,
                        f"{stack.urls[service]}{url}",
                        headers={"authorization": f"Bearer {token}"},
                        **operation.sent,
                    )
                    for token in tokens
                ]
                statuses = {answer.status_code for answer in await asyncio.gather(*requests)}
                assert 401 not in statuses, operation
                if statuses != {403}:
                    opened.add(f"{operation.method} {operation.path}")
            assert opened == NEEDED.get((issuer, service), set()), service
