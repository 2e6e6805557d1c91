from collections.abc import Iterator, Sequence

from portal_gateway.adapters.api.streaming import sse
from portal_gateway.application.live import Ended, Glance, Silence, Update, updates
from portal_gateway.domain.view import PANES


class Bell:
    """Rings at once; time passes all the same. The process ends after so many rings."""

    def __init__(self, rings: int) -> None:
        self.left, self.now = rings, 0.0

    async def wait(self, seconds: float) -> None:
        self.left -= 1
        self.now += seconds

    @property
    def closing(self) -> bool:
        return self.left <= 0


async def watched(glances: Sequence[Glance | None], after: int | None) -> list[Update | Silence | Ended]:
    bell, coming = Bell(len(glances)), iter(glances)

    async def look(coming: Iterator[Glance | None] = coming) -> Glance | None:
        return next(coming)

    return [told async for told in updates(look, bell, after, clock=lambda: bell.now)]


async def test_only_what_is_newer_is_told() -> None:
    before, now = Glance(3, {"invoices": 3}), Glance(4, {"invoices": 3, "payment_method": 4})
    assert await watched([before, now, now], after=3) == [Update(4, ("payment_method",))]
    assert await watched([now], after=2) == [Update(4, ("payment_method", "invoices"))]
    assert await watched([before, now], after=None) == [Update(4, ("payment_method",))]


async def test_a_view_that_was_made_anew_is_told_whole() -> None:
    assert await watched([Glance(1, {"invoices": 1})], after=900) == [Update(1, PANES)]


async def test_silence_is_broken_every_fifteen_seconds() -> None:
    quiet = Glance(3, {})
    assert await watched([quiet] * 5, after=3) == [Silence(), Silence()]


async def test_the_end_of_the_session_is_the_last_word() -> None:
    assert await watched([Glance(3, {}), None, Glance(4, {})], after=3) == [Ended()]


def test_messages_are_server_sent_events() -> None:
    assert sse(Update(7, ("invoices",))) == 'id: 7\ndata: {"revision":7,"panes":["invoices"]}\n\n'
    assert sse(Ended()) == "event: ended\ndata: {}\n\n"
    assert sse(Silence()).startswith(": ")
