"""Problems as pages: what happened and what to do; and one identical page for every request without a session."""

from collections.abc import Callable, Coroutine
from typing import Any, Final

from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from chassis.http import security_events
from chassis.http.problems import Problem, log_failure, problem_of_fault, problem_of_refusal
from chassis.scope import new_request_id, request_id
from portal_gateway.adapters.page import request_context
from portal_gateway.adapters.page.compression import gzipped
from portal_gateway.adapters.page.rendering import Pages
from portal_gateway.application.presentation.problems import explain
from portal_gateway.application.refusals import Refusal
from presentation.languages import N_

RELOADS: Final = {"session_changed": "/?said=session_changed"}
"""The address that a page of an outdated session loads."""
WRONG = N_("Something went wrong")
NOWHERE = N_("We couldn't find this page")
TITLES: Final = {"session_changed": N_("Another account was opened in this browser")}
HEADINGS: Final = {404: NOWHERE, 405: NOWHERE, 429: N_("Wait a moment")}


def page_route(pages: Pages) -> type[APIRoute]:
    """A route that answers problems with pages, compresses its responses, and stores a requested language in a cookie."""

    class PageRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def handle_page(request: Request) -> Response:
                response = await handle_problems(request)
                if cookie := request_context.language_cookie(request):
                    response.headers.append("set-cookie", cookie)
                return gzipped(request, response)

            async def handle_problems(request: Request) -> Response:
                error: Exception | None = None
                try:
                    return await handle(request)
                except Problem as raised:
                    problem = raised
                except Refusal as refused:
                    problem = problem_of_refusal(request.app.state.refusals, refused)
                except HTTPException as raised:
                    problem = Problem(raised.status_code, "bad_request", "The request cannot be read")
                except ClientDisconnect:
                    raise
                except Exception as raised:
                    fault = problem_of_fault(raised, request.method)
                    error, problem = (None, fault) if fault else (raised, Problem(500, "internal_error", "Something failed here"))
                log_failure(request, problem, error)
                return refusal(pages, request, problem)

            return handle_page

    return PageRoute


def refusal(pages: Pages, request: Request, problem: Problem) -> Response:
    """A page about a problem: what happened, what to do and, if the customer did not cause it, a reference."""
    security_events.note(code=problem.code)
    if problem.status == 401:
        return neutral(pages, request, invoice=problem.code == "invoice_session_required")
    language = request_context.language(request)
    return pages.page(
        "message.html",
        request,
        status=problem.status,
        code=problem.code,
        heading=language.say(TITLES.get(problem.code) or HEADINGS.get(problem.status, WRONG)),
        sentences=[explain(language, problem.status, problem.code, problem.headers)],
        reference=reference(problem),
        reload=RELOADS.get(problem.code, "") if problem.status == 409 else None,
        headers=dict(problem.headers),
    )


def reference(problem: Problem) -> str | None:
    """The request's id, by which support finds the problem in the log; None for problems that the customer can fix."""
    return (request_id() or new_request_id()) if problem.status >= 500 else None


def neutral(pages: Pages, request: Request, *, refused: bool = False, invoice: bool = False) -> Response:
    """The same bytes for an expired, revoked or unknown link and for a missing session: the response does not reveal which.

    `refused`: a pasted link was refused, which the page states beside the field. The link is a secret and not shown again.
    `invoice`: the page of an invoice link was requested.
    """
    language = request_context.language(request)
    heading = language.say("We couldn't open the invoice") if invoice else language.say("We couldn't open the portal")
    advice = (
        language.say("Open your link again. If it doesn't work, ask the person who sent it to you for a new one.")
        if invoice
        else language.say("Open your link again. If it doesn't work, ask the company you subscribe to for a new one.")
    )
    return pages.page(
        "message.html",
        request,
        status=401,
        code="not_opened",
        heading=heading,
        sentences=[
            language.say(
                "The link may have expired or been revoked, or part of it may be missing. Your session may also have ended."
            ),
            advice,
        ],
        paste=True,
        refused=refused,
    )
