"""The three services that own the facts, asked on behalf of the customer: what they refuse is passed on as it is."""

import re
from collections.abc import AsyncGenerator, Sequence
from typing import Any, cast
from urllib.parse import unquote
from uuid import UUID

import httpx

from chassis.http.client import ServiceClient, problem_of
from chassis.http.problems import unavailable
from chassis.runtime.outages import outages
from portal_gateway.application.downloads import Document, Download, ExportFormat, ExportProgress
from portal_gateway.application.requests import CancelMode, PaymentRequest
from portal_gateway.application.results import (
    Accepted,
    CancellationAccepted,
    CancellationPreview,
    CardSetup,
    CardUpdated,
    PaymentBegun,
    PaymentPreview,
)
from portal_gateway.domain.access import Session
from portal_gateway.domain.view import Money

_FILENAME = re.compile(r"filename\*=UTF-8''([^;\s]{1,600})")
_PLAIN_FILENAME = re.compile(r'filename="([^"]{1,200})"')
_EXPORT_SECONDS = 60
"""The longest silence of an export that is being made."""
_CONNECT_SECONDS = 10


class _Service:
    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def _ask(self, session: Session, method: str, path: str, **more: Any) -> httpx.Response:
        return await self._client.call(
            method,
            path,
            merchant_id=session.merchant_id,
            customer_id=session.customer_id,
            session=str(session.id),
            **more,
        )


class SubscriptionsService(_Service):
    async def preview(self, session: Session, subscription_id: UUID, mode: CancelMode | None) -> CancellationPreview:
        path, asked = f"/v1/subscriptions/{subscription_id}/cancellation/preview", {"mode": mode} if mode else None
        answer = await self._ask(session, "GET", path, params=asked)
        return cast(CancellationPreview, answer.json())

    async def cancel(
        self,
        session: Session,
        subscription_id: UUID,
        mode: CancelMode | None,
        feedback: str | None,
        comment: str | None,
        idempotency_key: str | None,
    ) -> CancellationAccepted:
        given = {"mode": mode, "feedback": feedback, "comment": comment}
        body = {name: value for name, value in given.items() if value is not None}
        path = f"/v1/subscriptions/{subscription_id}/cancellation"
        answer = await self._ask(session, "POST", path, json=body, idempotency_key=idempotency_key)
        return cast(CancellationAccepted, answer.json())

    async def keep(self, session: Session, subscription_id: UUID, idempotency_key: str | None) -> Accepted:
        path = f"/v1/subscriptions/{subscription_id}/cancellation"
        answer = await self._ask(session, "DELETE", path, idempotency_key=idempotency_key)
        return cast(Accepted, answer.json())

    async def media(self, sha256: str) -> bytes:
        return (await self._client.call("GET", f"/v1/media/{sha256}")).content

    async def customer(self, merchant_id: UUID, customer_id: UUID) -> dict[str, Any]:
        """For a merchant, of a customer whose profile has not arrived here. Raises Problem 404."""
        answer = await self._client.call("GET", f"/v1/customers/{customer_id}", merchant_id=merchant_id)
        return cast(dict[str, Any], answer.json())


class PaymentsService(_Service):
    def __init__(self, client: ServiceClient, portal_origin: str) -> None:
        super().__init__(client)
        self._portal_origin = portal_origin

    async def open_setup(self, session: Session, locale: str, colour: str | None) -> CardSetup:
        body = {"locale": locale, "colour": colour, "portal_origin": self._portal_origin}
        answer = await self._ask(session, "POST", f"/v1/customers/{session.customer_id}/setups", json=body)
        return cast(CardSetup, answer.json())

    async def update_card(
        self,
        session: Session,
        setup_id: str,
        token: str,
        charge_invoices: Sequence[UUID],
        idempotency_key: str | None,
        totals: Sequence[Money] | None = None,
    ) -> CardUpdated:
        body: dict[str, Any] = {"setup_id": setup_id, "token": token, "charge_invoices": [str(id) for id in charge_invoices]}
        if totals is not None:
            body["totals"] = list(totals)
        path = f"/v1/customers/{session.customer_id}/default-payment-method"
        answer = await self._ask(session, "PUT", path, json=body, idempotency_key=idempotency_key)
        return cast(CardUpdated, answer.json())

    async def payment_preview(self, session: Session, invoice_id: UUID) -> PaymentPreview:
        answer = await self._ask(session, "GET", "/v1/charges/preview", params={"invoice_id": str(invoice_id)})
        return cast(PaymentPreview, answer.json())

    async def pay(self, session: Session, invoice_id: UUID, asked: PaymentRequest, idempotency_key: str | None) -> PaymentBegun:
        body: dict[str, Any] = {"invoice_id": str(invoice_id), "payment_method_id": str(asked.payment_method_id), **asked.amount}
        if asked.charge_invoices is not None:
            body["charge_invoices"] = [str(id) for id in asked.charge_invoices]
        if asked.effect is not None:
            body["effect"] = asked.effect
        answer = await self._ask(session, "POST", "/v1/charges", json=body, idempotency_key=idempotency_key)
        return cast(PaymentBegun, answer.json())


class InvoicingService(_Service):
    async def invoice(self, session: Session, invoice_id: UUID) -> dict[str, Any]:
        return cast(dict[str, Any], (await self._ask(session, "GET", f"/v1/invoices/{invoice_id}")).json())

    async def pdf(self, session: Session, invoice_id: UUID) -> Document:
        answer = await self._ask(session, "GET", f"/v1/invoices/{invoice_id}/pdf")
        return Document(answer.content, "application/pdf", _filename(answer) or f"{invoice_id}.pdf")

    async def export(self, session: Session, format: ExportFormat, locale: str) -> Download:
        request = self._client.request(
            "GET",
            f"/v1/customers/{session.customer_id}/export",
            merchant_id=session.merchant_id,
            customer_id=session.customer_id,
            session=str(session.id),
            params={"format": format, "locale": locale},
        )
        request.extensions["timeout"] = httpx.Timeout(_EXPORT_SECONDS, connect=_CONNECT_SECONDS).as_dict()
        try:
            answer = await self._client.http.send(request, stream=True)
        except httpx.TransportError as error:
            outages.failed(error, "invoicing")
            raise unavailable() from None
        if answer.is_error:
            await answer.aread()
            raise problem_of(answer)
        media_type = answer.headers.get("content-type", "application/octet-stream")
        return Download(_chunks(answer), answer.aclose, media_type, _filename(answer) or f"invoices.{format}")

    async def export_progress(self, session: Session) -> ExportProgress | None:
        answer = await self._ask(session, "GET", f"/v1/customers/{session.customer_id}/export/progress")
        return cast(ExportProgress | None, answer.json()["progress"])


async def _chunks(answer: httpx.Response) -> AsyncGenerator[bytes]:
    async for chunk in answer.aiter_bytes():
        yield chunk


def _filename(answer: httpx.Response) -> str | None:
    given = answer.headers.get("content-disposition", "")
    if found := _FILENAME.search(given):
        return unquote(found[1])
    plain = _PLAIN_FILENAME.search(given)
    return plain[1] if plain else None
