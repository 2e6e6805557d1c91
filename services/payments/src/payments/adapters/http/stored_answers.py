"""Answers that are stored with their idempotency key, refusals too: a repeated request gets the same answer."""

from dataclasses import dataclass

from fastapi.responses import Response

from chassis.eventsourcing.command_handler import ATTEMPTS
from chassis.eventsourcing.event_store import AlreadyAnswered, Answer, EventStore, KeyReused, Statement, VersionConflict, WriteSet
from chassis.http.commands import CommandRequest, key_reused, response
from chassis.http.problems import Problem


@dataclass(frozen=True, slots=True)
class StoredAnswers:
    store: EventStore

    async def stored_answer(self, request: CommandRequest) -> Response | None:
        """The stored answer to a repetition of the request, or None."""
        try:
            stored = await self.store.answer_to(request.key) if request.key else None
        except KeyReused:
            raise key_reused() from None
        return response(stored) if stored else None

    async def keep(self, request: CommandRequest, answer: Answer, *rows: Statement) -> Response:
        """Store and return the answer, or return the stored one if the key has been answered before."""
        write_set = WriteSet(answer=(request.key, answer) if request.key else None, statements=rows)
        if write_set.empty:
            return response(answer)
        for _ in range(ATTEMPTS):
            try:
                await self.store.write(write_set)
            except (AlreadyAnswered, VersionConflict):
                # A concurrent request with the same key was answered first.
                if stored := await self.stored_answer(request):
                    return stored
            else:
                return response(answer)
        raise VersionConflict


def slow_down(code: str, title: str, seconds: int) -> Problem:
    return Problem(429, code, title, headers={"retry-after": str(seconds)}, more={"retry_after": seconds})
