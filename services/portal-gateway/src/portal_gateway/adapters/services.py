"""The three services that own the facts, called for a customer. Their refusals are passed on unchanged."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from email.message import Message
from email.utils import collapse_rfc2231_value
from typing import Any, TypedDict, cast
from uuid import UUID

import httpx

from chassis.http.client import ServiceClient, problem_of_response
from chassis.http.problems import Problem, unavailable
from chassis.runtime.outages import outages
from portal_gateway.application.downloads import Download, DownloadedDocument, ExportFormat, ExportProgress
from portal_gateway.application.refusals import CardDeclined
from portal_gateway.application.requests import BackupConsent, CancelMode, CancelRequest, Looks, PaymentRequest, Purpose
from portal_gateway.application.results import (
    Accepted,
    AuthenticationBegun,
    CancellationAccepted,
    CancellationPreview,
    CardAdded,
    CardSetup,
    CardUpdated,
    ConfirmationPage,
    PaymentBegun,
    PaymentPreview,
    RemovalPreview,
)
from portal_gateway.domain.access import InvoiceSession, Session
from portal_gateway.domain.view import Money

_EXPORT_SILENCE_SECONDS = 60
"""The longest pause between two chunks of an export."""
_CONNECT_SECONDS = 10


class Caller(TypedDict):
    """For whom the gateway calls a service. The service token names all three."""

    merchant_id: UUID
    customer_id: UUID
    session: str


def _caller(session: Session | InvoiceSession) -> Caller:
    return {"merchant_id": session.merchant_id, "customer_id": session.customer_id, "session": str(session.id)}


class DeclinedCard(Problem, CardDeclined):
    """The payments service's answer for a declined card."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(
            problem.status,
            problem.code,
            problem.title,
            problem.detail,
            errors=problem.errors,
            headers=problem.headers,
            more=problem.more,
        )


class _Service:
    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def _call(
        self,
        session: Session | InvoiceSession,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> Any:
        """The JSON of the response."""
        response = await self._client.call(
            method, path, **_caller(session), json=json, params=params, idempotency_key=idempotency_key
        )
        return response.json()


class SubscriptionsService(_Service):
    async def preview(self, session: Session, subscription_id: UUID, mode: CancelMode | None) -> CancellationPreview:
        path = f"/v1/subscriptions/{subscription_id}/cancellation/preview"
        return cast(CancellationPreview, await self._call(session, "GET", path, params={"mode": mode}))

    async def cancel(
        self, session: Session, subscription_id: UUID, request: CancelRequest, idempotency_key: str | None
    ) -> CancellationAccepted:
        fields = {"mode": request.mode, "feedback": request.feedback, "comment": request.comment}
        body = {name: value for name, value in fields.items() if value is not None}
        path = f"/v1/subscriptions/{subscription_id}/cancellation"
        return cast(CancellationAccepted, await self._call(session, "POST", path, json=body, idempotency_key=idempotency_key))

    async def withdraw_cancellation(self, session: Session, subscription_id: UUID, idempotency_key: str | None) -> Accepted:
        path = f"/v1/subscriptions/{subscription_id}/cancellation"
        return cast(Accepted, await self._call(session, "DELETE", path, idempotency_key=idempotency_key))

    async def media(self, sha256: str) -> bytes:
        return (await self._client.call("GET", f"/v1/media/{sha256}")).content

    async def customer(self, merchant_id: UUID, customer_id: UUID) -> dict[str, Any]:
        """A customer's profile, for the merchant, before it has arrived here. Raises Problem 404."""
        response = await self._client.call("GET", f"/v1/customers/{customer_id}", merchant_id=merchant_id)
        return cast(dict[str, Any], response.json())


class PaymentsService(_Service):
    def __init__(self, client: ServiceClient, portal_origin: str) -> None:
        super().__init__(client)
        self._portal_origin = portal_origin

    async def open_setup(self, session: Session, locale: str, colour: str | None, purpose: Purpose = "default") -> CardSetup:
        body = {"locale": locale, "colour": colour, "portal_origin": self._portal_origin}
        if purpose != "default":
            body["purpose"] = purpose
        return cast(CardSetup, await self._call(session, "POST", f"/v1/customers/{session.customer_id}/setups", json=body))

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
        return cast(CardUpdated, await self._with_card(session, "PUT", path, body, idempotency_key))

    async def open_payment_setup(self, session: InvoiceSession, locale: str, colour: str | None) -> CardSetup:
        looks = {"locale": locale, "colour": colour, "portal_origin": self._portal_origin}
        body = {"invoice_id": str(session.invoice_id), **looks}
        return cast(CardSetup, await self._call(session, "POST", "/v1/one-time-payments/setups", json=body))

    async def pay_with_card(
        self, session: InvoiceSession, setup_id: str, token: str, total: Money, idempotency_key: str | None
    ) -> PaymentBegun:
        body = {"invoice_id": str(session.invoice_id), "setup_id": setup_id, "token": token, **total}
        return cast(PaymentBegun, await self._with_card(session, "POST", "/v1/one-time-payments", body, idempotency_key))

    async def open_confirmation(self, session: InvoiceSession, charge_id: UUID, looks: Looks) -> ConfirmationPage:
        body = {"locale": looks.locale, "colour": looks.colour, "portal_origin": self._portal_origin}
        path = f"/v1/one-time-payments/{charge_id}/authentication"
        return cast(ConfirmationPage, await self._call(session, "POST", path, json=body))

    async def _with_card(
        self, session: Session | InvoiceSession, method: str, path: str, body: dict[str, Any], idempotency_key: str | None
    ) -> Any:
        """The response to a request with a card that was typed. Raises DeclinedCard."""
        try:
            return await self._call(session, method, path, json=body, idempotency_key=idempotency_key)
        except Problem as problem:
            if problem.status == 402:
                raise DeclinedCard(problem) from None
            raise

    async def add_card(self, session: Session, setup_id: UUID, token: str, idempotency_key: str | None) -> CardAdded:
        path = f"/v1/customers/{session.customer_id}/setups/{setup_id}/payment-method"
        return cast(CardAdded, await self._with_card(session, "POST", path, {"token": token}, idempotency_key))

    async def make_default(self, session: Session, method_id: UUID, idempotency_key: str | None) -> Accepted:
        path = f"/v1/payment-methods/{method_id}/default"
        return cast(Accepted, await self._call(session, "PUT", path, idempotency_key=idempotency_key))

    async def choose_backup(
        self, session: Session, method_id: UUID, consent: BackupConsent, idempotency_key: str | None
    ) -> Accepted:
        path, body = f"/v1/payment-methods/{method_id}/backup", {"text": consent.text, "language": consent.language}
        return cast(Accepted, await self._call(session, "PUT", path, json=body, idempotency_key=idempotency_key))

    async def withdraw_backup(self, session: Session, method_id: UUID, idempotency_key: str | None) -> Accepted:
        path = f"/v1/payment-methods/{method_id}/backup"
        return cast(Accepted, await self._call(session, "DELETE", path, idempotency_key=idempotency_key))

    async def removal_preview(self, session: Session, method_id: UUID) -> RemovalPreview:
        return cast(RemovalPreview, await self._call(session, "GET", f"/v1/payment-methods/{method_id}/removal"))

    async def remove_card(
        self, session: Session, method_id: UUID, next_default: UUID | None, idempotency_key: str | None
    ) -> Accepted:
        params = {"next_default": str(next_default)} if next_default else None
        path = f"/v1/payment-methods/{method_id}"
        return cast(Accepted, await self._call(session, "DELETE", path, params=params, idempotency_key=idempotency_key))

    async def payment_preview(self, session: Session, invoice_id: UUID) -> PaymentPreview:
        params = {"invoice_id": str(invoice_id)}
        return cast(PaymentPreview, await self._call(session, "GET", "/v1/charges/preview", params=params))

    async def pay(self, session: Session, invoice_id: UUID, request: PaymentRequest, idempotency_key: str | None) -> PaymentBegun:
        body = {"invoice_id": str(invoice_id), **_confirmed(request)}
        return cast(PaymentBegun, await self._call(session, "POST", "/v1/charges", json=body, idempotency_key=idempotency_key))

    async def authenticate(
        self, session: Session, invoice_id: UUID, request: PaymentRequest, looks: Looks, idempotency_key: str | None
    ) -> AuthenticationBegun:
        body = {"locale": looks.locale, "colour": looks.colour, "portal_origin": self._portal_origin, **_confirmed(request)}
        path = f"/v1/customers/{session.customer_id}/invoices/{invoice_id}/authentication"
        return cast(AuthenticationBegun, await self._call(session, "POST", path, json=body, idempotency_key=idempotency_key))


def _confirmed(request: PaymentRequest) -> dict[str, Any]:
    """What the customer was shown."""
    body: dict[str, Any] = {"payment_method_id": str(request.payment_method_id), **request.amount}
    if request.charge_invoices is not None:
        body["charge_invoices"] = [str(id) for id in request.charge_invoices]
    if request.effect is not None:
        body["effect"] = request.effect
    return body


class InvoicingService(_Service):
    async def customer_of(self, merchant_id: UUID, invoice_id: UUID) -> UUID:
        """The customer of an invoice, for the merchant, before it has arrived here. Raises Problem 404."""
        response = await self._client.call("GET", f"/v1/invoices/{invoice_id}", merchant_id=merchant_id)
        return UUID(response.json()["customer_id"])

    async def invoice(self, session: Session | InvoiceSession, invoice_id: UUID) -> dict[str, Any]:
        return cast(dict[str, Any], await self._call(session, "GET", f"/v1/invoices/{invoice_id}"))

    async def pdf(self, session: Session | InvoiceSession, invoice_id: UUID) -> DownloadedDocument:
        response = await self._client.call("GET", f"/v1/invoices/{invoice_id}/pdf", **_caller(session))
        return DownloadedDocument(response.content, "application/pdf", _filename(response) or f"{invoice_id}.pdf")

    async def receipt_pdf(self, session: Session, invoice_id: UUID) -> DownloadedDocument:
        response = await self._client.call("GET", f"/v1/invoices/{invoice_id}/receipt/pdf", **_caller(session))
        return DownloadedDocument(response.content, "application/pdf", _filename(response) or f"{invoice_id}.pdf")

    async def credit_note_pdf(self, session: Session, credit_note_id: UUID) -> DownloadedDocument:
        response = await self._client.call("GET", f"/v1/credit-notes/{credit_note_id}/pdf", **_caller(session))
        return DownloadedDocument(response.content, "application/pdf", _filename(response) or f"{credit_note_id}.pdf")

    async def export(self, session: Session, format: ExportFormat, locale: str, year: int | None = None) -> Download:
        path = f"/v1/customers/{session.customer_id}/export"
        params = {"format": format, "locale": locale, **({"year": str(year)} if year else {})}
        request = self._client.request("GET", path, **_caller(session), params=params)
        request.extensions["timeout"] = httpx.Timeout(_EXPORT_SILENCE_SECONDS, connect=_CONNECT_SECONDS).as_dict()
        try:
            response = await self._client.http.send(request, stream=True)
        except httpx.TransportError as error:
            outages.failed(error, "invoicing")
            raise unavailable() from None
        if response.is_error:
            await response.aread()
            raise problem_of_response(response)
        media_type = response.headers.get("content-type", "application/octet-stream")
        return Download(_chunks(response), response.aclose, media_type, _filename(response) or f"invoices.{format}")

    async def export_progress(self, session: Session) -> ExportProgress | None:
        answer = await self._call(session, "GET", f"/v1/customers/{session.customer_id}/export/progress")
        return cast(ExportProgress | None, answer["progress"])


async def _chunks(response: httpx.Response) -> AsyncGenerator[bytes]:
    async for chunk in response.aiter_bytes():
        yield chunk


def _filename(response: httpx.Response) -> str | None:
    """The file name in a Content-Disposition header (RFC 6266); `filename*`, which has all characters, wins over `filename`."""
    header = Message()
    header["content-disposition"] = response.headers.get("content-disposition", "")
    names = [value for name, value in header.get_params([], "content-disposition") if name == "filename"]
    names.sort(key=lambda value: isinstance(value, tuple))  # email.message decodes `filename*` to a tuple
    return collapse_rfc2231_value(names[-1]) or None if names else None
