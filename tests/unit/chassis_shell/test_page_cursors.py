"""Cursors of paged lists."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.http.page_cursors import Cursors
from chassis.http.problems import Problem

CURSORS = Cursors("a key")


@given(st.dictionaries(st.text(max_size=8), st.integers() | st.text(max_size=20)))
def test_a_cursor_round_trips_its_position(position: dict[str, object]) -> None:
    assert CURSORS.decode(CURSORS.encode(position)) == position


def made_up() -> list[str]:
    real = CURSORS.encode({"issued_on": "2023-05-14"})
    flipped = real[:-3] + ("A" if real[-3] != "A" else "B") + real[-2:]
    foreign = Cursors("another key").encode({"issued_on": "2023-05-14"})
    return ["", "!", "á", real[:-4], flipped, real + "AAAA", foreign, "A" * 10_000]


@pytest.mark.parametrize("cursor", made_up())
def test_a_forged_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(Problem) as refused:
        CURSORS.decode(cursor)
    assert (refused.value.status, refused.value.code) == (422, "invalid_cursor")
