"""The whole page as JSON, and the stream of its changes."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic_core import to_json

from chassis.http.description import answers
from chassis.http.problems import problem_of_fault
from portal_gateway.adapters.api import documents
from portal_gateway.adapters.api.dependencies import SESSION, UNKNOWN_SESSION, LocalizedRoute, cookie_of, language_of
from portal_gateway.adapters.api.representations import overview
from portal_gateway.adapters.api.stream import sse
from portal_gateway.application.live import LOOK_SECONDS, ChangeSignal, ChangeSignals, Glance, Look, updates
from portal_gateway.application.portal import Portal
from portal_gateway.application.refusals import SessionChanged
from portal_gateway.application.view import Position
from portal_gateway.domain.tokens import page_tag

_AFTER = Query(max_length=80, description="`<aggregate>:<version>`: waits briefly until that version is shown.")
_REVISION = Query(ge=0, le=2**53, description="The revision that is shown already.")
_PAGE = Query(max_length=40, description="Tag of the session that the page shows. 409 when it is not this one.")
_LAST = Header(max_length=40, description="Id of the last event that was received.")


def overview_routes(portal: Portal, signals: ChangeSignals) -> APIRouter:
    api = APIRouter(prefix="/api", route_class=LocalizedRoute, tags=["overview"])

    @api.get("/overview", response_model=dict[str, Any])
    @answers(documents.Overview, UNKNOWN_SESSION, security=SESSION)
    async def show(request: Request, after: Annotated[str | None, _AFTER] = None) -> Response:
        """Read everything that the page shows."""
        visit = await portal.visit(cookie_of(request), Position.read(after))
        language = language_of(request, visit.session, visit.view)
        rows = visit.view.facts["invoices"]
        more = visit.view.facts["invoice_count"] > len(rows)
        cursor = portal.history.cursor_after(visit.session, rows[-1]) if more and rows else None
        return Response(to_json(overview(visit.view, language, cursor)), media_type="application/json")

    @api.get("/stream", response_class=StreamingResponse)
    @answers(None, UNKNOWN_SESSION, (409, "session_changed"), media_types=("text/event-stream",), security=SESSION)
    async def stream(
        request: Request,
        after: Annotated[int | None, _REVISION] = None,
        page: Annotated[str | None, _PAGE] = None,
        last_event_id: Annotated[str | None, _LAST] = None,
    ) -> StreamingResponse:
        """Receive the changes of the page as server-sent events.

        An event has `revision` and `panes`; `ended` means that the session is over. `pulse` has `mark`, at least every 15 s:
        another mark means that something besides the facts has changed, such as their age.
        """
        cookie = cookie_of(request) or ""
        session = await portal.session(cookie, keep_alive=False)
        if page not in (None, page_tag(session.csrf)):
            raise SessionChanged
        shown = int(last_event_id) if last_event_id and last_event_id.isdecimal() else after

        async def look() -> Glance | None:
            return await portal.views.glance(cookie)

        # Before the response starts: the first look of the stream itself may happen after the first change.
        if shown is None and (current := await look()):
            shown = current.revision

        async def events() -> AsyncIterator[str]:
            with signals.of(session.merchant_id, session.customer_id, session.id) as signal:
                async for message in updates(retrying(look, signal), signal, shown):
                    yield sse(message)

        return StreamingResponse(events(), media_type="text/event-stream", headers={"x-accel-buffering": "no"})

    return api


def retrying(look: Look, signal: ChangeSignal) -> Look:
    """Retry while the database is unavailable. Closing the stream would only make the browser open it again."""

    async def look_until_available() -> Glance | None:
        while True:
            try:
                return await look()
            except Exception as error:
                if signal.closing or problem_of_fault(error, "GET") is None:
                    raise
            await signal.wait(LOOK_SECONDS)

    return look_until_available
