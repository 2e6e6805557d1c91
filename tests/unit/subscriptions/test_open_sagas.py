"""The table `open_sagas`: subscriptions that wait for the outcome of a charge. Test clock and `verify` read it."""

from dataclasses import replace
from uuid import UUID

import pytest
from unit.subscriptions.examples import ENTERED_JUNE, FELL, INVOICE, PAST_DUE, RULES, day

from chassis.eventsourcing.aggregate import Outcome
from subscriptions.adapters.rows import of_subscription
from subscriptions.application.aggregates import SUBSCRIPTION
from subscriptions.domain.subscription.events import Event, Recovered, RetryDue, WentUnpaid


def table_change(*past: Event, new: Event) -> list[str]:
    """What is done to the table with an event that follows these."""
    state = RULES.fold((*past, new))
    assert state is not None
    stream = SUBSCRIPTION.stream(UUID(int=1), UUID(int=2))
    return [it.sql.split()[0] for it in of_subscription(Outcome(stream, len(past) + 1, (new,), state)) if "open_sagas" in it.sql]


@pytest.mark.parametrize(
    ("past", "new", "does"),
    [
        (ENTERED_JUNE[:-1], ENTERED_JUNE[-1], ["INSERT"]),
        (ENTERED_JUNE, FELL, ["DELETE"]),
        (PAST_DUE, RetryDue(INVOICE, 1, day(6, 15)), ["INSERT"]),
        (PAST_DUE, replace(FELL, failed_attempts=2, next_attempt_at=None, trying=True), ["INSERT"]),
        (PAST_DUE, Recovered(INVOICE, day(6, 15)), ["DELETE"]),
        (PAST_DUE, WentUnpaid(INVOICE, day(6, 21)), []),
    ],
)
def test_the_saga_is_open_while_an_attempt_is_under_way(past: tuple[Event, ...], new: Event, does: list[str]) -> None:
    assert table_change(*past, new=new) == does
