"""Answers that are stored with their idempotency key, refusals too: a repeated request gets the same answer."""

from dataclasses import dataclass

from fastapi.responses import Response

from chassis.eventsourcing.event_store import Answer, EventStore, KeyReused, Statement
from chassis.http.commands import CommandRequest, key_reused, response
from chassis.http.problems import Problem
from chassis.postgres.connection import Connection


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
        if request.key is None and not rows:
            return response(answer)

        async def work(connection: Connection) -> Answer:
            for row in rows:
                await connection.execute(row.sql, *row.args)
            return answer

        return await request.run_once(work)


def slow_down(code: str, title: str, seconds: int) -> Problem:
    return Problem(429, code, title, headers={"retry-after": str(seconds)}, more={"retry_after": seconds})
