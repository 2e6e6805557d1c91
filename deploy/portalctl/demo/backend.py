"""A merchant's back end that sells subscriptions with these services."""

import asyncio
import ssl
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from chassis.tls import system_context
from portalctl.local.errors import StackError, timed_out, within
from portalctl.settings import DEADLINE_SECONDS

Json = dict[str, Any]


class Backend:
    """Calls the services' public APIs with one key, the operator's or a merchant's."""

    def __init__(
        self,
        urls: Mapping[str, str],
        key: str,
        seconds: float = DEADLINE_SECONDS,
        logs: Mapping[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
        hosts: Mapping[str, str] | None = None,
    ) -> None:
        """`logs` are the services' log files, if they are on this machine. `tls` checks certificates of https URLs.

        `hosts` has the Host header of services that are not reached at their public address.
        """
        self._hosts = hosts or {}
        self._urls, self.key, self._seconds, self._logs = urls, key, seconds, logs or {}
        self._http = httpx.AsyncClient(
            headers={"authorization": f"Bearer {key}"}, timeout=seconds, trust_env=False, verify=tls or system_context()
        )

    async def __aenter__(self) -> "Backend":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def call(self, service: str, method: str, path: str, **sent: Any) -> Json:
        """The JSON of the response, empty without a body. Raises StackError for an error response, with its text, and without a
        response."""
        log = self._log(service)
        try:
            request = self._http.build_request(method, f"{self._urls[service]}{path}", **sent)
            if host := self._hosts.get(service):
                request.headers["host"] = host
            answer = await self._http.send(request)
        except httpx.TimeoutException:
            raise timed_out(f"{method} {path} on {service}", self._seconds, log) from None
        except httpx.TransportError as error:
            raise StackError(f"{service} does not answer {method} {path}: {error!r}; its log is {log or 'elsewhere'}") from error
        if answer.is_error:
            raise StackError(f"{method} {path} on {service} answered {answer.status_code}: {answer.text[:500]}")
        body: Json = answer.json() if answer.content else {}
        return body

    async def upload(self, image: Path) -> str:
        """Upload a PNG and return its media id."""
        sent = {"content": image.read_bytes(), "headers": {"content-type": "image/png"}}
        return str((await self.call("subscriptions", "POST", "/v1/media", **sent))["media_id"])

    async def create(self, what: str, body: Mapping[str, Any]) -> str:
        """Create a merchant, plan, customer or subscription and return its id."""
        return str((await self.call("subscriptions", "POST", f"/v1/{what}", json=body))["id"])

    async def attach_card(self, customer: str, token: str) -> None:
        await self.call("payments", "POST", f"/v1/customers/{customer}/payment-methods", json={"token": token})

    async def add_backup(self, customer: str, token: str) -> None:
        """Add a card beside the default and make it the backup, with the customer's consent."""
        path = f"/v1/customers/{customer}/payment-methods"
        added = await self.call("payments", "POST", path, json={"token": token, "make_default": False})
        consent = {"text": "backup-1", "language": "es"}
        await self.call("payments", "PUT", f"/v1/payment-methods/{added['id']}/backup", json=consent)

    async def cancel(self, subscription: str, feedback: str) -> None:
        await self.call("subscriptions", "POST", f"/v1/subscriptions/{subscription}/cancellation", json={"feedback": feedback})

    async def refund(self, customer: str, amount_minor: int, reason: str) -> None:
        """Issue a credit note for a part of the customer's latest invoice, and wait until the provider has refunded it."""
        latest = (await self.call("invoicing", "GET", f"/v1/invoices?limit=1&customer_id={customer}"))["items"][0]
        amount = {"amount_minor": amount_minor, "currency": latest["total"]["currency"]}
        body = {"reason": reason, "amount": amount}
        note = await self.call("invoicing", "POST", f"/v1/invoices/{latest['id']}/credit-notes", json=body)
        async with within(self._seconds, f"refunding {note['number']}", self._log("payments")):
            while note["refund"]["status"] == "requested":
                await asyncio.sleep(0.2)
                note = await self.call("invoicing", "GET", f"/v1/credit-notes/{note['id']}")

    async def advance_clock(self, to: datetime) -> None:
        """Move the merchant's clock and return after all due work is done."""
        body = {"to": to.isoformat()}
        async with within(self._seconds, f"moving the test clock to {to:%Y-%m-%d}", self._log("subscriptions")):
            while (await self.call("subscriptions", "POST", "/v1/test-clock/advance", json=body)).get("running"):
                await asyncio.sleep(0.2)

    def _log(self, service: str) -> Path | None:
        return Path(self._logs[service]) if service in self._logs else None

    async def invoice_link(self, customer: str) -> str | None:
        """A link to the customer's newest open invoice; None without one."""
        invoices = (await self.call("invoicing", "GET", f"/v1/invoices?customer_id={customer}&status=open&limit=1"))["items"]
        if not invoices:
            return None
        link = await self.call("portal-gateway", "POST", "/v1/invoice-links", json={"invoice_id": invoices[0]["id"]})
        return str(link["url"])

    async def portal_link(self, customer: str) -> str:
        link = await self.call("portal-gateway", "POST", "/v1/portal-links", json={"customer_id": customer, "kind": "portal"})
        return str(link["url"])
