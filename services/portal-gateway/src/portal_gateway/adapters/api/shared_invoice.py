"""What a session of an invoice link can call; and the links to an invoice, for its customer."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from chassis.http.description import answers
from chassis.http.problems import Problem
from portal_gateway.adapters.api import shared_invoice_documents as documents
from portal_gateway.adapters.api.bodies import OneTimePayment
from portal_gateway.adapters.api.commands import DECLINED, amount
from portal_gateway.adapters.api.dependencies import (
    CHANGE_REFUSALS,
    IdempotencyKey,
    LocalizedRoute,
    PageToken,
    SessionDependencies,
    invoice_cookie_of,
    language_of,
    with_texts,
)
from portal_gateway.adapters.api.parameters import InvoiceId
from portal_gateway.application.portal import Portal
from portal_gateway.application.presentation.common import Reader
from portal_gateway.application.presentation.shared_invoice import shared_invoice
from portal_gateway.application.requests import Looks
from portal_gateway.application.shared_invoices import SharedVisit
from portal_gateway.domain.access import Session
from portal_gateway.domain.instants import rfc3339

INVOICE_SESSION = ({"invoice-session": ()},)
UNKNOWN_SESSION = (401, "invoice_session_required")


def shared_invoice_routes(portal: Portal, dependencies: SessionDependencies) -> APIRouter:
    api = APIRouter(prefix="/api", route_class=LocalizedRoute)

    @answers(None, UNKNOWN_SESSION, security=INVOICE_SESSION)
    async def visiting(request: Request) -> SharedVisit:
        visit = await portal.shared.visit(invoice_cookie_of(request), keep_alive="x-live" not in request.headers)
        request.state.session = visit.session
        return visit

    @answers(
        None,
        UNKNOWN_SESSION,
        *CHANGE_REFUSALS,
        (403, "csrf_required"),
        (409, "session_changed"),
        security=({"invoice-session": (), "csrf": ()},),
    )
    async def acting(request: Request, x_csrf_token: PageToken = None) -> SharedVisit:
        visit = await visiting(request)
        portal.must_be_of(visit.session, x_csrf_token)
        return visit

    @api.get("/shared-invoice", tags=["shared invoice"])
    @answers(documents.SharedInvoice)
    async def show(request: Request, visit: Annotated[SharedVisit, Depends(visiting)]) -> dict[str, Any]:
        """Read the invoice of the session's link."""
        language = language_of(request, visit.session, visit.view)
        facts = await portal.shared.invoice(visit.session)
        shown = shared_invoice(Reader.of(visit.view, language), facts, visit)
        body: dict[str, Any] = {
            "number": facts["number"],
            "issued_on": facts["issued_on"],
            "total": facts["total"],
            "status": shown.status,
            "status_text": shown.invoice.badge.text,
            "payable": shown.payable,
            "authenticate_until": facts.get("authenticate_until"),
            "pdf_url": "/shared-invoice/pdf",
            "csrf": visit.session.csrf,
        }
        texts: dict[str, Any] = with_texts(language, body)
        return texts

    @api.post("/shared-invoice/setup", status_code=201, tags=["shared invoice"])
    @answers(
        documents.OneTimeSetup,
        (404, "not_found"),
        (409, "nothing_owed"),
        (429, "too_many_requests"),
        (429, "too_many_openings"),
    )
    async def open_setup(request: Request, visit: Annotated[SharedVisit, Depends(acting)]) -> dict[str, Any]:
        """Open a page on which the payer can type a card, which is not stored."""
        language = language_of(request, visit.session, visit.view)
        colour = (visit.view.merchant.get("branding") or {}).get("colour")
        setup = await portal.shared.open_card_setup(visit.session, locale=language.tag, colour=colour)
        return _with_lines(request, visit, {**setup})

    @api.post("/shared-invoice/authentication", status_code=201, tags=["shared invoice"])
    @answers(documents.ConfirmationPage, (404, "not_found"), (429, "too_many_requests"), (429, "too_many_openings"))
    async def authenticate(request: Request, visit: Annotated[SharedVisit, Depends(acting)]) -> dict[str, Any]:
        """Open a page on which the payer confirms the session's payment at their bank, while it waits for that."""
        language = language_of(request, visit.session, visit.view)
        looks = Looks(language.tag, (visit.view.merchant.get("branding") or {}).get("colour"))
        return {**await portal.shared.open_confirmation(visit.session, looks)}

    @api.post("/shared-invoice/payment", status_code=201, tags=["shared invoice"])
    @answers(
        documents.OneTimePaymentStarted,
        *((402, code) for code in DECLINED),
        (404, "not_found"),
        (409, "amount_changed"),
        (409, "charge_running"),
        (409, "nothing_owed"),
        (422, "invalid_token"),
        (429, "too_many_declines"),
        (429, "too_many_payments"),
        (429, "too_many_requests"),
    )
    async def pay(
        request: Request,
        body: OneTimePayment,
        visit: Annotated[SharedVisit, Depends(acting)],
        idempotency_key: IdempotencyKey = None,
    ) -> dict[str, Any]:
        """Pay the invoice with a card that was typed.

        The card is charged once and not stored.
        """
        total = amount(body)
        try:
            begun = await portal.shared.pay(visit.session, body.setup_id, body.token, total, idempotency_key=idempotency_key)
        except Problem as problem:
            if problem.code == "amount_changed":
                problem.more = _with_lines(request, visit, {**problem.more})
            raise
        card = {name: begun["payment_method"][name] for name in ("brand", "last4")}
        return {"id": begun["id"], "aggregate": begun["aggregate"], "version": begun["version"], "card": card}

    def _with_lines(request: Request, visit: SharedVisit, dues: dict[str, Any]) -> dict[str, Any]:
        """The dues with the line that the page shows."""
        language = language_of(request, visit.session, visit.view)
        reader = Reader.of(visit.view, language)
        lines = [
            {"text": reader.say("Invoice %(number)s", number=due["number"]), "amount_text": reader.money(due["amount"])}
            for due in dues["due"]
        ]
        shown: dict[str, Any] = with_texts(language, {**dues, "lines": lines, "statements": []})
        return shown

    @api.post("/invoices/{invoice_id}/links", status_code=201, tags=["invoices"])
    @answers(documents.CreatedInvoiceLink, (404, "not_found"), (429, "too_many_requests"))
    async def share(invoice_id: InvoiceId, session: Annotated[Session, Depends(dependencies.acting)]) -> dict[str, Any]:
        """Create a link to an invoice, for the person who pays it.

        It shows this invoice only. The URL is in this answer and stored nowhere.
        """
        url, expires_at = await portal.shared.share(session, invoice_id)
        return {"url": url, "expires_at": rfc3339(expires_at)}

    @api.delete("/invoices/{invoice_id}/links", status_code=204, tags=["invoices"])
    @answers(None, (404, "not_found"))
    async def revoke(invoice_id: InvoiceId, session: Annotated[Session, Depends(dependencies.acting)]) -> Response:
        """Revoke all links to an invoice.

        Their sessions end at their next request.
        """
        await portal.shared.revoke_links(session, invoice_id)
        return Response(status_code=204)

    return api
