"""When a page cannot be given: what happened, what to do, in words; and one same page for whoever has no session."""

import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final
from uuid import uuid4

from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from chassis.http.problems import Problem
from chassis.languages import N_
from portal_gateway.adapters.page import asking
from portal_gateway.adapters.page.compression import sent_packed
from portal_gateway.adapters.page.rendering import Pages
from portal_gateway.application.wording_problems import explain

log = logging.getLogger(__name__)

RELOADS: Final = {"session_changed": "/?said=session_changed"}
"""Where a page has to go whose session is another one now."""
WRONG = N_("Something went wrong")
HEADINGS: Final = {404: N_("We did not find this page"), 429: N_("Wait a moment")}


def page_route(pages: Pages) -> type[APIRoute]:
    """A route that answers problems with pages, packs what it sends, and remembers the language that was asked for."""

    class PageRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def handled(request: Request) -> Response:
                response = await answered(request)
                if kept := asking.language_cookie(request):
                    response.headers.append("set-cookie", kept)
                return sent_packed(request, response)

            async def answered(request: Request) -> Response:
                try:
                    return await handle(request)
                except Problem as problem:
                    return refusal(pages, request, problem)
                except HTTPException as error:
                    return refusal(pages, request, Problem(error.status_code, "bad_request", "The request cannot be read"))
                except Exception:
                    log.exception("a page failed")
                    return refusal(pages, request, Problem(500, "internal_error", "Something failed here"))

            return handled

    return PageRoute


def refusal(pages: Pages, request: Request, problem: Problem) -> Response:
    """A page about a problem: what happened, what to do and, when it is not the customer's doing, a reference."""
    if problem.status == 401:
        return neutral(pages, request)
    language = asking.language(request)
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
    """What a customer can name and the log finds; None for what they can mend themselves."""
    if problem.status < 500:
        return None
    found = uuid4().hex[:12]
    log.warning("a page could not be given: %s, reference %s", problem, found)
    return found


def neutral(pages: Pages, request: Request, *, refused: bool = False) -> Response:
    """For a link that is expired, revoked or unknown and for a session that is none: the same bytes, whichever it was.

    `refused` when a link was pasted, which is said beside the field; the link itself is a secret and not shown again.
    """
    language = asking.language(request)
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
