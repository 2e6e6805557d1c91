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
from chassis.languages import N_, Language
from portal_gateway.adapters.page import asking
from portal_gateway.adapters.page.compression import sent_packed
from portal_gateway.adapters.page.rendering import Pages
from portal_gateway.application.wording_problems import UNKNOWN, explain

log = logging.getLogger(__name__)

RELOADS: Final = {"session_changed": "/?said=session_changed"}
"""Where a page has to go whose session is another one now."""
WRONG = N_("Something went wrong")
NOT_FOUND = N_("We did not find this page")


def page_route(pages: Pages) -> type[APIRoute]:
    """A route that answers problems with pages, and packs what it sends."""

    class PageRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def handled(request: Request) -> Response:
                return sent_packed(request, await answered(request))

            async def answered(request: Request) -> Response:
                try:
                    return await handle(request)
                except Problem as problem:
                    return refusal(pages, request, problem)
                except HTTPException as error:
                    return refusal(pages, request, Problem(error.status_code, "bad_request", "The request cannot be read"))
                except Exception:
                    reference = uuid4().hex[:12]
                    log.exception("a page failed, reference %s", reference)
                    return _message(pages, asking.language(request), 500, WRONG, [UNKNOWN], reference)

            return handled

    return PageRoute


def refusal(pages: Pages, request: Request, problem: Problem) -> Response:
    language = asking.language(request)
    if problem.status == 401:
        return neutral(pages, request)
    response = _explained(pages, language, problem, NOT_FOUND if problem.status == 404 else WRONG)
    for name, value in problem.headers.items():
        response.headers[name] = value
    return response


def neutral(pages: Pages, request: Request) -> Response:
    """For a link that is expired, revoked or unknown and for a session that is none: the same bytes, whichever it was."""
    language = asking.language(request)
    return pages.page(
        "message.html",
        language,
        status=401,
        heading=language.say("We could not open the portal"),
        sentences=[
            language.say("The link may have expired, been revoked or be incomplete, or your session has ended."),
            language.say("Open your link again. If that does not work, ask the company that serves you for a new one."),
        ],
        paste=True,
        reference=None,
        reload=None,
    )


def _explained(pages: Pages, language: Language, problem: Problem, title: str) -> Response:
    return pages.page(
        "message.html",
        language,
        status=problem.status,
        heading=language.say(title),
        sentences=[explain(language, problem.status, problem.code, problem.headers)],
        paste=False,
        reference=None,
        reload=RELOADS.get(problem.code, "") if problem.status == 409 else None,
    )


def _message(pages: Pages, language: Language, status: int, title: str, sentences: list[str], reference: str | None) -> Response:
    return pages.page(
        "message.html",
        language,
        status=status,
        heading=language.say(title),
        sentences=[language.say(sentence) for sentence in sentences],
        paste=False,
        reference=reference,
        reload=None,
    )
