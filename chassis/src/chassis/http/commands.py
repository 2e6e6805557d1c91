"""Commands over HTTP: the principal, the idempotency key, and the response to an outcome or a refusal."""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import Depends, Header, Request
from fastapi.responses import JSONResponse, Response

from chassis.eventsourcing.aggregate import Loaded, Outcome
from chassis.eventsourcing.command_handler import CommandHandler
from chassis.eventsourcing.context import Context
from chassis.eventsourcing.event_store import Answer, IdempotencyKey, KeyReused, Statement
from chassis.http.authentication import Caller, Principal
from chassis.http.problems import MEDIA_TYPE, Problem, Refusals, problem_of_refusal
from chassis.postgres.connection import Connection

C = TypeVar("C")
E = TypeVar("E")
S = TypeVar("S")

KeyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="Makes the call repeatable: for 24 hours, the same request with the same key returns the first response.",
    ),
]
Work = Callable[[Connection], Awaitable[Answer]]
RunOnce = Callable[[IdempotencyKey | None, Work], Awaitable[Answer]]


class CommandRequest:
    """An HTTP request that changes something, with its principal and idempotency key."""

    def __init__(self, principal: Principal, key: IdempotencyKey | None, once: RunOnce | None, refusals: Refusals) -> None:
        self.principal, self.key = principal, key
        self._once, self._refusals = once, refusals

    @property
    def context(self) -> Context:
        return self.principal.context()

    async def handle(
        self,
        handler: CommandHandler[C, E, S],
        id: UUID,
        command: C,
        *,
        answer: "Callable[[Outcome[E, S]], Answer] | None" = None,
        statements: "Callable[[Outcome[E, S]], Sequence[Statement]] | None" = None,
        seen: Loaded[S] | None = None,
        again: "Callable[[C], Awaitable[C]] | None" = None,
    ) -> Response:
        """Handle a command. Responds 202 with the aggregate and its version unless `answer` returns something else.

        A refusal becomes its problem. With an idempotency key, both are stored and returned again to a repeated request.
        Raises Problem 422 `idempotency_key_reused` for the same key with another body or query.
        """
        try:
            handled = await handler.handle(
                self.context,
                id,
                command,
                key=self.key,
                answer=answer or accepted,
                refused=lambda refusal: problem_answer(problem_of_refusal(self._refusals, refusal)),
                statements=statements,
                loaded=seen,
                again=again,
            )
        except KeyReused:
            raise key_reused() from None
        assert handled.answer is not None, "an answer function was given"
        return response(handled.answer)

    async def run_once(self, work: Work) -> Response:
        """Do the work on plain tables in one transaction with the key. A repeated request gets the first response."""
        assert self._once is not None, "the service has a store"
        try:
            return response(await self._once(self.key, work))
        except KeyReused:
            raise key_reused() from None


async def command_request(request: Request, caller: Caller, idempotency_key: KeyHeader = None) -> CommandRequest:
    key = None
    if idempotency_key is not None:
        route = f"{request.method} {request.url.path}"
        fingerprint = fingerprint_of(await request.body(), request.url.query)
        key = IdempotencyKey(caller.merchant_id, caller.subject, route, idempotency_key, fingerprint)
    return CommandRequest(caller, key, request.app.state.once, request.app.state.refusals)


CommandParam = Annotated[CommandRequest, Depends(command_request)]
"""FastAPI parameter of routes that change something."""


def fingerprint_of(body: bytes, query: str) -> str:
    """SHA-256, in hex, of the body and, if present, the query. It distinguishes requests to the same path."""
    fingerprint = hashlib.sha256(body).hexdigest()
    return hashlib.sha256(f"{fingerprint}?{query}".encode()).hexdigest() if query else fingerprint


def accepted(outcome: Outcome[Any, Any]) -> Answer:
    return Answer(202, {"aggregate": outcome.stream.name, "version": outcome.version})


def problem_answer(problem: Problem) -> Answer:
    return Answer(problem.status, problem.body())


def response(answer: Answer) -> Response:
    media_type = MEDIA_TYPE if answer.status >= 400 else "application/json"
    if answer.status == 204:
        return Response(status_code=204)
    return JSONResponse(answer.body, answer.status, media_type=media_type)


def key_reused() -> Problem:
    return Problem(422, "idempotency_key_reused", "This Idempotency-Key was used for another request")
