"""Who asks and in which language: what every route of the JSON API begins with."""

from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, Final, cast

from fastapi import Header, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import APIRoute

from chassis.http.commands import Key
from chassis.http.description import answers
from chassis.http.problems import Problem, of_fault, of_refusal, of_validation
from portal_gateway.application import session_cookie
from portal_gateway.application.portal import Portal
from portal_gateway.application.presentation.common import money
from portal_gateway.application.presentation.language import choose
from portal_gateway.application.presentation.problems import explain
from portal_gateway.application.refusals import Refusal
from portal_gateway.application.view import View
from portal_gateway.domain.access import Session
from portal_gateway.domain.view import Money
from presentation.languages import Language

__all__ = ["IdempotencyKey", "LocalizedRoute", "PageToken", "SessionDependencies", "cookie_of", "language_of", "with_texts"]

IdempotencyKey = Key
PageToken = Annotated[
    str | None,
    Header(alias="x-csrf-token", max_length=200, description="Token of the session whose page sends the request."),
]


class LocalizedRoute(APIRoute):
    """A route whose problems tell the customer in their language what happened."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def spoken(request: Request) -> Response:
            try:
                return await answer(request)
            except RequestValidationError as error:
                invalid = of_validation(error.errors(), request.headers.get("content-type"))
                raise await _in_words(request, invalid) from None
            except Problem as problem:
                raise await _in_words(request, problem) from None
            except Refusal as refusal:
                raise await _in_words(request, of_refusal(request.app.state.refusals, refusal)) from None
            except Exception as error:
                fault = of_fault(error, request.method)
                if fault is None:
                    raise
                raise await _in_words(request, fault) from error

        return spoken


async def _in_words(request: Request, problem: Problem) -> Problem:
    language = language_of(request, view=await _view_of(request) if problem.status < HTTPStatus.INTERNAL_SERVER_ERROR else None)
    problem.detail = explain(language, problem.status, problem.code, problem.headers)
    problem.more = with_texts(language, problem.more)
    return problem


async def _view_of(request: Request) -> View | None:
    """Of the customer whose request it is, when it is known who that is."""
    look: Callable[[], Awaitable[View]] | None = getattr(request.state, "look", None)
    try:
        return await look() if look else None
    except Exception:
        return None  # the problem is told in a language that the request itself names


SESSION: Final = ({"session": ()},)
SCHEMES: Final = {
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": session_cookie.NAME,
        "description": "The session for which a portal link was exchanged.",
    },
    "csrf": {
        "type": "apiKey",
        "in": "header",
        "name": "x-csrf-token",
        "description": "The session's token, from `GET /api/session`. Origin or Sec-Fetch-Site names the portal as the sender.",
    },
}
"""The credentials in terms of OpenAPI."""
UNKNOWN_SESSION: Final = (401, "session_required")
OF_CHANGES: Final = ((403, "cross_origin"), (421, "misdirected_request"))
"""Of every request that changes something, before it is looked at."""
OF_PAGES: Final = ((403, "csrf_required"), (409, "session_changed"))


class SessionDependencies:
    """The dependencies that let a customer's request in."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal

    @answers(None, UNKNOWN_SESSION, security=SESSION)
    async def reading(self, request: Request) -> Session:
        """Raises 401 `session_required`."""
        request.state.session = session = await self._portal.session(cookie_of(request))
        request.state.look = partial(self._portal.view, session)
        return session

    @answers(
        None,
        UNKNOWN_SESSION,
        *OF_CHANGES,
        (403, "csrf_required"),
        (409, "session_changed"),
        security=({"session": (), "csrf": ()},),
    )
    async def acting(self, request: Request, x_csrf_token: PageToken = None) -> Session:
        """For what changes something: the page that asks must be of the same session. Raises 401, 403, 409."""
        session = await self.reading(request)
        self._portal.must_be_of(session, x_csrf_token)
        return session


def cookie_of(request: Request) -> str | None:
    return session_cookie.presented(request.headers.get("cookie"))


def language_of(request: Request, session: Session | None = None, view: View | None = None) -> Language:
    """A problem is told in the language of the session whose request it was."""
    session = session or getattr(request.state, "session", None)
    return choose(
        asked=request.query_params.get("lang"),
        kept=request.cookies.get("lang"),
        link=session.locale if session else None,
        customer=view.facts["customer"]["locale"] if view else None,
        accept=", ".join(request.headers.getlist("accept-language")),
        merchant=str(view.merchant["locale"]) if view else None,
    )


_NESTED = (dict, list, tuple)


def with_texts(language: Language, facts: Any) -> Any:
    """The same JSON with every amount also written out."""
    if isinstance(facts, dict):
        if "amount_minor" in facts and "currency" in facts:
            return {**facts, "text": money(language, cast(Money, facts))}
        return {name: with_texts(language, value) if isinstance(value, _NESTED) else value for name, value in facts.items()}
    if isinstance(facts, (list, tuple)):
        return [with_texts(language, value) for value in facts]
    return facts
