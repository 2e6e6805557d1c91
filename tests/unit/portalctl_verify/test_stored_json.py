"""Rows that were stored before a field was added agree with their streams."""

from typing import Any

import pytest

from verify.rows import same_json

EXPECTED: dict[str, Any] = {"number": "TS-1", "note": None, "lines": [{"total": 2999, "country": None}]}


@pytest.mark.parametrize(
    ("stored", "same"),
    [
        (EXPECTED, True),
        ({"number": "TS-1", "lines": [{"total": 2999}]}, True),
        ({"number": "TS-2", "lines": [{"total": 2999}]}, False),
        ({"number": "TS-1", "lines": [{"total": 3000}]}, False),
        ({"number": "TS-1", "lines": []}, False),
        ({"note": None, "lines": [{"total": 2999}]}, False),
        (EXPECTED | {"other": None}, False),
        (EXPECTED | {"note": "Exportación"}, False),
    ],
    ids=["equal", "older", "number", "total", "line", "missing", "unknown", "note"],
)
def test_a_stored_object_may_lack_only_fields_that_are_null(stored: dict[str, Any], same: bool) -> None:
    assert same_json(stored, EXPECTED) is same
