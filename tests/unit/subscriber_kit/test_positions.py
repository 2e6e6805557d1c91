"""How far an aggregate's events have come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing_subscriber.positions import Position


def after(*sequences: int) -> Position:
    position = Position()
    for sequence in sequences:
        position, _ = position.after(sequence)
    return position


@pytest.mark.parametrize(
    ("sequences", "then", "position", "newly_missing"),
    [
        ([], 1, Position(1), []),
        ([1, 2], 3, Position(3), []),
        ([1, 2], 2, Position(2), []),
        ([], 3, Position(3, ((1, 2),)), [1, 2]),
        ([1], 5, Position(5, ((2, 4),)), [2, 3, 4]),
        ([1, 5], 8, Position(8, ((2, 4), (6, 7))), [6, 7]),
        ([1, 5], 3, Position(5, ((2, 2), (4, 4))), []),
        ([1, 5], 2, Position(5, ((3, 4),)), []),
        ([1, 3], 2, Position(3), []),
        ([1, 3], 1, Position(3, ((2, 2),)), []),
    ],
)
def test_an_event_moves_the_position(sequences: list[int], then: int, position: Position, newly_missing: list[int]) -> None:
    moved, missing = after(*sequences).after(then)
    assert (moved, list(missing)) == (position, newly_missing)


@given(st.lists(st.integers(min_value=1, max_value=30), max_size=40))
def test_the_missing_sequences_do_not_depend_on_the_order(sequences: list[int]) -> None:
    position = after(*sequences)
    listed = [sequence for first, last in position.missing for sequence in range(first, last + 1)]
    assert listed == sorted(set(range(1, max(sequences, default=0) + 1)) - set(sequences))
