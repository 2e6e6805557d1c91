"""Answers that are kept with their idempotency key, refusals too: the same request gets the same answer."""

from dataclasses import dataclass

from fastapi.responses import Response

from chassis.command_handler import ATTEMPTS
from chassis.decider import VersionConflict
from chassis.http.asked import Asked, key_reused, response
from chassis.http.problems import Problem
from chassis.store import AlreadyAnswered, Answer, EventStore, KeyReused, Statement, WriteSet


@dataclass(frozen=True, slots=True)
class Answering:
    store: EventStore

    async def given_before(self, asked: Asked) -> Response | None:
        """The answer to the same request under the same key."""
        try:
            kept = await self.store.answer_to(asked.key) if asked.key else None
        except KeyReused:
            raise key_reused() from None
        return response(kept) if kept else None

    async def keep(self, asked: Asked, answer: Answer, *rows: Statement) -> Response:
        """The answer, unless another request with the same key was answered before."""
        write_set = WriteSet(answer=(asked.key, answer) if asked.key else None, statements=rows)
        if write_set.empty:
            return response(answer)
        for _ in range(ATTEMPTS):
            try:
                await self.store.write(write_set)
            except (AlreadyAnswered, VersionConflict):
                # A request with the same key came first, or comes at this moment.
                if kept := await self.given_before(asked):
                    return kept
            else:
                return response(answer)
        raise VersionConflict


def slow_down(code: str, title: str, seconds: int) -> Problem:
    return Problem(429, code, title, headers={"retry-after": str(seconds)}, more={"retry_after": seconds})
