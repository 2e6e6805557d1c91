"""The pages of an invoice link: its invoice, the PDF, and paying with a card that is not stored. And creating such a link."""

from typing import Final
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from chassis.http.downloads import download_headers
from portal_gateway.adapters.page import forms, request_context
from portal_gateway.adapters.page.error_pages import page_route
from portal_gateway.adapters.page.rendering import Pages
from portal_gateway.application.portal import Portal
from portal_gateway.application.presentation.common import Reader
from portal_gateway.application.presentation.shared_invoice import PAYABLE, shared_invoice
from portal_gateway.application.refusals import InvoiceSessionRequired
from portal_gateway.application.session_cookie import INVOICE_NAME, clearing_invoice
from portal_gateway.application.shared_invoices import SharedVisit
from presentation.languages import N_

HOME: Final = request_context.SHARED_INVOICE
LEFT: Final = (
    N_("You closed the invoice"),
    N_("To come back, open your link again."),
)


async def visited(portal: Portal, request: Request) -> SharedVisit:
    """The session of an invoice link. Raises InvoiceSessionRequired."""
    secret = request_context.cookie(request, INVOICE_NAME)
    request.state.visit = visit = await portal.shared.visit(secret, keep_alive=request_context.by_customer(request))
    return visit


def routes(portal: Portal, pages: Pages) -> APIRouter:
    router = APIRouter(route_class=page_route(pages), include_in_schema=False)

    @router.get(HOME)
    async def show(request: Request) -> Response:
        visit = await visited(portal, request)
        reader = Reader.of(visit.view, request_context.language(request))
        shown = shared_invoice(reader, await portal.shared.invoice(visit.session), visit)
        return pages.page(
            "shared_invoice.html", request, heading=shown.title, invoice=shown.invoice, shared=shown, csrf=visit.session.csrf
        )

    @router.get(f"{HOME}/pdf")
    async def pdf(request: Request) -> Response:
        visit = await visited(portal, request)
        document = await portal.shared.pdf(visit.session)
        return Response(document.content, 200, download_headers(document.filename or "invoice.pdf"), document.media_type)

    @router.get(f"{HOME}/payment")
    async def payment(request: Request) -> Response:
        visit = await visited(portal, request)
        reader = Reader.of(visit.view, request_context.language(request))
        shown = shared_invoice(reader, await portal.shared.invoice(visit.session), visit)
        if shown.status not in PAYABLE:
            return RedirectResponse(HOME, 303)
        return pages.page("shared_payment.html", request, heading=shown.pay, invoice=shown.invoice, csrf=visit.session.csrf)

    @router.get(f"{HOME}/confirmation")
    async def confirmation(request: Request) -> Response:
        visit = await visited(portal, request)
        reader = Reader.of(visit.view, request_context.language(request))
        shown = shared_invoice(reader, await portal.shared.invoice(visit.session), visit)
        if shown.confirm is None:
            return RedirectResponse(HOME, 303)
        return pages.page(
            "shared_confirmation.html", request, heading=shown.confirm, invoice=shown.invoice, csrf=visit.session.csrf
        )

    @router.post(f"{HOME}/logout")
    async def leave(request: Request) -> Response:
        form = await forms.form(request)
        try:
            session = (await visited(portal, request)).session
        except InvoiceSessionRequired:
            return RedirectResponse(f"{HOME}/closed", 303, clearing_invoice())
        portal.must_be_of(session, request_context.token(request, form))
        await portal.shared.leave(session)
        return RedirectResponse(f"{HOME}/closed", 303, clearing_invoice())

    @router.get(f"{HOME}/closed")
    async def closed(request: Request) -> Response:
        title, sentence = (request_context.language(request).say(text) for text in LEFT)
        return pages.page("message.html", request, code="invoice_closed", heading=title, sentences=[sentence], paste=True)

    @router.get("/invoices/{invoice_id:uuid}/link")
    async def sharing(invoice_id: UUID, request: Request) -> Response:
        return await _sharing(invoice_id, request)

    @router.post("/invoices/{invoice_id:uuid}/link")
    async def share(invoice_id: UUID, request: Request) -> Response:
        """The link is in this answer only. A reload creates another one."""
        visit, form = await request_context.visit(portal, request), await forms.form(request)
        portal.must_be_of(visit.session, request_context.token(request, form))
        if form.text("revoke") == "yes":
            await portal.shared.revoke_links(visit.session, invoice_id)
            return RedirectResponse(f"/invoices/{invoice_id}/link", 303)
        url, expires_at = await portal.shared.share(visit.session, invoice_id)
        day = Reader.of(visit.view, request_context.language(request)).day(expires_at)
        return await _sharing(invoice_id, request, url=url, expires=day)

    async def _sharing(invoice_id: UUID, request: Request, *, url: str | None = None, expires: str | None = None) -> Response:
        visit = await request_context.visit(portal, request)
        facts, language = await portal.invoice(visit.session, invoice_id), request_context.language(request)
        return pages.page(
            "share_invoice.html",
            request,
            heading=language.say("Send invoice %(number)s to the person who pays it", number=facts["number"]),
            number=facts["number"],
            path=f"/invoices/{invoice_id}/link",
            back=request_context.address(f"/invoices/{invoice_id}", request_context.navigation_state(request)),
            url=url,
            expires=expires,
            open_links=await portal.shared.open_links(visit.session, invoice_id),
            headers={"referrer-policy": "no-referrer"},
        )

    return router
