"""The events that change a projected row."""

from uuid import UUID, uuid4

import pytest

from billing_contracts.envelope import Envelope
from chassis.projections.projection import Diverged, ProjectedRow, Projection
from support.consumer_events import LAMPS, MERCHANT, PAINTS, lit, painted

LAMP = uuid4()
FIRST, SECOND, THIRD, FOURTH = (lit(LAMP, n) for n in range(1, 5))


def row(*events: Envelope, of: Projection = LAMPS) -> ProjectedRow:
    projected = ProjectedRow(of, MERCHANT, f"lamp-{LAMP}")
    for event in events:
        projected.apply(event)
    return projected


def times(projected: ProjectedRow) -> int:
    return 0 if projected.doc is None else projected.doc["times"]


def test_events_in_order_are_folded() -> None:
    projected = row(FIRST, SECOND)
    assert (projected.sequence, times(projected), projected.stale_since) == (2, 2, None)


def test_a_repeated_event_changes_nothing() -> None:
    projected = row(FIRST, SECOND, FIRST, SECOND)
    assert (projected.sequence, times(projected)) == (2, 2)


def test_an_early_event_is_buffered_and_marks_the_row_stale() -> None:
    projected = row(FIRST, THIRD)
    assert (projected.sequence, times(projected), set(projected.early)) == (1, 1, {3})
    assert projected.stale_since is not None


def test_early_events_are_folded_after_the_missing_one() -> None:
    projected = row(FIRST, FOURTH, THIRD, SECOND)
    assert (projected.sequence, times(projected), projected.early, projected.stale_since) == (4, 4, {}, None)


def test_an_aggregate_begins_with_its_first_event() -> None:
    projected = row(SECOND)
    assert (projected.sequence, projected.doc, set(projected.early)) == (0, None, {2})


def test_another_event_with_a_folded_sequence_is_a_divergence() -> None:
    with pytest.raises(Diverged):
        row(FIRST, lit(LAMP, 1))


def test_another_event_with_a_buffered_sequence_is_a_divergence() -> None:
    with pytest.raises(Diverged):
        row(THIRD, lit(LAMP, 3))


def test_types_that_are_not_folded_advance_the_sequence() -> None:
    projected = row(FIRST, lit(LAMP, 2, type="billing.lamps.Dusted.v1"), THIRD)
    assert (projected.sequence, times(projected)) == (3, 2)


def test_skipping_a_discarded_event_folds_the_early_ones() -> None:
    projected = row(FIRST, THIRD, FOURTH)
    projected.skip(2)
    assert (projected.sequence, times(projected), projected.stale_since) == (4, 3, None)


def test_skipping_an_undecodable_event_jumps_to_the_first_early_one() -> None:
    projected = row(FIRST, FOURTH)
    projected.skip(None)
    assert (projected.sequence, times(projected)) == (4, 2)


def test_skipping_an_event_that_is_not_missing_changes_nothing() -> None:
    projected = row(FIRST, SECOND)
    projected.skip(1)
    assert (projected.sequence, projected.event_id) == (2, SECOND.id)


def test_skipping_without_early_events_ends_staleness() -> None:
    projected = row(FIRST)
    projected.mark_stale()
    projected.skip(None)
    assert (projected.sequence, projected.event_id, projected.stale_since) == (1, FIRST.id, None)


CUSTOMER = uuid4()


def test_a_state_is_replaced_by_any_later_one() -> None:
    projected = row(painted(CUSTOMER, 2, "red"), painted(CUSTOMER, 9, "blue"), painted(CUSTOMER, 3, "green"), of=PAINTS)
    assert (projected.sequence, projected.doc, projected.customer_id) == (9, {"colour": "blue"}, CUSTOMER)


def test_an_erased_state_is_empty_until_the_next_one() -> None:
    projected = row(painted(CUSTOMER, 2, "red"), of=PAINTS)
    projected.erase()
    assert projected.empty
    projected.apply(painted(CUSTOMER, 3, "blue"))
    assert (projected.empty, projected.doc) == (False, {"colour": "blue"})


@pytest.mark.parametrize("order", [(1, 2, 3, 4), (4, 3, 2, 1), (2, 1, 4, 3), (3, 1, 3, 2, 4, 1)])
def test_the_order_of_arrival_does_not_change_the_document(order: tuple[int, ...]) -> None:
    events = {1: FIRST, 2: SECOND, 3: THIRD, 4: FOURTH}
    projected = row(*(events[n] for n in order))
    assert (projected.sequence, times(projected), projected.event_id, projected.early) == (4, 4, FOURTH.id, {})


def test_rows_are_kept_per_merchant() -> None:
    assert ProjectedRow(LAMPS, UUID(int=1), "lamp-1").key != ProjectedRow(LAMPS, UUID(int=2), "lamp-1").key
