"""Authentication and language of the JSON API's routes."""

from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, Final, cast

from fastapi import Header, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import APIRoute

from chassis.http.commands import KeyHeader
from chassis.http.description import answers
from chassis.http.problems import Problem, problem_of_fault, problem_of_refusal, problem_of_validation
from portal_gateway.application import session_cookie
from portal_gateway.application.portal import Portal
from portal_gateway.application.presentation.common import money
from portal_gateway.application.presentation.language import choose
from portal_gateway.application.presentation.problems import explain
from portal_gateway.application.refusals import Refusal
from portal_gateway.application.view import View
from portal_gateway.domain.access import InvoiceSession, Session
from portal_gateway.domain.view import Money
from presentation.languages import Language

__all__ = [
    "IdempotencyKey",
    "LocalizedRoute",
    "PageToken",
    "SessionDependencies",
    "cookie_of",
    "invoice_cookie_of",
    "language_of",
    "with_texts",
]

IdempotencyKey = KeyHeader
PageToken = Annotated[
    str | None,
    Header(alias="x-csrf-token", max_length=200, description="Token of the session of the page that sends the request."),
]


class LocalizedRoute(APIRoute):
    """A route with problems that explain in the customer's language what happened."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def localized(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                invalid = problem_of_validation(error.errors(), request.headers.get("content-type"))
                raise await _localized(request, invalid) from None
            except Problem as problem:
                raise await _localized(request, problem) from None
            except Refusal as refusal:
                raise await _localized(request, problem_of_refusal(request.app.state.refusals, refusal)) from None
            except Exception as error:
                fault = problem_of_fault(error, request.method)
                if fault is None:
                    raise
                raise await _localized(request, fault) from error

        return localized


async def _localized(request: Request, problem: Problem) -> Problem:
    language = language_of(request, view=await _view_of(request) if problem.status < HTTPStatus.INTERNAL_SERVER_ERROR else None)
    problem.detail = explain(language, problem.status, problem.code, problem.headers)
    problem.more = with_texts(language, problem.more)
    return problem


async def _view_of(request: Request) -> View | None:
    """The view of the request's customer, if the request is authenticated."""
    look: Callable[[], Awaitable[View]] | None = getattr(request.state, "look", None)
    try:
        return await look() if look else None
    except Exception:
        return None  # then the language comes from the request alone


SESSION: Final = ({"session": ()},)
SCHEMES: Final = {
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": session_cookie.NAME,
        "description": "The session for which a portal link was exchanged.",
    },
    "invoice-session": {
        "type": "apiKey",
        "in": "cookie",
        "name": session_cookie.INVOICE_NAME,
        "description": "The session for which an invoice link was exchanged. It reaches one invoice.",
    },
    "csrf": {
        "type": "apiKey",
        "in": "header",
        "name": "x-csrf-token",
        "description": "The session's token, from `GET /api/session`. Origin or Sec-Fetch-Site names the portal as the sender.",
    },
}
"""The credentials as OpenAPI security schemes."""
UNKNOWN_SESSION: Final = (401, "session_required")
CHANGE_REFUSALS: Final = ((403, "cross_origin"), (421, "misdirected_request"))
"""Of every request that changes something, checked before routing."""


class SessionDependencies:
    """The dependencies that authenticate a customer's request."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal

    @answers(None, UNKNOWN_SESSION, security=SESSION)
    async def reading(self, request: Request) -> Session:
        """Authenticate a request that reads. Raises SessionRequired."""
        request.state.session = session = await self._portal.session(cookie_of(request))
        request.state.look = partial(self._portal.view, session)
        return session

    @answers(
        None,
        UNKNOWN_SESSION,
        *CHANGE_REFUSALS,
        (403, "csrf_required"),
        (409, "session_changed"),
        security=({"session": (), "csrf": ()},),
    )
    async def acting(self, request: Request, x_csrf_token: PageToken = None) -> Session:
        """Authenticate a request that changes something: its page must belong to the same session.

        Raises SessionRequired, TokenRequired, SessionChanged.
        """
        session = await self.reading(request)
        self._portal.must_be_of(session, x_csrf_token)
        return session


def cookie_of(request: Request) -> str | None:
    return session_cookie.presented(request.headers.get("cookie"))


def invoice_cookie_of(request: Request) -> str | None:
    return session_cookie.presented(request.headers.get("cookie"), session_cookie.INVOICE_NAME)


def language_of(request: Request, session: Session | InvoiceSession | None = None, view: View | None = None) -> Language:
    """The language of the response, also of a problem: the session's, if the request has one."""
    session = session or getattr(request.state, "session", None)
    return choose(
        query=request.query_params.get("lang"),
        cookie=request.cookies.get("lang"),
        link=session.locale if session else None,
        customer=view.facts["customer"]["locale"] if view else None,
        accept=", ".join(request.headers.getlist("accept-language")),
        merchant=str(view.merchant["locale"]) if view else None,
    )


_NESTED = (dict, list, tuple)


def with_texts(language: Language, facts: Any) -> Any:
    """The same JSON, with a `text` for every amount."""
    if isinstance(facts, dict):
        if "amount_minor" in facts and "currency" in facts:
            return {**facts, "text": money(language, cast(Money, facts))}
        return {name: with_texts(language, value) if isinstance(value, _NESTED) else value for name, value in facts.items()}
    if isinstance(facts, (list, tuple)):
        return [with_texts(language, value) for value in facts]
    return facts
