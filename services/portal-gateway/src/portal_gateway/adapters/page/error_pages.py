"""When a page cannot be given: what happened, what to do, in words; and one same page for whoever has no session."""

from collections.abc import Callable, Coroutine
from typing import Any, Final

from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from chassis.http import security_events
from chassis.http.problems import Problem, log_failure, of_fault, of_refusal
from chassis.scope import new_request_id, request_id
from portal_gateway.adapters.page import request_context
from portal_gateway.adapters.page.compression import gzipped
from portal_gateway.adapters.page.rendering import Pages
from portal_gateway.application.presentation.problems import explain
from portal_gateway.application.refusals import Refusal
from presentation.languages import N_

RELOADS: Final = {"session_changed": "/?said=session_changed"}
"""Where a page has to go whose session is another one now."""
WRONG = N_("Something went wrong")
NOWHERE = N_("We did not find this page")
HEADINGS: Final = {404: NOWHERE, 405: NOWHERE, 429: N_("Wait a moment")}


def page_route(pages: Pages) -> type[APIRoute]:
    """A route that answers problems with pages, packs what it sends, and remembers the language that was asked for."""

    class PageRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def handled(request: Request) -> Response:
                response = await answered(request)
                if kept := request_context.language_cookie(request):
                    response.headers.append("set-cookie", kept)
                return gzipped(request, response)

            async def answered(request: Request) -> Response:
                error: Exception | None = None
                try:
                    return await handle(request)
                except Problem as found:
                    problem = found
                except Refusal as found:
                    problem = of_refusal(request.app.state.refusals, found)
                except HTTPException as found:
                    problem = Problem(found.status_code, "bad_request", "The request cannot be read")
                except ClientDisconnect:
                    raise
                except Exception as found:
                    fault = of_fault(found, request.method)
                    error, problem = (None, fault) if fault else (found, Problem(500, "internal_error", "Something failed here"))
                log_failure(request, problem, error)
                return refusal(pages, request, problem)

            return handled

    return PageRoute


def refusal(pages: Pages, request: Request, problem: Problem) -> Response:
    """A page about a problem: what happened, what to do and, when it is not the customer's doing, a reference."""
    security_events.note(code=problem.code)
    if problem.status == 401:
        return neutral(pages, request)
    language = request_context.language(request)
    return pages.page(
        "message.html",
        request,
        status=problem.status,
        heading=language.say(HEADINGS.get(problem.status, WRONG)),
        sentences=[explain(language, problem.status, problem.code, problem.headers)],
        reference=reference(problem),
        reload=RELOADS.get(problem.code, "") if problem.status == 409 else None,
        headers=dict(problem.headers),
    )


def reference(problem: Problem) -> str | None:
    """The request's id, which a customer can name and the log finds; None for what they can mend themselves."""
    return (request_id() or new_request_id()) if problem.status >= 500 else None


def neutral(pages: Pages, request: Request, *, refused: bool = False) -> Response:
    """For a link that is expired, revoked or unknown and for a session that is none: the same bytes, whichever it was.

    `refused` when a link was pasted, which is said beside the field; the link itself is a secret and not shown again.
    """
    language = request_context.language(request)
    return pages.page(
        "message.html",
        request,
        status=401,
        heading=language.say("We could not open the portal"),
        sentences=[
            language.say("The link may have expired, been revoked or be incomplete, or your session has ended."),
            language.say("Open your link again. If that does not work, ask the company that serves you for a new one."),
        ],
        paste=True,
        refused=refused,
    )
