"""Errors as RFC 9457 problems: a stable code for programs, a sentence for people, a pointer per field."""

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
from chassis.http import security_events
from chassis.http.methods import methods_of
from chassis.runtime.fault_kinds import TRANSIENT
from chassis.runtime.faults import DatabaseAway, dependency_of, describe_error, kind_of, may_have_happened
from chassis.runtime.outages import outages
from chassis.scope import changed, request_id

MEDIA_TYPE = "application/problem+json"
CHANGES_NOTHING = frozenset({"GET", "HEAD"})
"""Methods after which everything is as before, whatever became of the request."""
RETRY_AFTER = "5"
"""Seconds after which whoever was turned away may come again."""
Refusals = Mapping[type[Exception], tuple[int, str, str]]
"""A domain's refusal -> (status, code, title)"""

log = structlog.get_logger()


class Problem(HTTPException):
    """Answered to the caller as it is; nothing has changed, but for 504 `outcome_unknown`.

    An HTTPException, because FastAPI takes any other for malformed JSON when it is raised while a body is being read.
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
        later = {"retry-after": RETRY_AFTER} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
        self.errors, self.headers, self.more = tuple(errors), later | dict(headers or {}), dict(more or {})

    def __str__(self) -> str:
        return f"{self.status} {self.code}"

    def body(self) -> dict[str, Any]:
        """The problem as JSON: type, title, status, code and, where there is something to say, detail and errors."""
        body: dict[str, Any] = {"type": "about:blank", "title": self.title, "status": self.status, "code": self.code}
        if self.detail:
            body["detail"] = self.detail
        if self.errors:
            body["errors"] = [dict(error) for error in self.errors]
        return body | self.more

    def response(self) -> Response:
        """The problem as an answer; one of ours also names the request, for whoever looks for it in the log."""
        body, id = self.body(), request_id()
        if self.status >= HTTPStatus.INTERNAL_SERVER_ERROR and id:
            body["request_id"] = id
        return JSONResponse(body, self.status, self.headers, MEDIA_TYPE)


def not_found() -> Problem:
    """The one answer for what does not exist and for what is somebody else's."""
    return Problem(404, "not_found", "There is nothing here")


def unavailable() -> Problem:
    return Problem(503, "service_unavailable", "A part of the system cannot be reached; nothing was changed")


def too_busy() -> Problem:
    return Problem(503, "too_busy", "Too much is waiting here already; nothing was changed")


def outcome_unknown() -> Problem:
    return Problem(504, "outcome_unknown", "A part of the system did not answer: what was asked for may have happened, or not")


def interrupted(method: str) -> Problem:
    """The process ends before the request was answered."""
    return unavailable() if method in CHANGES_NOTHING else outcome_unknown()


def of_refusal(refusals: Refusals, refusal: Exception) -> Problem:
    """The problem that a refusal is answered with. Raises KeyError for one that has no line in the table."""
    status, code, title = refusals[type(refusal)]
    return Problem(status, code, title, str(refusal) or None)


def of_fault(error: BaseException, method: str) -> Problem | None:
    """503 while PostgreSQL or Kafka is away; 504 where a command may have happened; None for what is no fault of theirs."""
    if kind_of(error) is not TRANSIENT or (dependency := dependency_of(error)) is None:
        return None
    if isinstance(error, StoreBusy):
        return too_busy()
    outages.failed(error, dependency, task="http")
    unknown = method not in CHANGES_NOTHING and (changed() or may_have_happened(error))
    return outcome_unknown() if unknown else unavailable()


def log_failure(request: Request, problem: Problem, error: BaseException | None = None) -> None:
    """One line for a request that failed on this side: a person's reference leads to it.

    What a dependency's absence refuses is told at a lower level: the dependency has lines of its own.
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
    """Makes every error of the application a problem."""

    async def problem(request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        log_failure(request, error)
        security_events.note(code=error.code)
        return error.response()

    async def fault(request: Request, error: Exception) -> Response:
        found = of_fault(error, request.method)
        if found is None:
            raise error
        log_failure(request, found)
        return found.response()

    async def refused(_: Request, error: Exception) -> Response:
        return of_refusal(refusals, error).response()

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return of_validation(error.errors(), request.headers.get("content-type")).response()

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

    async def left(_: Request, error: Exception) -> Response:
        return Problem(400, "malformed_request", "The body did not arrive").response()

    async def unexpected(request: Request, error: Exception) -> Response:
        """Also called for an answer that has begun: then the response goes nowhere, and the server ends the connection."""
        cause = error.__cause__ if isinstance(error, RuntimeError) and error.__cause__ else error
        found = of_fault(cause, request.method)
        if found is None:
            found = Problem(500, "internal_error", "Something failed here; nothing was lost")
            log_failure(request, found, error)
        else:
            log_failure(request, found)
        return found.response()

    app.add_exception_handler(Problem, problem)
    for refusal in refusals:
        app.add_exception_handler(refusal, refused)
    for driver in _DRIVERS:
        app.add_exception_handler(driver, fault)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(ClientDisconnect, left)  # an answer that is not sent any more, and not a failure of ours
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
"""What is raised while a server is away; other exceptions that a driver lets through are looked at as unexpected ones."""


def not_allowed(methods: Sequence[str]) -> Problem:
    return Problem(405, "method_not_allowed", "Method Not Allowed", headers={"allow": ", ".join(methods)})


def unsupported_media_type(*expected: str) -> Problem:
    accepted = ", ".join(expected)
    title = "The body is not of a type that is taken here"
    return Problem(415, "unsupported_media_type", title, f"Send {accepted}", headers={"accept": accepted})


def of_validation(found: Sequence[Any], content_type: str | None) -> Problem:
    """The problem for pydantic's list of errors. What was sent is not repeated: it may be a secret."""
    if any(error["loc"][:1] == ("body",) for error in found) and not is_json(content_type):
        return unsupported_media_type("application/json")
    if any(error["type"] == "json_invalid" for error in found):
        return Problem(400, "malformed_json", "The body is not JSON")
    errors = [{"pointer": _pointer(error["loc"]), "code": error["type"], "detail": error["msg"]} for error in found]
    return Problem(422, "invalid_request", "The request is not what it should be", errors=errors)


def is_json(content_type: str | None) -> bool:
    kind, _, subtype = (content_type or "").partition(";")[0].strip().lower().partition("/")
    return kind == "application" and (subtype == "json" or subtype.endswith("+json"))


def _pointer(location: Sequence[Any]) -> str:
    parts = location[1:] if location and location[0] == "body" else location
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in parts)
