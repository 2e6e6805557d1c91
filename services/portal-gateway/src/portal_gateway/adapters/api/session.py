"""Opening, prolonging and ending a session."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from chassis.http.addresses import rate_limit_key
from chassis.http.bodies import StrictBody
from chassis.http.description import answers
from portal_gateway.adapters.api import documents
from portal_gateway.adapters.api.dependencies import (
    CHANGE_REFUSALS,
    SESSION,
    UNKNOWN_SESSION,
    LocalizedRoute,
    PageToken,
    SessionDependencies,
    cookie_of,
    invoice_cookie_of,
)
from portal_gateway.application import session_cookie
from portal_gateway.application.portal import Portal
from portal_gateway.application.requests import Visitor
from portal_gateway.application.results import EnteredInvoice
from portal_gateway.domain.access import Session
from portal_gateway.domain.instants import rfc3339


class Entering(StrictBody):
    """The link that a customer followed."""

    token: str
    """The whole link, or the token in it."""


class Leaving(StrictBody):
    """What ends with the session."""

    revoke_link: bool = False
    """Whether the link ends too."""


def session_routes(portal: Portal, dependencies: SessionDependencies) -> APIRouter:
    api = APIRouter(prefix="/api/session", route_class=LocalizedRoute, tags=["session"])

    @api.post("", status_code=204)
    @answers(None, (401, "link_refused"), (429, "too_many_requests"), *CHANGE_REFUSALS)
    async def enter(request: Request, body: Entering) -> Response:
        """Exchange a portal link or an invoice link for a session, which is set as a cookie.

        After an invoice link, Content-Location names the only page that the session opens.
        """
        visitor = Visitor(rate_limit_key(request.client.host if request.client else "unknown"))
        entered = await portal.enter(body.token, visitor, cookie_of(request), invoice_cookie_of(request))
        if isinstance(entered, EnteredInvoice):
            opens = {"content-location": "/shared-invoice"}
            return Response(status_code=204, headers=opens | session_cookie.setting(entered.cookie, session_cookie.INVOICE_NAME))
        return Response(status_code=204, headers=session_cookie.setting(entered.cookie))

    @api.get("")
    @answers(documents.SessionTold, UNKNOWN_SESSION, (409, "session_changed"), security=SESSION)
    async def show(request: Request, x_csrf_token: PageToken = None) -> dict[str, Any]:
        """Read when the session ends, and its token.

        The request does not prolong the session. 409 when `x-csrf-token` is another session's.
        """
        session = await portal.session(cookie_of(request), keep_alive=False)
        if x_csrf_token is not None:
            portal.must_be_of(session, x_csrf_token)
        return _representation(session)

    @api.post("/extend")
    @answers(documents.SessionTold)
    async def extend(session: Annotated[Session, Depends(dependencies.acting)]) -> dict[str, Any]:
        """Prolong the session."""
        return _representation(session)

    @api.delete("", status_code=204)
    async def leave(session: Annotated[Session, Depends(dependencies.acting)], body: Leaving | None = None) -> Response:
        """End the session."""
        await portal.leave(session, revoke_link=body is not None and body.revoke_link)
        return Response(status_code=204, headers=session_cookie.clearing())

    return api


def _representation(session: Session) -> dict[str, Any]:
    return {
        "ends_at": rfc3339(session.ends_at.replace(microsecond=0)),
        "latest_end": rfc3339(session.latest_end.replace(microsecond=0)),
        "csrf": session.csrf,
        "flow": session.flow,
        "return_url": session.return_url,
    }
