from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from portal_gateway.adapters.api.stream import sse
from portal_gateway.application.live import Ended, Glance, Pulse, Replaced, Update, mark, minutes_late, updates
from portal_gateway.application.view import Pending
from portal_gateway.domain.view import PANES, Pane


def glance(revision: int, mark: str = "fresh", **panes: int) -> Glance:
    changed: dict[Pane, int] = {pane: panes[pane] for pane in PANES if pane in panes}
    return Glance(revision, changed, mark)


class Bell:
    """Rings at once; time passes all the same. The process ends after so many rings."""

    def __init__(self, rings: int) -> None:
        self.left, self.now, self.replaced = rings, 0.0, False

    async def wait(self, seconds: float) -> None:
        self.left -= 1
        self.now += seconds

    @property
    def closing(self) -> bool:
        return self.left <= 0


async def watched(glances: Sequence[Glance | None], after: int | None) -> list[Update | Pulse | Ended | Replaced]:
    bell, coming = Bell(len(glances)), iter(glances)

    async def look(coming: Iterator[Glance | None] = coming) -> Glance | None:
        return next(coming)

    return [told async for told in updates(look, bell, after, clock=lambda: bell.now)]


async def test_only_what_is_newer_is_told() -> None:
    before, now = glance(3, invoices=3), glance(4, invoices=3, payment_method=4)
    assert await watched([before, now, now], after=3) == [Update(4, ("payment_method",))]
    assert await watched([now], after=2) == [Update(4, ("payment_method", "invoices"))]
    assert await watched([before, now], after=None) == [Update(4, ("payment_method",))]


async def test_a_view_that_was_made_anew_is_told_whole() -> None:
    assert await watched([glance(1, invoices=1)], after=900) == [Update(1, PANES)]


async def test_silence_is_broken_every_fifteen_seconds() -> None:
    assert await watched([glance(3)] * 5, after=3) == [Pulse("fresh"), Pulse("fresh")]


async def test_what_is_told_besides_the_facts_is_told_as_soon_as_it_is_seen() -> None:
    late = glance(3, mark="late")
    assert await watched([glance(3), late, late, glance(3)], after=3) == [Pulse("late"), Pulse("fresh")]
    assert await watched([glance(3), *[glance(4, mark="late", invoices=4)] * 2], after=3) == [
        Update(4, ("invoices",)),
        Pulse("late"),
    ]


def test_a_mark_changes_with_what_is_on_its_way_and_with_each_minute_of_delay() -> None:
    cancelling: Pending = {"kind": "cancellation", "aggregate": "subscription-1", "version": 7, "accepted_at": "", "detail": {}}
    marks = [mark([], None), mark([], 0), mark([], 1), mark([cancelling], None), mark([{**cancelling, "version": 8}], None)]
    assert len(set(marks)) == 5
    assert mark([cancelling], 3) == mark([cancelling], 3)
    now = datetime(2023, 5, 20, 15, tzinfo=UTC)
    assert minutes_late(now - timedelta(seconds=125), True, now) == 2
    assert minutes_late(now - timedelta(seconds=125), False, now) is None


async def test_the_end_of_the_session_is_the_last_word() -> None:
    assert await watched([glance(3), None, glance(4)], after=3) == [Ended()]


def test_messages_are_server_sent_events() -> None:
    assert sse(Update(7, ("invoices",))) == 'id: 7\ndata: {"revision":7,"panes":["invoices"]}\n\n'
    assert sse(Ended()) == "event: ended\ndata: {}\n\n"
    assert sse(Pulse("1a2b3c4d")) == ': all is well\nevent: pulse\ndata: {"mark":"1a2b3c4d"}\n\n'
