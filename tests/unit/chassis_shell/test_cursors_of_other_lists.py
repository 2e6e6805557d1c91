"""Cursors of one list are refused by another."""

import pytest

from chassis.http.page_cursors import Cursors
from chassis.http.problems import Problem


def test_a_cursor_of_another_list_is_refused() -> None:
    cursors = Cursors("a key")
    of_plans = cursors.encode({"plan": 7})
    assert cursors.decode(of_plans, "plan") == {"plan": 7}
    with pytest.raises(Problem) as refused:
        cursors.decode(of_plans, "version")
    assert (refused.value.status, refused.value.code) == (422, "invalid_cursor")
