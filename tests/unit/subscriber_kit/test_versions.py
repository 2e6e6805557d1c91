"""Two versions of an event beside each other: one id, one sequence, and each subscriber handles the event once."""

from typing import Any

import pytest

from billing_contracts.registry import EVENTS
from billing_contracts.subscriptions import SubscriptionCancelled
from billing_subscriber.handler import Handler
from billing_subscriber.positions import Gaps
from billing_subscriber.records import Received
from billing_subscriber.stores.memory import MemoryStore
from support.billing_records import message, record


class SubscriptionCancelled2(SubscriptionCancelled):
    TYPE = "billing.subscriptions.SubscriptionCancelled.v2"


async def refuse(*_: object) -> None:
    raise AssertionError("no record is a dead letter")


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(
    ("handled", "expected"),
    [
        ([SubscriptionCancelled], ["v1", "v1"]),
        ([SubscriptionCancelled2], ["v2", "v2"]),
        ([SubscriptionCancelled, SubscriptionCancelled2], ["v1", "v1"]),
    ],
)
async def test_a_subscriber_handles_each_event_once_in_one_of_its_versions(
    handled: list[type[Any]], expected: list[str], known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if known or SubscriptionCancelled2 in handled:
        monkeypatch.setitem(EVENTS, SubscriptionCancelled2.TYPE, SubscriptionCancelled2)
    handler = Handler("tests", MemoryStore(), gaps=Gaps.STOP)
    arrived: list[str] = []

    async def note(event: Received[Any], _: dict[str, Any]) -> None:
        arrived.append(event.envelope.type.rpartition(".")[2])

    handler.on(*handled)(note)
    records = []
    for sequence in (1, 2):
        old = message(SubscriptionCancelled, sequence=sequence)
        new = old.model_copy(update={"type": SubscriptionCancelled2.TYPE})
        records += [record(old, offset=2 * sequence), record(new, offset=2 * sequence + 1)]
    for run in handler.runs(records):
        await handler.take(run, refuse)
    assert arrived == expected
    assert handler.counts["missing"] == 0
