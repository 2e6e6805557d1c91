"""What a stream sends, and when."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from portal_gateway.adapters.api.stream import sse
from portal_gateway.application.live import Ended, Glance, Pulse, Replaced, Update, mark, minutes_late, updates
from portal_gateway.application.view import Pending
from portal_gateway.domain.view import PANES, Pane


def glance(revision: int, mark: str = "fresh", **panes: int) -> Glance:
    changed: dict[Pane, int] = {pane: panes[pane] for pane in PANES if pane in panes}
    return Glance(revision, changed, mark)


class Signal:
    """Signals at once, and the time passes. The process stops after so many waits."""

    def __init__(self, waits: int) -> None:
        self.left, self.now, self.replaced = waits, 0.0, False

    async def wait(self, seconds: float) -> None:
        self.left -= 1
        self.now += seconds

    @property
    def closing(self) -> bool:
        return self.left <= 0


async def sent(glances: Sequence[Glance | None], after: int | None) -> list[Update | Pulse | Ended | Replaced]:
    signal, remaining = Signal(len(glances)), iter(glances)

    async def look(remaining: Iterator[Glance | None] = remaining) -> Glance | None:
        return next(remaining)

    return [update async for update in updates(look, signal, after, clock=lambda: signal.now)]


async def test_only_newer_changes_are_sent() -> None:
    before, now = glance(3, invoices=3), glance(4, invoices=3, payment_method=4)
    assert await sent([before, now, now], after=3) == [Update(4, ("payment_method",))]
    assert await sent([now], after=2) == [Update(4, ("payment_method", "invoices"))]
    assert await sent([before, now], after=None) == [Update(4, ("payment_method",))]


async def test_a_rebuilt_view_sends_all_panes() -> None:
    assert await sent([glance(1, invoices=1)], after=900) == [Update(1, PANES)]


async def test_a_pulse_is_sent_every_fifteen_seconds_of_silence() -> None:
    assert await sent([glance(3)] * 5, after=3) == [Pulse("fresh"), Pulse("fresh")]


async def test_a_new_mark_is_sent_immediately() -> None:
    late = glance(3, mark="late")
    assert await sent([glance(3), late, late, glance(3)], after=3) == [Pulse("late"), Pulse("fresh")]
    assert await sent([glance(3), *[glance(4, mark="late", invoices=4)] * 2], after=3) == [
        Update(4, ("invoices",)),
        Pulse("late"),
    ]


def test_a_mark_changes_with_accepted_commands_and_with_each_minute_of_delay() -> None:
    cancelling: Pending = {"kind": "cancellation", "aggregate": "subscription-1", "version": 7, "accepted_at": "", "detail": {}}
    marks = [mark([], None), mark([], 0), mark([], 1), mark([cancelling], None), mark([{**cancelling, "version": 8}], None)]
    assert len(set(marks)) == 5
    assert mark([cancelling], 3) == mark([cancelling], 3)
    now = datetime(2023, 5, 20, 15, tzinfo=UTC)
    assert minutes_late(now - timedelta(seconds=125), True, now) == 2
    assert minutes_late(now - timedelta(seconds=125), False, now) is None


async def test_the_end_of_the_session_is_the_last_event() -> None:
    assert await sent([glance(3), None, glance(4)], after=3) == [Ended()]


def test_messages_are_formatted_as_server_sent_events() -> None:
    assert sse(Update(7, ("invoices",))) == 'id: 7\ndata: {"revision":7,"panes":["invoices"]}\n\n'
    assert sse(Ended()) == "event: ended\ndata: {}\n\n"
    assert sse(Pulse("1a2b3c4d")) == ': all is well\nevent: pulse\ndata: {"mark":"1a2b3c4d"}\n\n'
