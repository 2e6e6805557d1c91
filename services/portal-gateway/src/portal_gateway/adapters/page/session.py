"""Opening a session with a link, prolonging it, and logging out."""

from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from portal_gateway.adapters.page import forms, request_context
from portal_gateway.adapters.page.error_pages import neutral, page_route
from portal_gateway.adapters.page.rendering import Pages
from portal_gateway.application.portal import Portal
from portal_gateway.application.presentation.common import account
from portal_gateway.application.refusals import LinkRefused, SessionRequired
from portal_gateway.application.results import EnteredInvoice
from portal_gateway.application.session_cookie import INVOICE_NAME, clearing, setting
from portal_gateway.application.view import Visit
from presentation.languages import N_

ENTRANCES: Final = {None: "/", "payment_method": "/payment-method", "cancel": "/cancel"}

ENDED: Final = (
    N_("Your session has ended"),
    N_("We signed you out and removed your data from this page. To come back, open your link again."),
)
ENDED_BY_ANOTHER: Final = N_("The portal was reopened in this browser for %(account)s. Not you? Open your own link.")
REVOKED: Final = (
    N_("You signed out and revoked the link"),
    N_("That link no longer works. To come back, ask the company you subscribe to for a new one."),
)


def routes(portal: Portal, pages: Pages) -> APIRouter:
    router = APIRouter(route_class=page_route(pages), include_in_schema=False)

    @router.api_route("/enter", methods=["GET", "HEAD"])
    async def enter(request: Request) -> Response:
        """Has no side effects, so link previews cannot use up a link. A script on the page exchanges the link in the address."""
        say = request_context.language(request).say
        invoice = "invoice" in request.query_params
        heading = say("Opening the invoice") if invoice else say("Opening your portal")
        return pages.page("enter.html", request, heading=heading, invoice=invoice, headers={"referrer-policy": "no-referrer"})

    @router.post("/enter")
    async def exchange(request: Request) -> Response:
        form = await forms.form(request)
        try:
            entered = await portal.enter(
                form.text("link").strip(),
                request_context.visitor(request),
                request_context.cookie(request),
                request_context.cookie(request, INVOICE_NAME),
            )
        except LinkRefused:
            return neutral(pages, request, refused=True)
        if isinstance(entered, EnteredInvoice):
            return RedirectResponse(request_context.SHARED_INVOICE, 303, setting(entered.cookie, INVOICE_NAME))
        return RedirectResponse(ENTRANCES[entered.flow], 303, setting(entered.cookie))

    @router.post("/logout")
    async def leave(request: Request) -> Response:
        form = await forms.form(request)
        revoke_link = form.text("revoke_link") == "yes"
        try:
            session = (await request_context.visit(portal, request)).session
        except SessionRequired:
            return RedirectResponse("/ended", 303, clearing())
        portal.must_be_of(session, request_context.token(request, form))
        await portal.leave(session, revoke_link=revoke_link)
        return RedirectResponse("/ended?link=revoked" if revoke_link else "/ended", 303, clearing())

    @router.post("/session/extend")
    async def extend(request: Request) -> Response:
        form = await forms.form(request)
        portal.must_be_of((await request_context.visit(portal, request)).session, request_context.token(request, form))
        return RedirectResponse(request_context.address("/", request_context.navigation_state(request)), 303)

    @router.get("/ended")
    async def ended(request: Request) -> Response:
        other = await _current_visit(portal, request)
        language, revoked = request_context.language(request), request.query_params.get("link") == "revoked"
        title, sentence = REVOKED if revoked else ENDED
        text = language.say(ENDED_BY_ANOTHER, account=account(other.view)) if other else language.say(sentence)
        code = "opened_again" if other else "link_revoked" if revoked else "session_ended"
        return pages.page(
            "message.html",
            request,
            code=code,
            heading=language.say(title),
            sentences=[text],
            paste=True,
            revoked=code == "link_revoked",
        )

    return router


async def _current_visit(portal: Portal, request: Request) -> Visit | None:
    """The session that this browser still has, opened with another link."""
    try:
        return await request_context.visit(portal, request, keep_alive=False)
    except SessionRequired:
        return None
