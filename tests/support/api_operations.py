"""Every operation of a service as a request with a chosen id: own, foreign or unknown."""

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx

from chassis.http.service_tokens import Signer
from portalctl.local.folder import Folder, read_json
from support.system_stack import Customer, Shop, Stack, eventually

Json = dict[str, Any]
SERVICES = ("subscriptions", "payments", "invoicing", "portal-gateway")

_PAYMENT: Json = {"payment_method_id": str(uuid4()), "amount_minor": 2999, "currency": "USD"}
_BODIES: Mapping[tuple[str, str], Json] = {
    ("PATCH", "/v1/merchants/{id}"): {"name": "Taken Over"},
    ("PATCH", "/v1/customers/{id}"): {"name": "Taken Over"},
    ("POST", "/v1/subscriptions/{id}/cancellation"): {"mode": "immediately"},
    ("POST", "/v1/customers/{customer_id}/setups"): {},
    ("PUT", "/v1/customers/{customer_id}/default-payment-method"): {
        "setup_id": str(uuid4()),
        "token": "tok",
        "charge_invoices": [],
    },
    ("POST", "/v1/customers/{customer_id}/payment-methods"): {"token": "tok_visa"},
    ("POST", "/v1/customers/{customer_id}/setups/{setup_id}/payment-method"): {"token": "tok"},
    ("PUT", "/v1/payment-methods/{method_id}/backup"): {"text": "backup-1", "language": "es"},
    ("PUT", "/api/payment-methods/{method_id}/backup"): {"text_version": "backup-1"},
    ("POST", "/api/subscriptions/{subscription_id}/cancellation"): {"mode": "immediately"},
    ("POST", "/api/invoices/{invoice_id}/payment"): _PAYMENT,
    ("POST", "/api/invoices/{invoice_id}/authentication"): _PAYMENT,
    ("POST", "/v1/customers/{customer_id}/invoices/{invoice_id}/authentication"): _PAYMENT,
    ("POST", "/v1/one-time-payments/{charge_id}/authentication"): {},
    ("POST", "/v1/invoices/{id}/credit-notes"): {
        "reason": "customer_request",
        "amount": {"amount_minor": 100, "currency": "USD"},
    },
}
"""Bodies of the operations that need one. They are valid except for the id in the path."""
_KINDS = {
    "/v1/merchants/": "merchant",
    "/v1/plans/": "plan",
    "/v1/customers/": "customer",
    "/v1/one-time-payments/": "charge",
    "/v1/subscriptions/": "subscription",
    "/v1/streams/": "stream",
    "/v1/keys/{id}": "key",
    "/v1/keys/{sha256}": "digest",
    "/v1/media/": "media",
    "/v1/payment-methods/": "method",
    "/v1/invoices/": "invoice",
    "/v1/credit-notes/": "credit_note",
    "/v1/portal-links/": "link",
    "/v1/invoice-links/": "invoice_link",
    "/api/subscriptions/": "subscription",
    "/api/invoices/": "invoice",
    "/api/payment-methods/": "method",
    "/api/credit-notes/": "credit_note",
}


@dataclass(frozen=True)
class Operation:
    method: str
    path: str

    @property
    def kind(self) -> str:
        """The kind of the object in the path. Raises LookupError for a route that `_KINDS` does not cover."""
        kinds = [kind for start, kind in _KINDS.items() if self.path.startswith(start)]
        if len(kinds) != 1:
            raise LookupError(f"add {self.path} to _KINDS")
        return kinds[0]

    def url(self, id: str) -> str:
        before, _, after = self.path.partition("{")
        return before + id + re.sub(r"\{[a-z_]+\}", lambda _: str(uuid4()), after.partition("}")[2])

    @property
    def sent(self) -> Json:
        body = _BODIES.get((self.method, self.path))
        query = {"format": "csv"} if self.path.endswith("/export") else None
        return {"json": body, "params": query}


@dataclass
class Person:
    """A customer, and one id of each kind that belongs to them or their merchant."""

    shop: Shop
    customer: Customer
    api_key: str
    ids: dict[str, str] = field(default_factory=dict)

    @classmethod
    async def create(cls, shop: Shop) -> "Person":
        customer = await shop.customer()
        invoices = await eventually(customer.invoices, lambda rows: bool(rows) and rows[0]["status"] == "paid")
        methods = await shop.backend.call("payments", "GET", f"/v1/customers/{customer.id}/payment-methods")
        charges = await shop.backend.call("payments", "GET", f"/v1/charges?invoice_id={invoices[0]['id']}")
        link = await shop.backend.call("portal-gateway", "POST", "/v1/portal-links", json={"customer_id": customer.id})
        to_invoice = {"invoice_id": invoices[0]["id"]}
        invoice_link = await shop.backend.call("portal-gateway", "POST", "/v1/invoice-links", json=to_invoice)
        await shop.backend.refund(customer.id, 100, "customer_request")
        credited = await shop.backend.call("invoicing", "GET", f"/v1/invoices/{invoices[0]['id']}")
        key = await shop.backend.call("subscriptions", "POST", "/v1/keys")
        merchant = await shop.backend.call("subscriptions", "GET", f"/v1/merchants/{shop.id}")
        ids = {
            "merchant": shop.id,
            "plan": shop.plan,
            "customer": customer.id,
            "charge": charges["items"][0]["id"],
            "subscription": customer.subscription,
            "stream": f"subscription-{customer.subscription}",
            "key": merchant["api_keys"][0]["id"],
            "digest": merchant["api_keys"][0]["sha256"],
            "media": "0" * 64,
            "method": methods["items"][0]["id"],
            "invoice": invoices[0]["id"],
            "credit_note": credited["credit_notes"][0]["id"],
            "link": link["id"],
            "invoice_link": invoice_link["id"],
        }
        return cls(shop, customer, key["api_key"], ids)

    @property
    def back_end(self) -> httpx.Headers:
        return httpx.Headers({"authorization": f"Bearer {self.api_key}"})

    async def trace(self) -> list[Any]:
        """Versions of everything stored for the merchant: equal as long as nothing changes."""
        versions: list[Any] = []
        for name, url in self.shop.stack.state["postgres"].items():
            connection = await asyncpg.connect(url)
            try:
                versions += [(name, *row) for row in await connection.fetch(_WRITTEN[name], UUID(self.shop.id))]
            finally:
                await connection.close()
        return versions

    async def at_rest(self) -> list[Any]:
        """The trace once running work has stopped changing it."""
        last = await self.trace()
        async with asyncio.timeout(20):
            while True:
                await asyncio.sleep(0.7)
                before, last = last, await self.trace()
                if before == last:
                    return last


_EVENTS = "SELECT stream, max(version) FROM events WHERE merchant_id = $1 GROUP BY stream ORDER BY stream"
_WRITTEN = {
    "subscriptions": "SELECT id::text, revision, name FROM customers WHERE merchant_id = $1 "
    f"UNION ALL SELECT * , '' FROM ({_EVENTS}) AS streams ORDER BY 1",
    "payments": "SELECT id::text, 0, expires_at::text FROM setup WHERE merchant_id = $1 "
    f"UNION ALL SELECT *, '' FROM ({_EVENTS}) AS streams ORDER BY 1",
    "invoicing": _EVENTS,
    "portal_gateway": "SELECT id, revoked_at FROM portal_link WHERE merchant_id = $1 "
    "UNION ALL SELECT id, revoked_at FROM invoice_link WHERE merchant_id = $1 ORDER BY id",
}


def unknown_id(kind: str) -> str:
    """An id of the kind that does not exist."""
    unknown = uuid4()
    return {
        "stream": f"subscription-{unknown}",
        "key": f"key_{unknown.hex[:16]}",
        "digest": unknown.hex * 2,
        "media": unknown.hex * 2,
    }.get(kind, str(unknown))


def operations(description: Json) -> Iterator[Operation]:
    for path, methods in description["paths"].items():
        yield from (Operation(method.upper(), path) for method in methods)


def signed(stack: Stack, service: str, merchant_id: str, customer_id: str) -> httpx.Headers:
    """The gateway's credentials for a customer's request to a service."""
    key = read_json(Folder(stack.folder).secrets)["services"]["portal-gateway"]
    signer = Signer("portal-gateway", json.dumps(key))
    token = signer.token(service, merchant_id=UUID(merchant_id), customer_id=UUID(customer_id), session="a session")
    return httpx.Headers({"authorization": f"Bearer {token}"})
