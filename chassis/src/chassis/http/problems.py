"""Errors as RFC 9457 problems: a stable code for programs, a title for people, a pointer per invalid field."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import asyncpg
import structlog
from aiokafka.errors import KafkaError
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from chassis.eventsourcing.event_store import StoreAway, StoreBusy
from chassis.eventsourcing.lost_events import StreamBlocked
from chassis.http import security_events
from chassis.http.methods import methods_of
from chassis.runtime.fault_kinds import TRANSIENT
from chassis.runtime.faults import DatabaseAway, dependency_of, describe_error, kind_of, may_have_happened
from chassis.runtime.outages import outages
from chassis.scope import changed, request_id

MEDIA_TYPE = "application/problem+json"
CHANGES_NOTHING = frozenset({"GET", "HEAD"})
"""Methods that never change state."""
RETRY_AFTER = "5"
"""Seconds, in the header of each 503."""
Refusals = Mapping[type[Exception], tuple[int, str, str]]
"""Refusal of the domain -> (status, code, title)"""

log = structlog.get_logger()


class Problem(HTTPException):
    """An error response. Nothing has changed, except possibly for 504 `outcome_unknown`.

    It is an HTTPException because FastAPI reports any other exception raised while a body is read as malformed JSON.
    """

    headers: Mapping[str, str]

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        detail: str | None = None,
        *,
        errors: Sequence[Mapping[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(status)
        self.status, self.code, self.title, self.detail = status, code, title, detail or ""
        retry_after = {"retry-after": RETRY_AFTER} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
        self.errors, self.headers, self.more = tuple(errors), retry_after | dict(headers or {}), dict(more or {})

    def __str__(self) -> str:
        return f"{self.status} {self.code}"

    def body(self) -> dict[str, Any]:
        """The problem as JSON: type, title, status, code and, if present, detail and errors."""
        body: dict[str, Any] = {"type": "about:blank", "title": self.title, "status": self.status, "code": self.code}
        if self.detail:
            body["detail"] = self.detail
        if self.errors:
            body["errors"] = [dict(error) for error in self.errors]
        return body | self.more

    def response(self) -> Response:
        """The problem as a response. A 5xx includes the request id, for a search in the log."""
        body, id = self.body(), request_id()
        if self.status >= HTTPStatus.INTERNAL_SERVER_ERROR and id:
            body["request_id"] = id
        return JSONResponse(body, self.status, self.headers, MEDIA_TYPE)


def not_found() -> Problem:
    """For resources that do not exist, and for those that the caller may not know of."""
    return Problem(404, "not_found", "The resource does not exist")


def unavailable() -> Problem:
    return Problem(503, "service_unavailable", "A part of the system is unavailable; nothing was changed")


def too_busy() -> Problem:
    return Problem(503, "too_busy", "The service is overloaded; nothing was changed")


def outcome_unknown() -> Problem:
    return Problem(504, "outcome_unknown", "A part of the system did not respond; the request may or may not have taken effect")


def under_review() -> Problem:
    title = "This is under review after a restore; nothing was changed"
    return Problem(409, "under_review", title)


def interrupted(method: str) -> Problem:
    """For a process that stops before it has responded."""
    return unavailable() if method in CHANGES_NOTHING else outcome_unknown()


def problem_of_refusal(refusals: Refusals, refusal: Exception) -> Problem:
    """The problem for a refusal. Raises KeyError if the table has no entry for it."""
    status, code, title = refusals[type(refusal)]
    return Problem(status, code, title, str(refusal) or None)


def problem_of_fault(error: BaseException, method: str) -> Problem | None:
    """503 while PostgreSQL or Kafka is unavailable, 504 if a command may have taken effect, None for other errors."""
    if kind_of(error) is not TRANSIENT or (dependency := dependency_of(error)) is None:
        return None
    if isinstance(error, StoreBusy):
        return too_busy()
    outages.failed(error, dependency, task="http")
    unknown = method not in CHANGES_NOTHING and (changed() or may_have_happened(error))
    return outcome_unknown() if unknown else unavailable()


def log_failure(request: Request, problem: Problem, error: BaseException | None = None) -> None:
    """Log a 5xx response, so that its request id can be found.

    A 503 has the level `info`, because the unavailable dependency has log lines of its own.
    """
    if problem.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return
    route = getattr(request.scope.get("route"), "path", "unmatched")
    fields: dict[str, Any] = {"method": request.method, "route": route, "status": problem.status, "code": problem.code}
    if error is not None:
        log.error("request.failed", **fields, error=describe_error(error), exc_info=error)
    elif problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
        log.info("request.refused", **fields)
    else:
        log.warning("request.failed", **fields)


def install(app: FastAPI, refusals: Refusals) -> None:
    """Turn every error of the application into a problem."""

    async def problem(request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        log_failure(request, error)
        security_events.note(code=error.code)
        return error.response()

    async def fault(request: Request, error: Exception) -> Response:
        problem = problem_of_fault(error, request.method)
        if problem is None:
            raise error
        log_failure(request, problem)
        return problem.response()

    async def blocked(_: Request, error: Exception) -> Response:
        log.info("request.stream_blocked", stream=str(error))
        return under_review().response()

    async def refused(_: Request, error: Exception) -> Response:
        return problem_of_refusal(refusals, error).response()

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return problem_of_validation(error.errors(), request.headers.get("content-type")).response()

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            methods = methods_of(request.app, request.scope["path"])
            return (not_allowed(methods) if methods else not_found()).response()
        if error.status_code == HTTPStatus.NOT_FOUND:
            return not_found().response()
        phrase = HTTPStatus(error.status_code).phrase
        code = phrase.lower().replace(" ", "_")
        return Problem(error.status_code, code, phrase, headers=error.headers).response()

    async def disconnected(_: Request, error: Exception) -> Response:
        return Problem(400, "malformed_request", "The body is incomplete").response()

    async def unexpected(request: Request, error: Exception) -> Response:
        """If a response has started, this one is not sent, and the server ends the connection."""
        cause = error.__cause__ if isinstance(error, RuntimeError) and error.__cause__ else error
        problem = problem_of_fault(cause, request.method)
        if problem is None:
            problem = Problem(500, "internal_error", "An internal error occurred; nothing was lost")
            log_failure(request, problem, error)
        else:
            log_failure(request, problem)
        return problem.response()

    app.add_exception_handler(Problem, problem)
    app.add_exception_handler(StreamBlocked, blocked)
    for refusal in refusals:
        app.add_exception_handler(refusal, refused)
    for driver in _DRIVERS:
        app.add_exception_handler(driver, fault)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(ClientDisconnect, disconnected)  # the response is not sent; this is no failure of the service
    app.add_exception_handler(Exception, unexpected)


_DRIVERS: Sequence[type[Exception]] = (
    StoreBusy,
    StoreAway,
    DatabaseAway,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    KafkaError,
    OSError,
)
"""Errors raised while a server is unavailable. Other exceptions of drivers are handled as unexpected errors."""


def not_allowed(methods: Sequence[str]) -> Problem:
    return Problem(405, "method_not_allowed", "Method Not Allowed", headers={"allow": ", ".join(methods)})


def unsupported_media_type(*expected: str) -> Problem:
    accepted = ", ".join(expected)
    title = "The media type of the body is not supported"
    return Problem(415, "unsupported_media_type", title, f"Send {accepted}", headers={"accept": accepted})


def problem_of_validation(validation_errors: Sequence[Any], content_type: str | None) -> Problem:
    """The problem for pydantic's list of errors, without the submitted values, which may be secret."""
    if any(error["loc"][:1] == ("body",) for error in validation_errors) and not is_json(content_type):
        return unsupported_media_type("application/json")
    if any(error["type"] == "json_invalid" for error in validation_errors):
        return Problem(400, "malformed_json", "The body is not JSON")
    errors = [{"pointer": _pointer(error["loc"]), "code": error["type"], "detail": error["msg"]} for error in validation_errors]
    return Problem(422, "invalid_request", "The request is invalid", errors=errors)


def is_json(content_type: str | None) -> bool:
    kind, _, subtype = (content_type or "").partition(";")[0].strip().lower().partition("/")
    return kind == "application" and (subtype == "json" or subtype.endswith("+json"))


def _pointer(location: Sequence[Any]) -> str:
    parts = location[1:] if location and location[0] == "body" else location
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in parts)
